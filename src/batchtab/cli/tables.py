"""Columns of text: how wide they are, and a line of them."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "
#: Colors of statuses on a terminal.
COLORS = {"SUCCEEDED": "green", "FAILED": "red", "RUNNING": "blue", "STARTING": "blue"}


def widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column must be for all rows, which have the same number of cells."""
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def aligned(row: Sequence[str], sizes: Sequence[int]) -> str:
    """One line; of more sizes than cells the last ones are not used."""
    return GAP.join(cell.ljust(size) for cell, size in zip(row, sizes, strict=False)).rstrip()


def folded(text: str, width: int, indent: int = 0) -> list[str]:
    """A text without good places for a break, as a name, on as many lines as it needs; at least one.

    Args:
        text: The text.
        width: How wide a line may be.
        indent: How far the lines after the first are moved in.
    """
    room = max(1, width - indent)
    rest = text[width:]
    return [text[:width], *(" " * indent + rest[at : at + room] for at in range(0, len(rest), room))]
