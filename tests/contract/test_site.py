"""The documentation site: strict, whole without a network, and readable light, dark and narrow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import browser as chromium
from tests.browser import Page
from tools.documentation import ROOT, SCRIPTS, build
from tools.site_links import faults

VENV = ROOT / ".batchtab" / "docs-venv"
is_set_up = (VENV / "made-from").exists() and (SCRIPTS / "mermaid.min.js").exists()
needs_sphinx = pytest.mark.skipif(not is_set_up, reason="`make docs` makes the environment of the site")
needs_chromium = pytest.mark.skipif(chromium.program() is None, reason="Chromium is not on this machine")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly."""
    out = tmp_path_factory.mktemp("site") / "html"
    done = build(VENV, out)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return out


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with chromium.opened(tmp_path / "chromium") as found:
        found.show(1280, 900)
        yield found
        # THEN nothing was asked of another place, and nothing was wrong
        assert [url for url in found.requests if not url.startswith(("file:", "data:"))] == []
        assert found.console == []


@pytest.mark.slow
@needs_sphinx
def test_every_link_leads_to_a_place_and_nothing_loads_from_another_host(site: Path) -> None:
    # GIVEN the built site THEN it has the pages of all groups, and no fault
    for name in ("index", "docs/runbook", "docs/reference/cli", "modules/scheduled_job/README", "docs/permissions"):
        assert (site / f"{name}.html").is_file()
    assert faults(site) == []


@pytest.mark.slow
@needs_sphinx
def test_a_strict_build_fails_on_a_page_in_no_group_and_on_links_to_nothing(tmp_path: Path) -> None:
    # GIVEN a page that no group names, with links to no page and to no heading
    source = tmp_path / "source"
    shutil.copytree(ROOT / "docs" / "site", source / "docs" / "site")
    for name in ("README.md", "docs/runbook.md"):
        shutil.copy(ROOT / name, source / name)
    (source / "docs" / "lost.md").write_text("# Lost\n\n[one](nowhere.md), [two](runbook.md#nothing-like-it)\n")
    # WHEN it is built
    done = build(VENV, tmp_path / "out", source)
    # THEN that fails, with a line for each
    assert done.returncode == 1
    found = [line.partition("lost.md:")[2] for line in done.stderr.splitlines() if "lost.md:" in line]
    assert len(found) == 3, done.stderr
    for words in ("document isn't included in any toctree", "'nowhere.md'", "'nothing-like-it'"):
        assert [line for line in found if words in line], (words, found)


def test_a_link_to_nothing_and_what_is_loaded_from_another_host_are_found(tmp_path: Path) -> None:
    # GIVEN a site with a fault of each kind, and what is none
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.html").write_text('<p id="here">x</p><a href="../index.html#top">up</a>')
    (tmp_path / "index.html").write_text(
        """<link rel="stylesheet" href="https://fonts.example/css"><script src="//cdn.example/x.js"></script>
        <img src="data:image/png;base64,AA"><img src="gone.png">
        <style>p { background: url(https://a.example/p.png) }</style>
        <a href="a/b.html#here">1</a><a href="a/b.html#there">2</a><a href="c.html">3</a><a href="a/">4</a>
        <a href="/index.html">5</a><a href="https://aws.example/">6</a>
        <a href="#nowhere">7</a><a href="mailto:a@b">8</a>"""
    )
    (tmp_path / "site.css").write_text("@import '//d.example/f.css'; p { background: url(data:image/png;base64,AA) }")
    # WHEN it is checked THEN each is a line
    assert set(faults(tmp_path)) == {
        "index.html: loads https://fonts.example/css",
        "index.html: loads //cdn.example/x.js",
        "index.html: loads https://a.example/p.png",
        "index.html: no file for gone.png",
        "index.html: no place for a/b.html#there",
        "index.html: no file for c.html",
        "index.html: no file for a/",
        "index.html: no file for /index.html",
        "index.html: no place for #nowhere",
        "site.css: loads //d.example/f.css",
    }
    # AND a site without a page is one
    assert len(faults(tmp_path / "nothing")) == 1


@pytest.mark.slow
@needs_sphinx
@needs_chromium
def test_search_finds_a_page_from_a_file(site: Path, page: Page) -> None:
    # GIVEN the site as files, without a server WHEN a word is searched
    page.open(f"{(site / 'search.html').as_uri()}?q=backfill")
    # THEN pages with it are listed, and lead there
    page.wait_until("document.querySelectorAll('#search-results li a').length > 3")
    links = page.run("[...document.querySelectorAll('#search-results li a')].map(each => each.href)")
    assert any("docs/runbook.html" in link for link in links)


@pytest.mark.slow
@needs_sphinx
@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_diagrams_are_drawn_in_the_colours_of_the_page(site: Path, page: Page, scheme: str) -> None:
    # GIVEN a reader who likes it light or dark WHEN a page with diagrams is opened
    page.show(1280, 900, scheme)
    page.open((site / "docs" / "architecture.html").as_uri())
    # THEN each is a picture with its labels as they are written
    page.wait_until(
        "document.querySelectorAll('pre.mermaid svg').length === document.querySelectorAll('pre.mermaid').length"
    )
    assert page.run("document.querySelectorAll('pre.mermaid').length") == 2
    assert "jobs/<service>/jobs.yaml" in page.run("document.querySelector('pre.mermaid').textContent")
    # AND text is light on dark, or dark on light
    shades = "getComputedStyle(document.body).{}.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
    text, ground = (page.run(shades.format(name)) for name in ("color", "backgroundColor"))
    assert (text < ground) == (scheme == "light")


@pytest.mark.slow
@needs_sphinx
@needs_chromium
def test_no_page_is_wider_than_its_window(site: Path, page: Page) -> None:
    # GIVEN pages with the widest tables, blocks and pictures WHEN they are opened on a telephone and on a laptop
    docs = ("reference/jobs", "reference/cli", "permissions", "architecture", "web")
    for width in (390, 1024, 1440):
        page.show(width, 844)
        for name in ("index", *(f"docs/{each}" for each in docs)):
            page.open((site / f"{name}.html").as_uri())
            # THEN what is wider scrolls by itself, and the page does not
            assert page.run("document.documentElement.scrollWidth") <= width, (name, width)
