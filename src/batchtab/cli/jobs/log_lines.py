"""The lines of a job's log, as they are printed; on a terminal those of the job runner are short."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import typer

from batchtab.aws import runner_lines
from batchtab.aws.job_logs import LogEvent
from batchtab.aws.log_streams import LogStream
from batchtab.errors import UsageError

# What moves the cursor or rings a terminal's bell; colors and tabs stay.
_CONTROLS = re.compile(r"\x1b(?!\[[0-9;]{0,20}m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]")


class LogLines:
    """Prints events on stdout, a line for each of theirs.

    Args:
        zone: On whose wall clock times are; None for no times.
        pattern: Only lines that it is found in.
        has_labels: Whether each line begins with the index of its child or node.
    """

    def __init__(self, zone: ZoneInfo | None, pattern: re.Pattern[str] | None, *, has_labels: bool) -> None:
        self._zone, self._pattern, self._has_labels = zone, pattern, has_labels
        self._is_terminal = sys.stdout.isatty()

    def show(self, stream: LogStream, event: LogEvent) -> None:
        """Prints an event."""
        before = f"[{stream.label}] " if self._has_labels and stream.label else ""
        if self._zone is not None:
            at = datetime.fromtimestamp(event.at_ms / 1000, UTC).astimezone(self._zone)
            before += f"{at.isoformat(timespec='milliseconds')} "
        said = runner_lines.read(event.message) if self._is_terminal else None
        if said is not None:
            line = _CONTROLS.sub(" ", runner_lines.short(said))
            if self._pattern is None or self._pattern.search(line):
                typer.echo(before + line if os.environ.get("NO_COLOR") else typer.style(before + line, dim=True))
            return
        for line in event.message.rstrip("\n").split("\n"):
            if self._pattern is None or self._pattern.search(line):
                typer.echo(before + (_CONTROLS.sub(" ", line) if self._is_terminal else line))


def pattern(text: str | None) -> re.Pattern[str] | None:
    """The regular expression of `--grep`.

    Raises:
        UsageError: it is none.
    """
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise UsageError(f"logs: --grep '{text}' is not a regular expression: {error}", r"'\[' finds a '['") from None
