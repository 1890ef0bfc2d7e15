"""Rules for what a container asks of Linux: linuxParameters and ulimits.

https://docs.aws.amazon.com/batch/latest/APIReference/API_LinuxParameters.html
"""

from __future__ import annotations

from typing import Any

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.errors import ClientError

_WITHOUT_LIMIT = -1


def check(parameters: dict[str, Any], *, fargate: bool) -> None:
    """Refuse linuxParameters that Batch refuses.

    Raises:
        ClientError: What is wrong.
    """
    if fargate:
        for member in limits.FARGATE_REFUSED_LINUX:
            if parameters.get(member) not in (None, []):
                raise ClientError(f"linuxParameter.{member} is not allowed for Fargate.")
    swap, swappiness = parameters.get("maxSwap"), parameters.get("swappiness")
    if swap is not None and swap < 0:
        raise ClientError(f"Invalid swap memory size: {swap}, must be non-negative.")
    if swappiness is not None and not 0 <= swappiness <= 100:
        raise ClientError(f"Invalid swappiness: {swappiness}, must be between 0 and 100.")
    if swap is not None and swappiness is None:
        raise ClientError("When container specified swap memory, swappiness value is required.")
    shared = parameters.get("sharedMemorySize")
    if shared is not None and shared < 1:
        raise ClientError(f"Invalid shared memory size: {shared}, must be positive.")
    for tmpfs in parameters.get("tmpfs") or []:
        _check_tmpfs(tmpfs)
    for device in parameters.get("devices") or []:
        for path in (device["hostPath"], device.get("containerPath") or "/"):
            if not path.startswith("/"):
                raise ClientError(f"linuxParameters.devices: {path!r} is not an absolute path")


def check_ulimits(ulimits: list[dict[str, Any]]) -> None:
    """Refuse limits that are none of Linux's, and a soft one above its hard one.

    Raises:
        ClientError: What is wrong.
    """
    names = [limit["name"] for limit in ulimits]
    for limit in ulimits:
        name, soft, hard = limit["name"], limit["softLimit"], limit["hardLimit"]
        if name not in limits.ULIMITS:
            raise ClientError(f"ulimits: {name!r} is not one of {', '.join(limits.ULIMITS)}")
        if names.count(name) > 1:
            raise ClientError(f"ulimits: {name} is given twice")
        if hard != _WITHOUT_LIMIT and (soft == _WITHOUT_LIMIT or soft > hard):
            raise ClientError(f"ulimits: softLimit {soft} of {name} is above its hardLimit {hard}")


def _check_tmpfs(tmpfs: dict[str, Any]) -> None:
    if tmpfs["size"] < 1:
        raise ClientError("Size of a tmpfs is invalid. The size is required and must be a positive integer.")
    if not tmpfs["containerPath"].startswith("/"):
        raise ClientError(f"linuxParameters.tmpfs: {tmpfs['containerPath']!r} is not an absolute path")
    for option in tmpfs.get("mountOptions") or []:
        if option.partition("=")[0] not in limits.TMPFS_OPTIONS:
            raise ClientError(f"linuxParameters.tmpfs: {option!r} is not one of {', '.join(limits.TMPFS_OPTIONS)}")
