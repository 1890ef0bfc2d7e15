"""Whose a container is, and those that a local AWS left which ended together with its guard."""

from __future__ import annotations

import fcntl
import logging
import platform
import tempfile
from pathlib import Path
from typing import IO

from batchtab.local_aws.containers.client import EngineError
from batchtab.local_aws.containers.engine import ContainerEngine
from batchtab.local_aws.guard import LABEL

logger = logging.getLogger("batchtab.local_aws.containers")

_LOCK = "lock"
_MACHINE = f"{LABEL}.machine"  # an engine may serve several machines, and containers that each are like one
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MOUNTS = Path("/proc/self/ns/mnt")


def label() -> str:
    """The label of this local AWS's containers: its temporary folder, which no other has."""
    return f"{LABEL}={tempfile.gettempdir()}"


def machine() -> str:
    """Whose folders are seen here: those of this start of the system and this namespace of mounts.

    Two development containers on one engine may have one host name, and each a /tmp of its own.
    """
    try:
        return f"{_BOOT.read_text().strip()}.{_MOUNTS.stat().st_ino}"
    except OSError:  # not Linux: there all processes see the same folders
        return platform.node()


def flags(job_id: str) -> list[str]:
    """The labels of a job's container."""
    labels = (label(), f"{_MACHINE}={machine()}", f"{LABEL}.job={job_id}")
    return [word for one in labels for word in ("--label", one)]


def lock(folder: Path) -> IO[str]:
    """Lock a local AWS's folder, for as long as the file is open: so it is known to be alive."""
    file = (folder / _LOCK).open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def remove(engine: ContainerEngine) -> int:
    """Remove the containers whose local AWS, on this machine, is no more; how many there were."""
    try:
        found = engine.labelled(f"{_MACHINE}={machine()}")
        left = [name for name, labels in found.items() if LABEL in labels and _is_gone(Path(labels[LABEL]))]
        if left:
            engine.remove(*left)
    except EngineError as error:
        logger.warning("containers of a local AWS that is no more may be left: %s", error)
        return 0
    return len(left)


def _is_gone(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:  # locked, or another user's
        return False
    return True
