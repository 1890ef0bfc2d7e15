"""Files to import: read as text, YAML or JSON, with line numbers. Nothing in them is run."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError, one_line

_BYTES_MAX = 4 * 2**20
_BITS_MAX = 4096
_VALUES_MAX = 500_000  # a chain of aliases can mean more values than fit in memory
_PACKAGES = ("cronsim", "oncalendar", "ruamel.yaml")
INSTALL = 'pip install "batchtab[import]"'


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file.

    Attributes:
        path: As the user wrote it.
        text: Its content.
    """

    path: Path
    text: str

    @property
    def name(self) -> str:
        """Its name without folders, for places such as `crontab:14`."""
        return self.path.name

    def at(self, line: int) -> str:
        """A place in it."""
        return f"{self.name}:{line}"

    def documents(self) -> list[Any]:
        """Its YAML or JSON documents, in order, without empty ones; mappings know their lines (`line_of`).

        Tags such as `!Sub` are kept: see `tag_of`.

        Raises:
            UsageError: It is neither.
        """
        if self.path.suffix == ".json":
            try:
                return [json.loads(self.text)]
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{self.path} is not JSON: {error}") from None
        yaml = _yaml()
        try:
            found = [each for each in yaml.load_all(self.text) if each is not None]
            is_small = _is_within(found, _VALUES_MAX)
        except RecursionError:
            raise UsageError(f"{self.path} is nested too deeply to be read") from None
        except (ValueError, OverflowError) as error:  # a number of 5,000 digits, 2026-13-01
            raise UsageError(f"{self.path} has a value that cannot be read: {error}") from None
        except Exception as error:
            if type(error).__module__.startswith("ruamel"):
                raise UsageError(f"{self.path}{_problem(error)}") from None
            raise
        if not is_small:
            raise UsageError(f"{self.path} means more than {_VALUES_MAX:,} values: its aliases repeat too much")
        return found


def read(path: Path) -> SourceFile:
    """Read a file.

    Raises:
        UsageError: It cannot be read, is not UTF-8 text, or is larger than 4 MiB.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(content) > _BYTES_MAX:
        raise UsageError(f"{path} has more than {_BYTES_MAX // 2**20} MiB")
    try:
        return SourceFile(path, content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text") from None


def line_of(mapping: Mapping[str, Any], key: str) -> int | None:
    """The line of a key of a YAML mapping, counted from 1; None where it is not known, as in JSON."""
    places = getattr(mapping, "lc", None)
    if places is None:
        return None
    try:
        return int(places.key(key)[0]) + 1
    except (KeyError, TypeError):  # merged from an anchor
        return None


def tag_of(value: object) -> str:
    """The tag of a YAML value, such as `!Sub`; empty if it has none."""
    tag = getattr(value, "tag", None)
    text = getattr(tag, "value", None) or ""
    return text if isinstance(text, str) and text.startswith("!") and not text.startswith("!!") else ""


def plain(value: Any) -> Any:
    """A value of YAML as Python's own mappings, lists, texts and numbers, without comments and places."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(getattr(value, "value", value))


def _problem(error: Exception) -> str:
    """Where and why it is not YAML, without the line itself, which may have a secret."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = "" if mark is None else f":{mark.line + 1}"
    why = getattr(error, "problem", None) or getattr(error, "context", None) or "it cannot be read"
    return f"{line} is not YAML: {one_line(str(why))}"


def _is_within(value: Any, most: int) -> bool:
    """Whether a value has at most `most` values. An alias counts each time; a value within itself has no end.

    Raises:
        OverflowError: It has a number that Python does not print, such as 0xffff….
    """
    waiting = [value]
    for _ in range(most):
        if not waiting:
            return True
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif isinstance(value, int) and value.bit_length() > _BITS_MAX:
            raise OverflowError(f"a number of {value.bit_length():,} bits")
    return False


def require_packages() -> None:
    """Refuse to begin without the packages of the extra.

    Raises:
        UsageError: One is not installed.
    """
    try:
        for name in _PACKAGES:
            importlib.import_module(name)
    except ImportError:
        raise UsageError("import needs packages that are not installed", INSTALL) from None


def _yaml() -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415 - of an extra

    yaml = YAML(typ="rt")
    yaml.allow_duplicate_keys = False
    return yaml
