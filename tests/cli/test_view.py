from __future__ import annotations

import io
import webbrowser
from pathlib import Path
from urllib.request import urlopen

import pytest

from racepage.cli import serving
from tests.cli.conftest import RACY, Racepage


def test_the_page_stands_beside_the_trace_and_is_opened(
    racepage: Racepage, racy: Path, opened: list[str]
) -> None:
    result = racepage("view", racy)
    page = racy.with_name("racy.trace.html")
    assert result.err == f"racepage: wrote {page}\n"
    assert result.out == ""
    assert opened == [page.as_uri()]
    assert "<title>racy.trace · racepage</title>" in page.read_text("utf-8")


def test_no_open_leaves_it_to_the_user(
    racepage: Racepage, racy: Path, tmp_path: Path, opened: list[str]
) -> None:
    racepage("view", racy, "-o", "look.html", "--no-open")
    assert (tmp_path / "look.html").exists()
    assert opened == []


def test_where_there_is_no_browser_the_page_is_named(
    racepage: Racepage, racy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    result = racepage("view", racy, "-o", "look.html")
    assert "there is no browser here to open it; open look.html in one" in result.err


def test_the_code_is_that_of_check(racepage: Racepage, racy: Path, clean: Path) -> None:
    assert racepage("view", racy, "--no-open").code == 1
    assert racepage("view", clean, "--no-open").code == 0


def test_what_is_suppressed_does_not_count(racepage: Racepage, racy: Path, tmp_path: Path) -> None:
    rules = tmp_path / "known.toml"
    rules.write_text('[[suppress]]\nrule = "RP001"\nreason = "known"\n')
    assert racepage("view", racy, "--no-open", "--suppressions", rules).code == 0
    assert '"suppressed":"known"' in (tmp_path / "racy.trace.html").read_text("utf-8")


def test_the_trace_is_not_overwritten(racepage: Racepage, racy: Path) -> None:
    complaint = racepage("view", racy, "-o", racy).complaint
    assert complaint.startswith(f"-o {racy} would overwrite the trace; name another file")
    assert racy.read_text() == RACY


def test_an_unusable_trace_is_told(racepage: Racepage, tmp_path: Path) -> None:
    assert "nowhere.trace" in racepage("view", tmp_path / "nowhere.trace").complaint


def test_a_run_can_be_looked_at(racepage: Racepage, tmp_path: Path, opened: list[str]) -> None:
    result = racepage("run", "handoff", "--view")
    page = tmp_path / "handoff.html"
    assert result.code == 0
    assert f"wrote {page.name}" in result.err
    assert opened == [page.as_uri()]


def test_the_page_of_a_kept_run_stands_beside_its_trace(
    racepage: Racepage, tmp_path: Path, opened: list[str]
) -> None:
    racepage("run", "handoff:keeps-writing", "--view", "--no-open", "--trace", "kept.arrows")
    assert (tmp_path / "kept.arrows.html").exists()
    assert opened == []


# In the terminal ---------------------------------------------------------------------------------


def test_a_race_is_drawn_in_the_terminal(racepage: Racepage, racy: Path, opened: list[str]) -> None:
    result = racepage("view", racy, "--text", "1")
    assert (result.code, result.err) == (1, "")
    [line] = [line for line in result.out.splitlines() if "unordered" in line]
    assert line.split() == [
        *("write", "page:0[0:64]", "2", "●╌╌╌", "unordered", "╌╌╌●", "3", "write", "page:0[32:96]")
    ]
    assert racepage("view", racy, "--text").out == result.out
    assert opened == []
    assert not racy.with_name("racy.trace.html").exists()


def test_the_drawing_goes_where_it_is_sent(racepage: Racepage, racy: Path, tmp_path: Path) -> None:
    shown = racepage("view", racy, "--text").out
    racepage("view", racy, "--text", "-o", "race.txt")
    assert (tmp_path / "race.txt").read_text("utf-8") == shown


def test_colours_are_drawn_where_they_are_wanted(
    racepage: Racepage, racy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in racepage("view", racy, "--text").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in racepage("view", racy, "--text").out


def test_where_there_are_no_boxes_the_lanes_are_ascii(
    racepage: Racepage, racy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = racepage("view", racy, "--text").out.splitlines()
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", written)
    racepage("view", racy, "--text")
    written.seek(0)
    lines = written.read().splitlines()
    assert [len(line) for line in lines] == [len(line) for line in shown]
    assert "*... unordered ...*" in "".join(lines)


def test_a_race_that_is_not_there_is_told(racepage: Racepage, racy: Path, clean: Path) -> None:
    told = "there is no finding 2; it has 1 finding, and that is number 1"
    assert racepage("view", racy, "--text", "2").complaint == f"{racy}: {told}"
    told = "there is no finding 1, since there is none that counts"
    assert racepage("view", clean, "--text").complaint == f"{clean}: {told}"


def test_serving_prints_the_address_opens_it_and_ends_with_the_code_of_check(
    racepage: Racepage,
    racy: Path,
    clean: Path,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def look() -> None:
        with urlopen(opened[-1], timeout=10) as page:  # noqa: S310  (it is the server's address)
            seen.append(page.read())

    monkeypatch.setattr(serving, "until_interrupted", look)
    result = racepage("view", racy, "--serve")
    assert (result.code, result.out) == (1, f"{opened[0]}\n")
    assert "until Ctrl-C" in result.err
    assert b"<title>racy.trace " in seen[0]
    assert racepage("view", clean, "--serve").code == 0
    assert not racy.with_name("racy.trace.html").exists()


def test_ctrl_c_ends_the_serving(
    racepage: Racepage, racy: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def wait(self) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(serving, "Event", Interrupted)
    result = racepage("view", racy, "--serve", "--no-open")
    assert result.code == 1
    assert result.err.endswith("racepage: ended\n")
    assert opened == []


@pytest.mark.parametrize("also", [("-o", "x.html"), ("--text",)])
def test_serving_writes_no_file(racepage: Racepage, racy: Path, also: tuple[str, ...]) -> None:
    assert "--serve writes no file" in racepage("view", racy, "--serve", *also).complaint
