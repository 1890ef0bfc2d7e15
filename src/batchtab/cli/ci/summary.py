"""`batchtab ci summary`: plans of all stacks as something that a reviewer reads in seconds."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from batchtab.plan_review import gates, markdown, text
from batchtab.plan_review.gates import Gate
from batchtab.plan_review.summary import summarize

REFUSED = 1
_FAIL_ON_HELP = (
    "Exit with status 1 if a plan does this; may be repeated. loss: deletes or replaces what contains data; iam: gives "
    "more permissions; wide: gives one on all resources, of a whole service or to everybody; findings: fails a check "
    "of checkov; changes: anything."
)


class Format(StrEnum):
    """How a summary is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def plan_summary(
    plans: Annotated[list[Path], typer.Argument(help="Files of `terraform show -json`, or folders of `plan --out`.")],
    format_: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
    out: Annotated[Path | None, typer.Option(help="Write it to this file instead of stdout.")] = None,
    checkov: Annotated[Path | None, typer.Option(help="checkov's JSON; its findings are added at the end.")] = None,
    fail_on: Annotated[list[Gate] | None, typer.Option(envvar="BATCHTAB_FAIL_ON", help=_FAIL_ON_HELP)] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the next runs, such as Asia/Seoul.")] = "UTC",
    limit: Annotated[int, typer.Option(min=2_000, help="Maximum size of the Markdown, in bytes.")] = 65_536,
) -> int:
    """Summarize Terraform plans for review: jobs, schedules with their next runs, sizes, permissions, deletions.

    Values that Terraform marks as sensitive and those that look like secrets are not shown.
    """
    summary = summarize(plans, checkov, timezone)
    title = summary.namespace or "plan"
    if format_ is Format.JSON:
        written = json.dumps(summary.as_dict(), indent=2, ensure_ascii=False) + "\n"
    elif format_ is Format.MARKDOWN:
        written = markdown.render(summary, title=title, limit=limit)
    else:
        written = text.render(summary, title=title)
    if out is None:
        typer.echo(written, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(written, encoding="utf-8")
    refused = gates.reasons(summary, fail_on or [])
    for reason in refused:
        typer.echo(f"batchtab ci summary: {reason}", err=True)
    return REFUSED if refused else 0
