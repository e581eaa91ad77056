from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Racepage

PROGRAM = """\
from racepage import sync
from racepage.memory import GFP_KERNEL, __GFP_ZERO, Page


def racy():
    with Page.alloc_page(GFP_KERNEL | __GFP_ZERO) as page:
        writer = sync.Thread(target=lambda: page.write_raw(b"x", 0, 1), name="writer")
        writer.start()
        page.write_raw(b"y", 0, 1)
        writer.join()


def clean():
    pass
"""


@pytest.fixture(autouse=True)
def program(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(PROGRAM)


def test_the_first_finding_of_an_exploration_and_of_its_replay_can_be_looked_at(
    racepage: Racepage, tmp_path: Path, opened: list[str]
) -> None:
    explored = racepage("explore", "two.py:racy", "--view", "--save-schedule", "racy.json")
    page = tmp_path / "two.py-racy.html"
    assert explored.code == 1
    assert explored.err.endswith(f"racepage: wrote {page.name}\n")
    assert opened == [page.as_uri()]
    text = page.read_text("utf-8")
    assert "<title>two.py:racy · racepage</title>" in text
    assert '"kind":"data-race"' in text
    page.unlink()
    replayed = racepage("replay", "racy.json", "--times", "1", "--view", "--no-open")
    assert replayed.code == 1
    assert '"kind":"data-race"' in page.read_text("utf-8")
    assert len(opened) == 1


def test_the_page_stands_beside_the_trace_that_is_kept(racepage: Racepage, tmp_path: Path) -> None:
    racepage("explore", "two.py:racy", "--view", "--no-open", "--trace", "racy.arrows")
    assert (tmp_path / "racy.arrows.html").is_file()


def test_where_nothing_is_found_there_is_nothing_to_look_at(
    racepage: Racepage, tmp_path: Path, opened: list[str]
) -> None:
    done = racepage("explore", "two.py:clean", "--view")
    assert done.code == 0
    assert done.err == "racepage: there is nothing to look at, since nothing was found\n"
    assert opened == []
    assert not [*tmp_path.glob("*.html")]
