"""How much Hypothesis tries: `ci` always, `sample` and `deep` when they are asked for.

`pytest --hypothesis-profile=deep tests/oracle` compares the engines with the brute force on 100,000
traces each.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=2_000,
    deadline=None,  # a machine under load is no failure
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("sample", settings.get_profile("ci"), max_examples=50)
settings.register_profile("deep", settings.get_profile("ci"), max_examples=100_000)
settings.load_profile("ci")
