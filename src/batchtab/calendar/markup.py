"""Elements of a page, well-formed as XML, too."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from batchtab.errors import printable


def element(name: str, /, *children: str, **attributes: object) -> str:
    """An element with children that are markup already.

    Of an attribute's name a `_` at the end is dropped and others become `-`; one that is None is left out.
    """
    given = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(printable(str(value)))}"
        for key, value in attributes.items()
        if value is not None
    )
    content = "".join(children)
    if not content and name in _EMPTY:
        return f"<{name}{given}/>"
    return f"<{name}{given}>{content}</{name}>"


def text(words: str) -> str:
    """Words of others, with nothing in them that is markup."""
    return escape(printable(words))


def percent(fraction: float) -> str:
    """A place or a length along the week."""
    return f"{100 * fraction:.3f}".rstrip("0").rstrip(".") + "%"


# HTML reads `<td/>` as the beginning of a cell.
_EMPTY = frozenset({"circle", "col", "input", "line", "link", "meta", "path", "rect", "use"})
