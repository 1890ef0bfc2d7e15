"""The pictures of the documentation: each is made by `python -m tools.doc_pictures`, shown on its page, and small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import browser as chromium
from tests.browser import Page
from tools.comment_page import render
from tools.doc_pictures import FOLDER, PICTURES, make, plan_comment, size
from tools.photographs import photograph
from tools.small_png import shrink

DOCS = FOLDER.parent
needs_chromium = pytest.mark.skipif(chromium.program() is None, reason="Chromium is not on this machine")


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Page]:
    with chromium.opened(tmp_path / "chromium") as found:
        yield found
        # THEN nothing was asked of another place, and nothing was wrong
        assert [url for url in found.requests if not url.startswith(("file:", "about:"))] == []
        assert found.console == []


def test_the_folder_has_the_pictures_of_the_script() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.png" for name in PICTURES}


def test_each_picture_is_on_its_page_with_a_text_for_those_who_do_not_see_it() -> None:
    # GIVEN all pictures on pages
    shown = {
        (path.relative_to(DOCS).as_posix(), target): text
        for path in DOCS.rglob("*.md")
        for text, target in re.findall(r"!\[(.*?)\]\((.*?)\)", path.read_text(encoding="utf-8"))
    }
    # THEN they are those of the script, and each has a sentence
    assert set(shown) == {(picture.page, f"pictures/{name}.png") for name, picture in PICTURES.items()}
    assert [target for target, text in shown.items() if len(text.split()) < 10] == []


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_no_larger_than_it_has_to_be(name: str) -> None:
    path, picture = FOLDER / f"{name}.png", PICTURES[name]
    # THEN it is a PNG with a palette, as wide as the script makes it at most, and fit for a screen
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert path.read_bytes()[25] == 3
    width, height = size(path)
    assert 600 <= width <= min(1600, picture.width * picture.scale)
    assert 300 <= height <= 2000
    assert path.stat().st_size < 120_000


def test_all_pictures_are_less_than_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_000_000


def test_a_comment_looks_as_on_github() -> None:
    # GIVEN a plan that changes a job and removes another one WHEN its comment is made a page
    page = render(plan_comment())
    # THEN the warning is one, the removed job is closed, and the changed one has a table
    assert '<blockquote class="caution">' in page
    assert "[!" not in page
    assert "<details><summary>🔴 <b>my-service-do-something</b> (removed)" in page
    assert "<td>10:07, 10:17, 10:27 UTC</td>" in page
    # AND nothing is left of Markdown's signs, nor of the local stage
    assert re.findall(r"\*\*|^#|^\||`|batchtab-local|000000000000", page.partition("<article")[2], re.MULTILINE) == []


@needs_chromium
def test_a_picture_is_made_from_a_page(tab: Page, tmp_path: Path) -> None:
    # WHEN the picture of a comment is made
    target = tmp_path / "comment.png"
    make(tab, "plan-comment", target, {})
    # THEN it is as wide as the comment with its margin, at the picture's scale
    picture = PICTURES["plan-comment"]
    assert size(target)[0] == round((picture.width - 2 * 16 + 2 * picture.margin) * picture.scale)
    assert 300 <= size(target)[1] <= 2000
    assert target.stat().st_size < 120_000


@needs_chromium
def test_a_small_picture_has_the_pixels_of_the_photograph(tab: Page, tmp_path: Path) -> None:
    # GIVEN a photograph with three colours, of a part of a page
    source, target = tmp_path / "page.html", tmp_path / "page.png"
    source.write_text(
        "<!doctype html><body style='margin:0'><div style='height:1000px;background:#fff'></div>"
        "<p style='margin:0 20px;height:50px;background:#0a0;border:10px solid #b00'></p>"
    )
    photograph(tab, source.as_uri(), target, width=700, scale=2, places="p", margin=5)
    assert size(target) == (670 * 2, 80 * 2)
    before, large = _pixels(tab, target), target.stat().st_size
    # WHEN it is made small
    shrink(tab, target)
    # THEN it is, and looks the same
    assert target.stat().st_size < large
    assert _pixels(tab, target) == before
    assert len(set(before)) == 3


def _pixels(tab: Page, path: Path) -> list[str]:
    """The colours of every 31st pixel of a picture, as a browser shows them."""
    tab.open(path.as_uri())
    found: list[str] = tab.run(
        """(async () => {
            const image = document.images[0];
            const context = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext('2d');
            context.drawImage(image, 0, 0);
            const all = context.getImageData(0, 0, image.naturalWidth, image.naturalHeight).data;
            const places = Array.from({length: Math.floor(all.length / 124)}, (_, index) => index * 124);
            return places.map(place => all.slice(place, place + 3).join());
        })()"""
    )
    return found
