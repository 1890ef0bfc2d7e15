"""`batchtab`: one command per file, loaded only when it is called.

A command is a function with typed parameters, as Typer reads them; a line in `COMMANDS` registers it. What a command
needs is imported when it runs, so that `batchtab check` pays neither for boto3 nor for cdktf.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from batchtab.errors import UsageError, did_you_mean, listed

# Name of the command: where its function is. The order is that of the help.
COMMANDS: dict[str, str] = {
    "check": "batchtab.cli.jobs.check:check",
    "next": "batchtab.cli.jobs.next_runs:next_runs",
    "calendar": "batchtab.cli.jobs.calendar:calendar",
    "up": "batchtab.cli.machine.up:up",
    "status": "batchtab.cli.jobs.status:status",
    "history": "batchtab.cli.jobs.history:history",
    "backfill": "batchtab.cli.jobs.backfill:backfill",
    "pause": "batchtab.cli.jobs.pause:pause",
    "resume": "batchtab.cli.jobs.pause:resume",
    "alerts": "batchtab.cli.jobs.alerts:app",
    "plan": "batchtab.cli.deployment.plan:plan",
    "plan-summary": "batchtab.cli.ci.summary:plan_summary",
    "deploy": "batchtab.cli.deployment.deploy:deploy",
    "down": "batchtab.cli.machine.down:down",
    "bootstrap": "batchtab.cli.deployment.bootstrap:bootstrap",
    "unlock": "batchtab.cli.deployment.unlock:unlock",
    "env": "batchtab.cli.deployment.env:env",
    "schema": "batchtab.cli.setup.schema:schema",
    "runner-image": "batchtab.cli.ci.runner_image:runner_image",
    "ci-stage": "batchtab.cli.ci.stage:ci_stage",
    "ci-roles": "batchtab.cli.ci.roles:ci_roles",
    "pr-comment": "batchtab.cli.ci.comment:pr_comment",
    "reviewed-plan": "batchtab.cli.ci.reviewed:reviewed_plan",
    "drift-issue": "batchtab.cli.ci.drift:drift_issue",
    "release-files": "batchtab.cli.ci.release:release_files",
    "release-publish": "batchtab.cli.ci.release:release_publish",
}
INTERRUPTED = 130


class LazyGroup(TyperGroup):
    """A group of commands that imports a command's file only for that command, or for the list of all."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of `COMMANDS`."""
        return [*COMMANDS, *(name for name in super().list_commands(ctx) if name not in COMMANDS)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, made from its function; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, function = COMMANDS[cmd_name].partition(":")
        found = getattr(importlib.import_module(module), function)
        if isinstance(found, typer.Typer):  # a group of commands
            return get_command(found)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(found)
        return get_command(single)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As in Typer, but for an unknown command the near one is named."""
        known = self.list_commands(ctx)
        if args and args[0] not in known:
            near = did_you_mean(args[0], known)
            ctx.fail(f"no such command '{args[0]}': {near or listed(known)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        from importlib.metadata import version  # noqa: PLC0415 (costs 20 ms, for --version alone)

        typer.echo(f"batchtab {version('batchtab')}")
        raise typer.Exit


@app.callback()
def _batchtab(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """A crontab for AWS Batch."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status.

    Faults of the user (wrong files, wrong options) are lines on stderr and status 2; Ctrl-C is status 130. A command
    may return its own status.
    """
    args = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = app(args=args, prog_name="batchtab", standalone_mode=False)
    except UsageError as problems:
        typer.echo(str(problems), err=True)
        return problems.exit_code
    except TyperException as error:
        _usage_error(error)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        result = INTERRUPTED
    if result == INTERRUPTED:
        typer.echo("batchtab: interrupted", err=True)
    return result if isinstance(result, int) else 0


def _usage_error(error: TyperException) -> None:
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split())
    if type(error).__name__ == "NoArgsIsHelpError":  # `batchtab` alone: the message is the help
        typer.echo(error.format_message())
        return
    path = context.command_path if context else "batchtab"
    typer.echo(f"{path}: {message[:1].lower()}{message[1:].removesuffix('.')} [hint: {path} --help]", err=True)


if __name__ == "__main__":
    sys.exit(main())
