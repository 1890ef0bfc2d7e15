"""`batchtab diff`: what two git refs' files change, in the words of a plan. It calls git, neither AWS nor Terraform."""

from __future__ import annotations

import shutil
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli import exits
from batchtab.cli.options import ROOT_HELP, complete_stages
from batchtab.cli.output import Output, OutputOption, print_data
from batchtab.declarations import catalog
from batchtab.declarations.catalog import Catalog
from batchtab.declarations.diagnostics import Diagnostics
from batchtab.errors import UsageError, did_you_mean, listed
from batchtab.file_diff import text
from batchtab.file_diff.compare import StageDiff, compare
from batchtab.project.git_files import GitFiles, Ref

_WORKING_TREE = "working tree"
_INDENT = "      "


@dataclass(frozen=True)
class _Side:
    """One side of the comparison.

    Attributes:
        option: By which option it is named.
        ref: Its commit; None for the working tree.
        root: Where its files are.
    """

    option: str
    ref: Ref | None
    root: Path

    @property
    def label(self) -> str:
        """For people."""
        return self.ref.label if self.ref else _WORKING_TREE

    @property
    def stages(self) -> list[str]:
        """The stages that it has."""
        return sorted(path.stem for path in (self.root / "config").glob("*.yaml"))


def diff(
    base: Annotated[
        str | None, typer.Option("--base", help="The old ref. Default: merge-base of --head and the main branch.")
    ] = None,
    head: Annotated[str | None, typer.Option("--head", help="The new ref. Default: the working tree.")] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(
            "--stage", help="A stage to compare; may be repeated. Default: all.", autocompletion=complete_stages
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if there are differences.")] = False,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> int:
    """Show what the files of two git refs change: jobs, scheduled times of 90 days, sizes, permissions, queues, stages.

    Reads config/ and jobs/ only, not AWS or Terraform: changes made in AWS are not shown. A table lists
    up to 3 removed and 3 added times of a job, `-o wide` up to 20 of each.
    """
    git = GitFiles(root)
    after = git.ref(head, "--head") if head is not None else None
    before = git.ref(base, "--base") if base is not None else git.fork(after.commit if after else "HEAD")
    with tempfile.TemporaryDirectory(prefix="batchtab-diff-") as folder:
        sides = []
        for option, ref in (("--base", before), ("--head", after)):
            place = root
            if ref is not None:
                place = Path(folder, option.strip("-"))
                place.mkdir()
                git.write(ref, place)
            sides.append(_Side(option, ref, place))
        stages = _compared(sides[0], sides[1], stage or None)
    _print(stages, sides, output)
    return exits.FAILED if exit_code and any(each.action for each in stages) else exits.OK


def _compared(base: _Side, head: _Side, wanted: Sequence[str] | None) -> list[StageDiff]:
    known = sorted({*base.stages, *head.stages})
    for name in wanted or ():
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(f"diff: neither side has a stage '{name}': the stages are {listed(known)}", hint)
    names = list(dict.fromkeys(wanted or known))
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    before, after = _load([base, head], names)
    return [compare(before.get(name), after.get(name), now) for name in names]


def _load(sides: Sequence[_Side], names: Sequence[str]) -> list[dict[str, Catalog]]:
    """The stages of both sides by name; the faults of both are reported at once, each with its side.

    Raises:
        UsageError: a side's files have errors.
    """
    found: list[dict[str, Catalog]] = []
    faults = []
    for side in sides:
        chosen = [name for name in names if name in side.stages]
        try:
            loaded = catalog.load_all(side.root, chosen) if chosen else []
        except Diagnostics as error:
            typer.echo(f"batchtab: diff: the files of {side.option}, {side.label}, have errors", err=True)
            prefix = f"{side.root.as_posix()}/"
            ref = f"{side.ref.commit[:10] if ' ' in side.ref.name else side.ref.name}:" if side.ref else ""
            faults += [
                replace(each, file=ref + each.file.removeprefix(prefix)) if ref else each for each in error.problems
            ]
            continue
        found.append({each.stage.name: each for each in loaded})
    if faults:
        raise Diagnostics(faults)
    return found


def _print(stages: Sequence[StageDiff], sides: Sequence[_Side], output: Output) -> None:
    if output in (Output.JSON, Output.YAML):
        base, head = ({"ref": s.ref.name, "commit": s.ref.commit} if s.ref else None for s in sides)
        print_data({"base": base, "head": head, "stages": [text.as_dict(each) for each in stages]}, output)
        return
    if output is Output.NAME:
        for name in dict.fromkeys(job.change.name for each in stages for job in each.jobs):
            typer.echo(name)
        return
    times = {"times": text.MANY} if output is Output.WIDE else {}
    lines = [f"{sides[0].label} → {sides[1].label}", "", *text.render(stages, **times)]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in lines:
        for part in _folded(line, width):
            typer.echo(part)


def _folded(line: str, width: int | None) -> list[str]:
    """A line as it fits a terminal; a name longer than that is not cut."""
    if width is None or len(line) <= width:
        return [line]
    return textwrap.wrap(
        line, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
