"""The picture in the README: the page of the README's example, as this run shows it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser

from racepage.detect import analyse
from racepage.report import html
from racepage.trace import text
from tests.browser.conftest import READY, settled
from tests.browser.picture import difference, keep, size, small
from tests.cli.conftest import Racepage, racepage
from tests.test_readme import ROOT, example

__all__ = ["racepage"]

PICTURE = ROOT / "docs" / "viewer.png"
WIDTH, HEIGHT, SCALE = 1280, 882, 2
LARGEST = 150_000  # bytes
MEAN, MOST = 1.5, 30.0  # steps of 255; letters of another font come to less


def test_the_picture_in_the_readme_is_what_the_page_looks_like(
    racepage: Racepage, chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "early.py").write_text(example())
    assert racepage("run", "early.py", "--trace", "early.trace").code == 1
    trace = text.parse(re.sub(r" time=\d+", "", (tmp_path / "early.trace").read_text("utf-8")))
    file = tmp_path / "early.html"
    file.write_text(html.render(trace, analyse(trace), subject="early.py"), encoding="utf-8")
    context = chromium.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=SCALE,
        color_scheme="light",
        reduced_motion="reduce",
        offline=True,
    )
    try:
        page, table = context.new_page(), context.new_page()
        page.goto(file.as_uri())
        page.wait_for_selector(READY, state="attached")
        settled(page)
        made = page.screenshot(animations="disabled")
        kept = PICTURE.read_bytes()
        apart = difference(table, made, kept) if size(kept) == size(made) else None
        if apart is None or apart.mean > MEAN or apart.most > MOST:
            new = keep(table, made, tmp_path / PICTURE.name)
            raise AssertionError(f"it looks otherwise ({apart}); if it should: cp {new} {PICTURE}")
    finally:
        context.close()
    assert size(kept) == (WIDTH * SCALE, HEIGHT * SCALE)
    assert len(kept) < LARGEST


def test_pictures_are_apart_where_they_show_something_else(chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 160, "height": 160})
    try:
        page.set_content("<p>some words</p>")
        one = page.screenshot()
        page.set_content("<p>same words</p>")
        near = page.screenshot()
        page.set_content("<p style='background: #0072b2'>some words</p>")
        far = page.screenshot()
        assert difference(page, one, one) == (0, 0)
        assert 0 < difference(page, one, near).most < MOST < difference(page, one, far).most
        assert difference(page, far, small(page, far)).most < 1
    finally:
        page.close()
