"""The scope in which races are meant, as a program says it."""

from __future__ import annotations

import pytest

import racepage
from racepage.events import Flag
from racepage.sync import Thread
from tests.execution.rows import recorded


def test_a_scope_is_logged_with_its_reason() -> None:
    def body() -> None:
        with racepage.racy_ok("a statistic"):
            pass

    assert recorded(body) == [
        f"main racy_ok reason:a statistic {Flag.BEGIN.name}",
        f"main racy_ok reason:a statistic {Flag.END.name}",
    ]


def test_a_scope_ends_when_its_body_raises() -> None:
    def body() -> None:
        with pytest.raises(KeyError), racepage.racy_ok("why"):
            raise KeyError

    assert [line.split()[-1] for line in recorded(body)] == ["BEGIN", "END"]


def test_one_reason_is_one_target_however_often_it_is_given() -> None:
    def body() -> None:
        for _ in range(3):
            with racepage.racy_ok("why"), racepage.racy_ok("other"):
                pass

    assert {line.split()[2] for line in recorded(body)} == {"reason:why", "reason:other"}


def test_one_object_serves_several_scopes_and_threads() -> None:
    meant = racepage.racy_ok("why")

    def enter() -> None:
        with meant, meant:
            pass

    def body() -> None:
        enter()
        thread = Thread(target=enter, name="t")
        thread.start()
        thread.join()

    lines = [line.split(maxsplit=1) for line in recorded(body) if "racy_ok" in line]
    for name in ("main", "t"):
        flags = [rest.split()[-1] for who, rest in lines if who == name]
        assert flags == ["BEGIN", "BEGIN", "END", "END"]


def test_the_scope_stands_at_the_line_of_its_with() -> None:
    with racepage.record() as recording, racepage.racy_ok("why"):
        pass
    trace = recording.trace()
    [frame] = trace.sites[trace.columns.site[0]]
    assert frame.function == "test_the_scope_stands_at_the_line_of_its_with"


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_must_be_given(reason: str) -> None:
    with pytest.raises(ValueError, match="why"):
        racepage.racy_ok(reason)


def test_a_reason_is_text() -> None:
    with pytest.raises(TypeError, match="int"):
        racepage.racy_ok(7)  # type: ignore[arg-type]
