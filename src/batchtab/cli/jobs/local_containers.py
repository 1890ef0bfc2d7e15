"""Where a job of local AWS runs: in a container of an engine, or as a process of this machine."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchtab.aws.ecs_exec import task_arn
from batchtab.cli.machine.daemon import Daemon
from batchtab.errors import UsageError, listed
from batchtab.main_container import main_container, task_of
from batchtab.terraform.session import Session

_SECONDS = 10


def refusal(session: Session, job: Mapping[str, Any], container: str, command: str) -> UsageError:
    """What to say in place of opening a session: local AWS has no ECS.

    Args:
        session: The stage.
        job: As DescribeJobs returns it; it runs.
        container: Of several, which; empty for the main one.
        command: What was to be run in it.
    """
    lacking = f"exec: stage {session.catalog.stage.name} is local AWS, which has no ECS Exec"
    name = _container_name(job, container)
    engine = ((Daemon(session).get("engine") or {}).get("engine") or {}) if name else {}
    program = str(engine.get("program") or "")
    if program and _is_there(program, name):
        hint = f"{shlex.join([program, 'exec', '-it', name])} {command}"
        return UsageError(f"{lacking}: job {job['jobId']} runs in a container of {engine.get('name')}", hint)
    pids = list(_processes(str(job["jobId"])))
    pid = f", pid {listed(pids)}" if pids else ""
    return UsageError(f"{lacking}: job {job['jobId']} runs as a process of this machine{pid}")


def _container_name(job: Mapping[str, Any], container: str) -> str:
    """As local AWS calls it."""
    task_id = task_arn(job).rpartition("/")[2]
    names = [each.get("name") for each in task_of(job).get("containers") or ()]
    wanted = container or main_container(job).get("name")
    index = f"-{names.index(wanted)}" if len(names) > 1 and wanted in names else ""
    return f"batchtab-local-{task_id}{index}" if task_id else ""


def _is_there(program: str, name: str) -> bool:
    try:
        done = subprocess.run(
            [program, "container", "inspect", name], capture_output=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _processes(job_id: str) -> Iterator[int]:
    """Those that a job was started as, each of which leads a session of its own; none on a system without /proc."""
    mark = f"AWS_BATCH_JOB_ID={job_id}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        pid = int(entry.parent.name)
        try:
            if mark in entry.read_bytes().split(b"\0") and os.getsid(pid) == pid:
                yield pid
        except OSError:  # it has ended, or is another user's
            continue
