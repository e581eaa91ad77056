"""Labels that pages are given when they are there already."""

from __future__ import annotations

from pathlib import Path

import pytest

import racepage
from racepage.execution import current
from racepage.memory import GFP_KERNEL, GFP_ZERO, Page
from racepage.trace.files import write_trace


def labels(path: Path | None = None, *, flush: bool) -> dict[str, str]:
    """Of a page that is labelled twice, and one that is not, after a first flush or before any."""
    with racepage.record(path) as recording:
        page, other = (Page.alloc_page(GFP_KERNEL | GFP_ZERO) for _ in range(2))
        page.view()[0:8] = b"racepage"
        other.view()[0:8] = b"racepage"
        page.label = "first"
        if flush:
            recording._flush()
        page.label = "inbox"
        other.free()
        page.free()
    trace = recording.trace()
    return {str(trace.targets[target]): label for target, label in trace.labels.items()}


@pytest.mark.parametrize("flush", [False, True])
def test_the_last_label_counts(tmp_path: Path, *, flush: bool) -> None:
    assert labels(flush=flush) == {"page:0": "inbox"}
    assert labels(tmp_path / "a.arrows", flush=flush) == {"page:0": "inbox"}


def test_a_label_after_the_last_event_is_in_the_file(tmp_path: Path) -> None:
    with racepage.record(tmp_path / "a.arrows") as recording:
        page = Page.alloc_page()
        page.free()
        recording._flush()
        recording._flush()  # what the last turn of a thread held back
        page.label = "late"
    assert list(recording.trace().labels.values()) == ["late"]


def test_a_label_is_kept_from_before_the_recording() -> None:
    page = Page.alloc_page()
    page.label = "early"
    with racepage.record() as recording:
        page.free()
    assert list(recording.trace().labels.values()) == ["early"]


def test_a_borrowed_page_is_the_same_page() -> None:
    page = Page.alloc_page(label="inbox")
    assert page.borrow().label == "inbox"
    page.borrow().label = "outbox"
    assert page.label == "outbox"
    page.free()


def test_a_page_without_a_label_has_none() -> None:
    page = Page.alloc_page()
    assert page.label is None
    page.free()


def test_what_is_no_text_is_no_label() -> None:
    page = Page.alloc_page()
    with pytest.raises(TypeError, match="a label is a string, not int"):
        page.label = 3  # type: ignore[assignment]
    page.free()


def test_nothing_is_kept_of_labels_that_no_recording_asked_for() -> None:
    page = Page.alloc_page()
    for number in range(3):
        page.label = f"inbox[{number}]"
    assert current.relabelled == []
    with racepage.record():
        page.label = "inbox"
        page.free()
    assert current.relabelled == []
    number = page.number
    del page
    assert number not in current.given


def test_the_text_form_has_the_label(tmp_path: Path) -> None:
    with racepage.record() as recording:
        page = Page.alloc_page()
        page.label = "the inbox"
        page.free()
    write_trace(recording.trace(), tmp_path / "a.trace")
    assert '# racepage: label page:0 "the inbox"\n' in (tmp_path / "a.trace").read_text()


def test_a_report_has_the_label() -> None:
    with racepage.record() as recording:
        page = Page.alloc_page()
        page.label = "inbox"
    analysis = racepage.analyse(recording.trace())
    assert analysis.pages["page:0"].label == "inbox"
    assert analysis.label("page:0") == "inbox"
    page.free()
