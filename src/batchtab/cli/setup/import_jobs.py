"""`batchtab import`: jobs.yaml from what a team runs today, with a proof that it starts jobs at the same times."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchtab.cli import exits
from batchtab.cli.options import ROOT_HELP
from batchtab.errors import UsageError, one_line
from batchtab.importers import importing, kinds, report
from batchtab.importers.importing import PROOF_NAME, REPORT_NAME, Result
from batchtab.importers.options import Options
from batchtab.importers.proof import YEARS
from batchtab.importers.source_file import read
from batchtab.project.files import has_text, write_new_files

if TYPE_CHECKING:
    from batchtab.aws.client import Aws
    from batchtab.declarations.stage import StageConfig

_FARGATE = "FARGATE"
_STDOUT = Path("-")
_DECISIONS_SHOWN = 20


def import_jobs(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(each.name for each in kinds.KINDS)}.")] = "",
    source: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Files to import. Default for `aws` and `ecs`: the account."),
    ] = None,
    service: Annotated[str, typer.Option(help="Name of the service. Default: the source's name.")] = "",
    stage: Annotated[
        str,
        typer.Option(help="A stage whose account, region and capacity the jobs get. Default: the project's only one."),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where jobs.yaml goes; '-' prints it. Default: jobs/SERVICE/.")
    ] = None,
    image: Annotated[str, typer.Option(help="Image of jobs whose source has none. Default: the runner image.")] = "",
    timezone: Annotated[str, typer.Option(help="Time zone of sources that name none. Default: UTC.")] = "",
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the kind; may be repeated.")
    ] = None,
    prove: Annotated[bool, typer.Option("--prove/--no-prove", help="Prove that start times are the same.")] = True,
    years: Annotated[int, typer.Option(min=1, max=20, help="Years that the proof compares.")] = YEARS,
    check: Annotated[
        Path | None, typer.Option(metavar="PROOF", help="Check an import's proof again; import nothing.")
    ] = None,
    root: Annotated[Path, typer.Option(help=ROOT_HELP)] = Path(),
) -> None:
    """Import jobs from another system, with a report and a proof.

    It writes jobs.yaml, import-report.md and import-proof.json, and overwrites nothing. The report lists each field of
    the source: carried, changed, or not carried. The proof compares when the source and jobs.yaml start each job.
    Nothing in the sources is run. Exit status 4: a person has to decide something; the report says what.
    """
    if check is not None:
        _check(check)
        return
    if not kind:
        raise UsageError("import needs a kind of source", f"batchtab import KIND FILE, such as: {_kinds()}")
    options = _options(service, stage, image, timezone, setting or [], root)
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    kinds.kind_of(kind)
    files = [read(path) for path in source or []]
    given = {"--service": service, "--stage": stage, "--image": image, "--timezone": timezone}
    options_ = [word for name, value in given.items() if value for word in (name, value)]
    options_ += [word for each in setting or [] for word in ("--set", each)]
    command = shlex.join(["batchtab", "import", kind, *map(str, source or []), *options_])
    result = importing.run(kind, files, options, since=now, years=years, is_proven=prove, command=command)
    if output == _STDOUT:
        typer.echo(result.jobs_text, nl=False)
        typer.echo(result.report_text, err=True)
    else:
        _write(result, output or root / "jobs" / result.service / "jobs.yaml")
    if result.needs_person:
        raise typer.Exit(exits.NEEDS_PERSON)


def _write(result: Result, path: Path) -> None:
    """Writes all files or none."""
    texts = {path.name: result.jobs_text, REPORT_NAME: result.report_text, **result.imported.files}
    if result.proof_text:
        texts[PROOF_NAME] = result.proof_text
    taken = [name for name, text in texts.items() if _is_taken(path.parent / name, text)]
    if taken:
        names = ", ".join(str(path.parent / name) for name in taken)
        raise UsageError(f"{names} exists, with other content", "move it away, or write elsewhere with --output")
    try:
        write_new_files(path.parent, {name: text for name, text in texts.items() if not (path.parent / name).exists()})
    except OSError as error:
        raise UsageError(f"{path.parent} cannot be written: {(error.strerror or str(error)).lower()}") from None
    for line in report.proof_lines(result.proven):
        typer.echo(line)
    typer.echo(f"{path}: {report.summary(result.imported)}")
    typer.echo(f"Report: {path.parent / REPORT_NAME}")
    decisions = result.imported.findings.decisions()
    for each in decisions[:_DECISIONS_SHOWN]:
        where = each.job or "the whole file"
        typer.echo(one_line(f"decide: {where}: {each.field}: {each.note} [hint: {each.todo}]"), err=True)
    if len(decisions) > _DECISIONS_SHOWN:
        typer.echo(f"decide: {len(decisions) - _DECISIONS_SHOWN} more, in the report", err=True)


def _is_taken(path: Path, text: str) -> bool:
    return path.exists() and not has_text(path, text)


def _check(path: Path) -> None:
    lines = importing.check(path, path.parent / "jobs.yaml")
    for line in lines:
        typer.echo(line)
    if lines:
        raise typer.Exit(exits.FAILED)
    typer.echo(f"{path}: the schedules of {path.parent / 'jobs.yaml'} are as proved")


def _options(service: str, stage: str, image: str, timezone: str, settings: list[str], root: Path) -> Options:
    from batchtab.schedules import zones  # noqa: PLC0415 - zones are only read for this

    refusal = zones.refusal(timezone) if timezone else None
    if refusal is not None:
        raise UsageError(f"--timezone '{timezone}' {refusal[0]}", refusal[1])
    pairs = dict(_pair(each) for each in settings)
    stages = [_stage(root, stage)] if stage else [*_stages_on_aws(root)]
    only = stages[0] if len(stages) == 1 else None
    return Options(
        service,
        timezone or "UTC",
        image,
        is_fargate=all(_is_on_fargate(each) for each in stages),
        account=only.account_id if only else None,
        region=only.region if only else None,
        connect=(lambda: _connect(root, stage)) if stage else None,
        is_zone_given=bool(timezone),
        settings=pairs,
    )


def _connect(root: Path, stage: str) -> Aws:
    from batchtab.cli.connection import connect  # noqa: PLC0415 - only where an account is read
    from batchtab.terraform.session import Session  # noqa: PLC0415

    return connect(Session.open(stage, root))


def _stage(root: Path, name: str) -> StageConfig:
    from batchtab.declarations.diagnostics import Diagnostics  # noqa: PLC0415 - only in a project
    from batchtab.declarations.stage import read_stage  # noqa: PLC0415

    found, _, problems, _ = read_stage(root / "config" / f"{name}.yaml")
    if problems or found is None:
        raise Diagnostics(problems)
    return found


def _stages_on_aws(root: Path) -> Iterator[StageConfig]:
    """The project's stages; a file that is not filled in yet still says where its jobs run."""
    from batchtab.declarations.stage import read_stage  # noqa: PLC0415 - only in a project

    for path in sorted((root / "config").glob("*.yaml")):
        found, *_ = read_stage(path)
        if found is not None and not found.is_local:
            yield found


def _is_on_fargate(stage: StageConfig) -> bool:
    return all(str(each.capacity).startswith(_FARGATE) for each in stage.compute_environments.values())


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set '{text}' is not NAME=VALUE")
    return name, value


def _kinds() -> str:
    return ", ".join(each.name for each in kinds.KINDS)
