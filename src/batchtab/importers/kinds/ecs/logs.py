"""A container's log configuration."""

from __future__ import annotations

from typing import Any

from batchtab.importers.kinds.ecs.command import secrets_of
from batchtab.importers.kinds.ecs.loose import Loose, is_open, scalar
from batchtab.importers.options import Options

_FARGATE_DRIVERS = ("awslogs", "splunk")
_DRIVERS = (*_FARGATE_DRIVERS, "fluentd", "gelf", "journald", "json-file", "syslog")
_OWN_GROUP = ("awslogs-group", "awslogs-region", "awslogs-stream-prefix", "awslogs-create-group")


def log_of(node: Loose, options: Options) -> dict[str, Any]:
    """Where output goes: CloudWatch Logs in a group of the stage, or another driver with its options."""
    if not node:
        return {}
    driver = scalar(node.take("LogDriver")) or "awslogs"
    drivers = _FARGATE_DRIVERS if options.is_fargate else _DRIVERS
    if driver not in drivers:
        where = "on Fargate Batch has" if options.is_fargate else "Batch has"
        node.leave(
            "LogDriver", f"{where} {' and '.join(drivers)}; output goes to CloudWatch Logs", "decide where it goes"
        )
        node.rest("the driver is not carried", "")
        return {}
    node.carry("LogDriver", "log.driver")
    found: dict[str, Any] = {} if driver == "awslogs" else {"driver": driver}
    own = node.child("Options")
    further: dict[str, str] = {}
    for name in [*own.data]:
        text = scalar(own.take(str(name)))
        if driver == "awslogs" and name in _OWN_GROUP:
            own.leave(str(name), "output goes to the log group of the stage, with the job's name in the stream's")
        elif text is None or is_open(text):
            own.leave(str(name), "its value is not in the file", "write it into log.options")
        elif name == "mode":
            found["mode"] = own.carry("mode", "log.mode")
        elif driver == "awslogs" and name == "awslogs-multiline-pattern":
            found["multiline_pattern"] = own.carry(str(name), "log.multiline_pattern")
        elif name == "splunk-token":
            own.leave(str(name), "is a secret", "store it in SSM Parameter Store, and write it into log.secret_options")
        else:
            own.carry(str(name), f"log.options.{name}")
            further[str(name)] = text
    if further:
        found["options"] = further
    if secret := secrets_of(node, "SecretOptions"):
        found["secret_options"] = secret
    own.rest()
    node.rest()
    return found
