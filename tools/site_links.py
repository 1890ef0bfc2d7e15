"""Checks a built site: each link within it leads to a page and a place on it, and nothing loads from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: What a browser loads by itself, by element: the attributes with addresses.
_LOADED = {
    **dict.fromkeys(("script", "img", "iframe", "source", "video", "audio"), ("src", "srcset", "poster", "data")),
    **dict.fromkeys(("embed", "object", "link", "use", "image"), ("src", "data", "href")),
}
_IN_STYLE = re.compile(r"""(?:url\(|@import\s+)\s*["']?((?:https?:)?//[^"')\s]+)""")


def faults(site: Path) -> list[str]:
    """What is wrong with a site, a line for each fault."""
    found = [line for path in sorted(site.rglob("*.html")) for line in _of_page(site, path)]
    for path in sorted(site.rglob("*.css")):
        found += [f"{path.relative_to(site)}: loads {url}" for url in _IN_STYLE.findall(path.read_text("utf-8"))]
    return found or ([] if any(site.rglob("*.html")) else [f"{site}: no page"])


def _of_page(site: Path, path: Path) -> Iterator[str]:
    page, name = _read(path), path.relative_to(site)
    for url in page.loads:
        if urlsplit(url).netloc:
            yield f"{name}: loads {url}"
    for url in (*page.links, *page.loads):
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if parts.path.startswith("/") or not target.is_relative_to(site.resolve()) or not target.is_file():
            yield f"{name}: no file for {url}"
        elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in _read(target).names:
            yield f"{name}: no place for {url}"


class _Page(HTMLParser):
    """The addresses and the names of places on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.names = {"", "top"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes what an element refers to."""
        given = {name: value for name, value in attrs if value}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        self.loads |= set(_IN_STYLE.findall(given.get("style", "")))
        if tag in {"a", "area", "form"}:
            self.links |= {given[name] for name in ("href", "action") if name in given}
        for name in _LOADED.get(tag, ()):
            if name in given and not given[name].startswith(("data:", "#")):
                self.loads.add(given[name])

    def handle_data(self, data: str) -> None:
        """Notes what a style element loads."""
        if self.lasttag == "style":
            self.loads |= set(_IN_STYLE.findall(data))


@cache
def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page
