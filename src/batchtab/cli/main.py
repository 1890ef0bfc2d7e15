"""`batchtab`: one command per file, imported only when it is called."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from batchtab.aws import answers
from batchtab.cli.commands import CI, COMMANDS, RENAMED, Command
from batchtab.cli.exits import FAILED, INTERRUPTED, OK, USAGE
from batchtab.errors import UsageError, did_you_mean, listed

_CONTEXT = {"help_option_names": ["-h", "--help"]}


class CommandTable(TyperGroup):
    """A group of commands out of a table: help and completion import none of them."""

    table: tuple[Command, ...] = ()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names in the order of the table."""
        return [command.name for command in self.table]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command, made from its function; None if there is no such command."""
        command = next((each for each in self.table if each.name == cmd_name), None)
        if command is None:
            return None
        if not command.target:
            return get_command(_app(CiCommands, command.help))
        module, _, function = command.target.partition(":")
        found = getattr(importlib.import_module(f"batchtab.cli.{module}"), function)
        if isinstance(found, typer.Typer):  # a group of commands
            return get_command(found)
        single = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=_CONTEXT)
        single.command(cmd_name)(found)
        return get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The commands with their lines, section by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for command in self.table:
            sections.setdefault(command.section, []).append((command.name, command.help))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands that begin so, for a shell."""
        from typer._click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell asks

        found = [c for c in self.table if c.name.startswith(incomplete)]
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(command.name, help=command.help) for command in found]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As in Typer, but for an unknown command the near one is named."""
        known = self.list_commands(ctx)
        if args and args[0] not in known:
            renamed = RENAMED.get(args[0])
            near = f"it is called '{renamed}' now" if renamed else did_you_mean(args[0], known)
            ctx.fail(f"no such command '{args[0]}': {near or listed(known)}")
        return super().resolve_command(ctx, args)


class Commands(CommandTable):
    """`batchtab …`."""

    table = COMMANDS


class CiCommands(CommandTable):
    """`batchtab ci …`."""

    table = CI


def _app(group: type[CommandTable], help_: str, *, completion: bool = False) -> typer.Typer:
    return typer.Typer(
        cls=group,
        help=help_,
        add_completion=completion,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings=_CONTEXT,
        callback=_group,
    )


def _group() -> None:
    pass


_HELP = """A crontab for AWS Batch.

Commands are about the stage `local`, on this machine, unless --stage or BATCHTAB_STAGE names another.
"""
app = _app(Commands, _HELP, completion=True)


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
    """The options of `batchtab` itself."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit status.

    What a user can fix (wrong files, wrong options, credentials, the network) is a line on stderr and status 2; Ctrl-C
    is status 130. A command may return its own status. A reader of its output that has enough is status 0, unless the
    command is left half done.
    """
    answers.nowhere()
    args = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _whole_words():
            result = app(args=args, prog_name="batchtab", standalone_mode=False)
        sys.stdout.flush()  # so that what can't be written is said here
    except (typer.Abort, KeyboardInterrupt) as error:  # before all else: Abort is a RuntimeError
        if isinstance(error.__context__, EOFError) and not sys.stdin.isatty():
            hint = "a terminal, or credentials that need no code"  # commands ask only where somebody can answer
            typer.echo(f"batchtab: there is a question, and nobody to answer it [hint: {hint}]", err=True)
            return USAGE
        typer.echo("batchtab: interrupted", err=True)
        return INTERRUPTED
    except UsageError as error:
        typer.echo(str(error), err=True)
        return error.exit_code
    except TyperException as error:
        try:
            _usage_error(error)
        except BrokenPipeError as closed:
            _unwritten(closed, args)
        return error.exit_code
    except SystemExit as error:  # Typer's, where a command writes into a closed pipe
        if not isinstance(error.__context__, BrokenPipeError):
            raise
        return _unwritten(error.__context__, args)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC):
            return _unwritten(error, args)
        said = answers.answer(error)
        if said is None:
            raise
        typer.echo(str(said), err=True)
        return said.exit_code
    if result == INTERRUPTED:
        typer.echo("batchtab: interrupted", err=True)
    return result if isinstance(result, int) else 0


def _whole_words() -> AbstractContextManager[None]:
    """Where bash asks what completes a word, it breaks words."""
    if os.environ.get("_BATCHTAB_COMPLETE") != "complete_bash":
        return nullcontext()
    from batchtab.cli.completion.bash_words import whole  # noqa: PLC0415 - only a shell asks

    return whole()


def _unwritten(error: OSError, args: Sequence[str]) -> int:
    """The status where output can't be written; what is left of it goes nowhere, or Python fails again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:  # whoever read it has enough of it
        is_change = any(command.is_change for command in COMMANDS if command.name in args[:1])
        return FAILED if is_change else OK
    typer.echo(f"batchtab: cannot write: {error.strerror}", err=True)
    return USAGE


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
