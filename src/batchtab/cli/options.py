"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

ROOT_HELP = "The project's folder, which holds config/ and jobs/."
StageOption = Annotated[str, typer.Option("--stage", envvar="BATCHTAB_STAGE", help="The stage: a file in config/.")]
