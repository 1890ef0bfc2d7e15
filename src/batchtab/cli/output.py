"""What commands print, in the form that `-o` asks for: data on stdout, as a table, as JSON, as YAML, or as names.

A table on a terminal is as wide as that: what does not fit beside the other columns is below its line, and no name is
cut. Elsewhere each record is one line.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Annotated, Any, Generic, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from batchtab.cli.tables import GAP, aligned, folded, widths

_NARROWEST = 12
T = TypeVar("T")


class Output(StrEnum):
    """How data is printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print it.", show_default=True)]


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column of a table.

    Attributes:
        heading: Its heading, in lower case.
        cell: What it has of a record.
        is_wide: Whether only `-o wide` shows it.
        style: Of a record's cell on a terminal, as rich takes it; empty for none.
    """

    heading: str
    cell: Callable[[T], str]
    is_wide: bool = False
    style: Callable[[T], str] = lambda _: ""


@dataclass(frozen=True)
class Listing(Generic[T]):
    """How a kind of record is printed.

    Attributes:
        columns: Of the table, the record's name first.
        as_dict: For other programs: moments in UTC, null where there is none.
        name: What `-o name` prints.
        note: Of a record, what is too long for a column; empty for none. It has the heading `note_heading`.
        empty: What a table says if there are no records; on stderr, since it is no data.
    """

    columns: Sequence[Column[T]]
    as_dict: Callable[[T], Mapping[str, Any]]
    name: Callable[[T], str]
    note: Callable[[T], str] = lambda _: ""
    note_heading: str = ""
    empty: str = "Nothing."

    def print(self, records: Sequence[T], output: Output) -> None:
        """Prints records on stdout."""
        if output is Output.NAME:
            for record in records:
                typer.echo(self.name(record))
        elif output in (Output.JSON, Output.YAML):
            print_data([self.as_dict(record) for record in records], output)
        elif not records:
            typer.echo(self.empty, err=True)
        else:
            self._print_table(records, is_wide=output is Output.WIDE)

    def _print_table(self, records: Sequence[T], *, is_wide: bool) -> None:
        columns = [column for column in self.columns if is_wide or not column.is_wide]
        rows = [[column.heading for column in columns]]
        rows += [[column.cell(record) for column in columns] for record in records]
        styles = [[""] * len(columns), *([column.style(record) for column in columns] for record in records)]
        print_rows(rows, [self.note_heading, *map(self.note, records)], styles)


def print_note(text: str) -> None:
    """Prints what is to be known of a table: beside it on a terminal, else on stderr, since it is no data."""
    typer.echo(text, err=not sys.stdout.isatty())


def print_data(data: Any, output: Output) -> None:
    """Prints data as JSON or YAML."""
    if output is Output.YAML:
        import yaml  # noqa: PLC0415 - only this form needs it

        typer.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)
    else:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_rows(rows: Sequence[Sequence[str]], notes: Sequence[str], styles: Sequence[Sequence[str]]) -> None:
    """Prints a table whose first row is its heading.

    Args:
        rows: The cells, as many in each row; the first is a name and may be long.
        notes: Of each row what is long: on a terminal it is below the row, elsewhere at its end.
        styles: Of each cell.
    """
    sizes = widths(rows)
    if not sys.stdout.isatty():
        for row, note in zip(rows, notes, strict=True):
            typer.echo(aligned((*row, note), [*sizes, 0]))
        return
    console = Console(highlight=False)
    spare = console.width - sum(sizes) - len(GAP) * (len(sizes) - 1)
    sizes[0] = max(_NARROWEST, sizes[0] + min(spare, 0))
    for number, (row, note, style) in enumerate(zip(rows, notes, styles, strict=True)):
        head, *rest = folded(row[0], sizes[0])
        line = Text(style="" if number else "bold")
        for cell, size, of_cell in zip((head, *row[1:]), sizes, style, strict=True):
            line.append(cell.ljust(size), of_cell).append(GAP)
        line.rstrip()
        _print(console, line)
        indent = sizes[0] + len(GAP)
        room = max(_NARROWEST, console.width - indent)
        # A command or a name within a note is not broken either.
        below = textwrap.wrap(note, room, break_on_hyphens=False, break_long_words=False) if number else []
        for name, words in zip_longest(rest, below, fillvalue=""):
            _print(console, Text(f"{name.ljust(indent)}{words}".rstrip(), style="dim"))


def _print(console: Console, line: Text) -> None:
    console.print(line, no_wrap=True, overflow="ignore", crop=False)
