"""The runner's own log lines: one JSON object per line on stderr."""

from __future__ import annotations

import os
import time

from batchtab import masking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .identity import JobIdentity

    Value = str | int | float | bool | list[str] | None

STDERR = 2
MOST_CHARACTERS = 200
MOST_ARGUMENTS = 30
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Lines:
    """Writes the lines of one run, each with the job's name, id, attempt, queue and array index."""

    def __init__(self, identity: JobIdentity) -> None:
        self._identity: dict[str, Value] = {
            "job_name": identity.job_name,
            "job_id": identity.job_id,
            "attempt": identity.attempt,
            "queue": identity.queue,
        }
        if identity.array_index is not None:
            self._identity["array_index"] = identity.array_index

    def write(self, event: str, fields: dict[str, Value]) -> None:
        """Write one line, in one write, so that the command's own output cannot end up inside it."""
        line = encode({"batchtab": event, "time": _now(), **self._identity, **fields}) + "\n"
        say(line)


def say(text: str) -> None:
    """Write to stderr. A closed stderr is no reason to fail a job."""
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(STDERR, data) :]
    except OSError:
        pass


def shown(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """A command as a line shows it: without what looks like a secret, and shortened.

    Who passes secrets as arguments in shapes that `batchtab.masking` does not know sets `log_arguments` to `none`.
    """
    arguments = [_shorten(one) for one in masking.mask_arguments(command[:MOST_ARGUMENTS], environment)]
    if len(command) > MOST_ARGUMENTS:
        arguments.append(f"… {len(command) - MOST_ARGUMENTS} more arguments")
    return arguments


def _shorten(argument: str) -> str:
    if len(argument) <= MOST_CHARACTERS:
        return argument
    return f"{argument[:MOST_CHARACTERS]}… {len(argument) - MOST_CHARACTERS} more characters"


def encode(value: Value | dict[str, Value]) -> str:
    """Encode a flat value as JSON. The json module costs four milliseconds per start, and needs re."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(map(_escape, value)) + '"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{encode(key)}: {encode(entry)}" for key, entry in value.items()) + "}"
    return "[" + ", ".join(map(encode, value)) + "]"


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code < 0x20 or code == 0x7F or 0xD800 <= code <= 0xDFFF:
        return f"\\u{code:04x}"
    return character


def _now() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
