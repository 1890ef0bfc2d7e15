"""What a shell completes for RUN: jobs, ids, and after `JOB@` times.

What needs AWS is asked by a process of its own (`completion.answer`). It has no terminal, so that nothing asks for a
code; what it has to say on stderr is lost; and it is ended when it takes too long, with whatever gives credentials.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import typer

from batchtab.cli.options import complete_jobs

_SECONDS = 1.8  # and what the shell waits for beside, to start this program
_BEGINNING = re.compile(r"[0-9a-f-]*")
Candidate = tuple[str, str]


def complete_runs(ctx: typer.Context, incomplete: str) -> list[Candidate]:
    """Jobs and the newest runs that begin so; after `JOB@` the job's latest times."""
    return _completed("newest", ctx, incomplete)


def complete_active_runs(ctx: typer.Context, incomplete: str) -> list[Candidate]:
    """Jobs and runs that are active now; after `JOB@` the job's latest times."""
    return _completed("active", ctx, incomplete)


def _completed(kind: str, ctx: typer.Context, incomplete: str) -> list[Candidate]:
    name, is_time, _ = incomplete.rpartition("@")
    stage = str(ctx.params.get("stage") or "local")
    ends_at = time.monotonic() + _SECONDS
    process = None
    try:
        if is_time or _BEGINNING.fullmatch(incomplete):  # a job's name needs no AWS
            process = _asked("times" if is_time else kind, stage, incomplete)
        found = _due(stage, name) if is_time else dict.fromkeys(complete_jobs(incomplete), "job")
        return list((found | dict(_read(process, ends_at)) if process else found).items())
    except (Exception, KeyboardInterrupt):  # a shell shows it in the middle of what is typed
        return []
    finally:
        if process is not None:
            _end(process)


def _due(stage: str, name: str) -> dict[str, str]:
    from batchtab.cli.completion.due_times import due_times  # noqa: PLC0415 - only a shell asks

    return {f"{name}@{time}": "due" for time in due_times(stage, name, datetime.now(UTC))}


def _asked(kind: str, stage: str, incomplete: str) -> subprocess.Popen[bytes]:
    # -P: the folder is a project's; its files must not be imported.
    words = [sys.executable, "-P", "-m", "batchtab.cli.completion.answer", kind, stage, incomplete]
    environment = {name: value for name, value in os.environ.items() if name != "_BATCHTAB_COMPLETE"}
    return subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _read(process: subprocess.Popen[bytes], ends_at: float) -> list[Candidate]:
    """What it has answered by then; what is there already is always read."""
    try:
        output, _ = process.communicate(timeout=max(0.1, ends_at - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        output = error.output or b""
    lines = [line.split("\t") for line in output.decode(errors="replace").split("\n")]
    return [(line[0], line[1]) for line in lines if len(line) == 2]


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
