"""How much is tried: of Hypothesis' examples, and of the tests.

Profiles: `ci` always, `sample` and `deep` when they are asked for. `pytest
--hypothesis-profile=deep tests/oracle` compares the engines with the brute force on 100,000 traces
each.

`pytest --share 2/3` runs the second of three shares of the tests. Names decide, so that a test is
in the same share in every process and in every order.
"""

from __future__ import annotations

import gc
import signal
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]  # for the tests of our own plugin; only this file may say so

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has put us in the background. What the tests run is to hear of Ctrl-C all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)

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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", metavar="K/N", default="1/1", help="run the K-th of N shares")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    which, _, shares = config.getoption("--share").partition("/")
    mine = [item for item in items if crc32(item.nodeid.encode()) % int(shares) == int(which) - 1]
    if len(mine) < len(items):
        kept = set(mine)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = mine


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Have a collection of garbage look at what this test makes, and not at all that was there.

    The end of every recording collects garbage, and the collected tests are 240,000 objects.
    """
    if gc.isenabled():
        gc.collect(1)
    else:  # an exploration that the last test gave up holds its kernel, until it is found
        gc.unfreeze()
        gc.collect()
    gc.freeze()
