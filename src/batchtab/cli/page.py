"""A page about one thing: labels with what belongs to each; on a terminal no line is wider than that."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from batchtab.cli.tables import GAP, aligned, widths

_NARROWEST = 20
#: A label, and one or several lines.
Section = tuple[str, str | Iterable[str]]


def print_page(title: str, sections: Iterable[Section]) -> None:
    """Prints a page on stdout; sections without a line are left out.

    A line that is too long goes on below itself; a word that is, as an ARN, is never cut.
    """
    shown = [(label, [lines] if isinstance(lines, str) else list(lines)) for label, lines in sections]
    shown = [(label, [line for line in lines if line]) for label, lines in shown]
    shown = [(label, lines) for label, lines in shown if lines]
    indent = max((len(label) for label, _ in shown), default=0) + len(GAP)
    console = Console(highlight=False, markup=False, emoji=False)
    is_terminal = sys.stdout.isatty()
    width = max(_NARROWEST, console.width - indent) if is_terminal else 0
    console.print(Text(title, style="bold"), soft_wrap=True)
    for label, lines in shown:
        name = label
        for line in lines:
            for part in _wrapped(line, width) if is_terminal else [line]:
                text = Text(name.ljust(indent), style="dim" if is_terminal else "")
                console.print(text.append(part, style="not dim"), soft_wrap=True)
                name = ""


def table_lines(rows: Iterable[Iterable[str]]) -> list[str]:
    """Rows of as many cells each as aligned lines."""
    cells = [list(row) for row in rows]
    return [aligned(row, widths(cells)) for row in cells]


def _wrapped(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    return textwrap.wrap(
        line, width, subsequent_indent=GAP, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
    )
