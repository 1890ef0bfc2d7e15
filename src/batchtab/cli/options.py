"""Options and arguments that several commands have, and what a shell completes for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ROOT_HELP = "The project's folder, with config/ and jobs/."
_JOB_HELP = "A job, as JOB or SERVICE-JOB."


def complete_stages(incomplete: str) -> list[str]:
    """The stages of this folder that begin so."""
    return sorted(path.stem for path in Path("config").glob("*.yaml") if path.stem.startswith(incomplete))


def complete_jobs(incomplete: str) -> list[str]:
    """The jobs of this folder that begin so, by their full names; none while the files have errors."""
    from batchtab.declarations.service import load_services  # noqa: PLC0415 - only a shell asks
    from batchtab.errors import UsageError  # noqa: PLC0415

    try:
        services = load_services(Path("jobs"))
    except UsageError:
        return []
    names = [f"{service.service}-{name}" for service in services for name in service.jobs]
    return sorted(name for name in names if name.startswith(incomplete))


StageOption = Annotated[
    str,
    typer.Option(
        "--stage", envvar="BATCHTAB_STAGE", help="The stage: a file in config/.", autocompletion=complete_stages
    ),
]
SynthesizedOption = Annotated[
    Path | None, typer.Option(help="Use the stacks that `ci synth` wrote to this folder; synthesize nothing.")
]
DigestOption = Annotated[
    str | None,
    typer.Option(
        "--synthesized-digest",
        envvar="BATCHTAB_SYNTHESIZED_DIGEST",
        help="That folder's digest, as `ci synth` printed it.",
    ),
]
JobArgument = Annotated[str, typer.Argument(help=_JOB_HELP, autocompletion=complete_jobs)]
AnyJobArgument = Annotated[str | None, typer.Argument(help=f"{_JOB_HELP} Default: all.", autocompletion=complete_jobs)]
JobsArgument = Annotated[
    list[str] | None, typer.Argument(help="Jobs, as JOB or SERVICE-JOB. Default: all.", autocompletion=complete_jobs)
]
