"""Environment variables and commands of a source: what jobs.yaml takes of them, and never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab import limits
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.secret_texts import has_secret, is_secret_value, masked_command
from batchtab.masking import MASK

_WHY = "looks like a secret, which jobs.yaml never contains"
_STORE = "store it in SSM Parameter Store, and write secrets: {{{name}: ssm:…}}"


def carried_variables(values: Mapping[str, object], recorder: Recorder, field: str = "environment") -> dict[str, str]:
    """The variables for `environment`, each recorded: carried, or not because it is secret, empty or reserved.

    Args:
        values: Name to value; texts, numbers or booleans.
        recorder: Where the findings go.
        field: The source's name for them, before the name of each.
    """
    found: dict[str, str] = {}
    for name, value in values.items():
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        where = f"{field}.{name}"
        refusal = limits.ENVIRONMENT_NAME.refusal(str(name))
        if refusal is not None:
            recorder.not_carried(where, text, f"its name {refusal}", "rename it in the image's program")
        elif str(name).startswith(limits.RESERVED_ENVIRONMENT_PREFIX):
            recorder.not_carried(where, text, "Batch sets the names that begin with AWS_BATCH")
        elif not text:
            recorder.not_carried(where, text, "Batch drops variables without a value")
        elif is_secret_value(str(name), text):
            recorder.not_carried(where, MASK, _WHY, _STORE.format(name=name))
        else:
            recorder.carried(where, text, f"environment.{name}")
            found[str(name)] = text
    return found


def take_out_secrets(imported: Imported) -> None:
    """Mask what looks like a secret in commands and take such variables out, wherever an importer left one."""
    for job in imported.jobs:
        recorder = Recorder(imported.findings, job.name, job.origin)
        _take_out(job.settings, recorder, "")
        containers = job.settings.get("containers")
        for name, container in containers.items() if isinstance(containers, dict) else ():
            _take_out(container, recorder, f"containers.{name}.")
    _take_out(imported.defaults, Recorder(imported.findings), "defaults.")


def _take_out(settings: dict[str, Any], recorder: Recorder, path: str) -> None:
    command = settings.get("command")
    if command and has_secret(command):
        settings["command"] = masked_command(command)
        todo = "store it in SSM Parameter Store, write secrets, and read the variable in place of ***"
        recorder.changed(f"{path}command", "(not shown)", "*** is in place of what looks like a secret", todo)
    variables: dict[str, Any] = settings.get("environment") or {}
    for name, value in variables.items():
        if is_secret_value(name, str(value)):
            settings["environment"] = {key: each for key, each in settings["environment"].items() if key != name}
            recorder.not_carried(f"{path}environment.{name}", MASK, _WHY, _STORE.format(name=name))
