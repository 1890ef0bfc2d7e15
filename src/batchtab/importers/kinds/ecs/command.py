"""A container's command, variables and secrets, with what starts it on top."""

from __future__ import annotations

import re
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.ecs.loose import CLOSE, OPEN, Loose, closed, is_open, scalar
from batchtab.importers.secret_texts import has_secret, is_secret_value, masked_command
from batchtab.importers.variables import carried_variables
from batchtab.masking.words import is_secret

#: In place of a command that only the image knows: a run of it fails, and says why.
UNKNOWN_COMMAND = "write-the-command-of-the-image-here"
_FILL_IN = "write its value in place of the source's text"
_NOT_SET = "not set"
_PART = f"{OPEN}[^{CLOSE}]*{CLOSE}|[^:{OPEN}{CLOSE}]*"  # what is open may have colons
_OPEN_PARTS = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}")
_ARN = re.compile(f"arn:(?:{_PART}):(ssm|secretsmanager):(?:{_PART}):(?:{_PART}):(.+)")
_RUN_TIME = re.compile(r"<(aws\.scheduler\.)?scheduled-time>|<time>")


def command_of(node: Loose, override: Loose) -> list[str]:
    """What jobs.yaml runs: the command of what starts the task, or the container's, or what a person has to write."""
    entry = node.texts("EntryPoint") or []
    own, other = node.texts("Command"), override.texts("Command")
    if other:
        if own:
            node.leave("Command", f"{override.field('Command')} replaces it")
        source, words = override, other
    else:
        if other is not None:
            override.change("Command", "empty: the container's own command")
        source, words = node, own or []
    if entry:
        node.change(
            "EntryPoint",
            "the first words of command: Batch cannot replace an image's ENTRYPOINT",
            "make sure that the image has no ENTRYPOINT, which would run before these words",
        )
    whole = [*entry, *words]
    if not whole:
        node.recorder.not_carried(
            node.field("Command"),
            _NOT_SET,
            "the image's own CMD runs, and jobs.yaml must name it",
            f"write the image's CMD in place of {UNKNOWN_COMMAND}",
        )
        return [UNKNOWN_COMMAND]
    return _recorded(source if words else node, "Command" if words else "EntryPoint", whole, is_new=bool(words))


def _recorded(node: Loose, key: str, words: list[str], *, is_new: bool) -> list[str]:
    shown = [closed(each) for each in words]
    if has_secret(shown):
        node.at(key).changed(
            node.field(key),
            masked_command(shown),
            "command, without what looks like a secret",
            "store the secret in SSM Parameter Store, write it into secrets, and let the program read the variable",
        )
        return masked_command(shown)
    if is_open(words):
        node.at(key).changed(node.field(key), shown, "command, with text that is open in the source", _FILL_IN)
    elif is_new:
        node.at(key).carried(node.field(key), shown, "command")
    return shown


def environment_of(node: Loose, override: Loose, key: str = "Environment") -> dict[str, str]:
    """The container's variables, and those of what starts the task, which come last."""
    own, other = _variables(node, key), _variables(override, key)
    for name in sorted(own.keys() & other.keys()):
        text = scalar(own.pop(name)) or ""
        node.at(key).not_carried(f"{node.field(key)}.{name}", text, f"{override.field(key)} replaces it")
    return _written(node, own, key) | _written(override, other, key)


def _written(node: Loose, values: dict[str, Any], key: str) -> dict[str, str]:
    recorder, field = node.at(key), node.field(key)
    found = carried_variables({name: each for name, each in values.items() if not is_open(each)}, recorder, field)
    for name, each in values.items():
        if _RUN_TIME.search(str(each)):
            recorder.not_carried(
                f"{field}.{name}",
                each,
                "a run finds its time in BATCHTAB_SCHEDULED_TIME",
                "read that variable in the program",
            )
        elif is_open(each) and is_secret(name) and is_secret_value(name, known := _OPEN_PARTS.sub("", str(each))):
            carried_variables({name: known}, recorder, field)
        elif is_open(each):
            note = f"environment.{name}, with text that is open in the source"
            recorder.changed(f"{field}.{name}", each, note, _FILL_IN)
            found[name] = closed(each)
    return found


def _variables(node: Loose, key: str) -> dict[str, Any]:
    """Name to value, from a list of `{name, value}` or a mapping."""
    value = node.take(key)
    found: dict[str, Any] = {}
    if value is None or hasattr(value, "items"):
        found = dict(value or {})
    else:
        for each in node.children(key):
            name = scalar(each.take("Name"))
            found[name or ""] = each.take("Value")
            each.rest()
    for name in [name for name, each in found.items() if each is not None and scalar(each) is None]:
        node.at(key).not_carried(f"{node.field(key)}.{name}", found.pop(name), "is not a text", "correct the source")
    return found


def secrets_of(node: Loose, key: str = "Secrets") -> dict[str, str]:
    """Variables that are read at each start: name to SSM parameter or Secrets Manager secret."""
    found = {}
    for each in node.children(key):
        name, source = scalar(each.take("Name")) or "", scalar(each.take("ValueFrom")) or ""
        written = secret_reference(source)
        field, recorder = f"{node.field(key)}.{name}", each.recorder
        if not written:
            recorder.not_carried(
                field, source, "where it comes from is not in the file", f"write secrets: {{{name}: …}}"
            )
        elif written == source:
            recorder.carried(field, source, f"secrets.{name}")
        else:
            recorder.changed(field, source, f"secrets.{name}: {written}")
        each.rest()
        if written:
            found[name] = written
    return found


def secret_reference(text: str) -> str:
    """A secret as jobs.yaml names it; empty where the source does not say which one. A plain name is SSM's."""
    match = _ARN.fullmatch(text)
    if match is None:
        if is_open(text) or not text:
            return ""
        return text if text.startswith("/") else f"ssm:{text}"
    service, rest = match.groups()
    if is_open(rest):
        return ""
    if not is_open(text):
        return text
    # The stage's own region and account complete a name.
    kind, _, name = rest.partition(":" if service == "secretsmanager" else "/")
    if kind not in {"secret", "parameter"}:
        return ""
    if service == "secretsmanager":
        return f"secretsmanager:{name}"
    return f"/{name}" if "/" in name else f"ssm:{name}"


def without_twice(environment: dict[str, str], secrets: dict[str, str], recorder: Recorder) -> dict[str, str]:
    """The secrets that are no variables too: jobs.yaml has one value for one name."""
    for name in sorted(environment.keys() & secrets.keys()):
        recorder.not_carried(
            f"secrets.{name}", secrets[name], "is a variable too, whose value counts", "keep one of the two"
        )
    return {name: each for name, each in secrets.items() if name not in environment}
