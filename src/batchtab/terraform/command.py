"""Calls Terraform, and says in one line what failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from batchtab.errors import UsageError
from batchtab.terraform.log import first_error, of_aws
from batchtab.terraform.processes import capture
from batchtab.terraform.session import Session


def terraform(
    session: Session,
    log: Path,
    folder: Path,
    environment: Mapping[str, str],
    *arguments: str,
    accept: tuple[int, ...] = (0,),
    output_only: bool = False,
) -> tuple[int, str]:
    """Calls Terraform in a folder, and returns its exit status and what it printed.

    Args:
        session: The stage.
        log: Where all that a failed call printed is added.
        folder: The stack's folder.
        environment: All variables.
        arguments: The command and its options.
        accept: The exit statuses that are no failure.
        output_only: Whether to leave out what it printed to stderr.

    Raises:
        UsageError: it ended with another status.
    """
    options = () if arguments[0] == "show" else ("-no-color",)
    words = 2 if arguments[0] == "providers" else 1  # its commands have one more
    code, output, errors = capture(
        [session.terraform, *arguments[:words], *options, *arguments[words:]], cwd=folder, env=environment
    )
    text = output if output_only and code in accept else output + errors
    if code not in accept:
        with log.open("a") as whole:
            whole.write(text)
        raise failure(session, log, f"terraform {arguments[0]} of {folder.name}", text)
    return code, text


def failure(session: Session, log: Path, what: str, said: str) -> UsageError:
    """What to raise of a Terraform that failed; where AWS is the reason, in the words of all commands.

    Args:
        session: The stage.
        log: Where all that it said is.
        what: What failed.
        said: All that it said.
    """
    place = log.relative_to(session.root)
    if known := of_aws(said, session.catalog.stage):
        return UsageError(f"{what}: {known.message}", f"{known.hint}; all that Terraform said is in {place}")
    return UsageError(f"{what} failed: {first_error(said)}", f"all that it said is in {place}")
