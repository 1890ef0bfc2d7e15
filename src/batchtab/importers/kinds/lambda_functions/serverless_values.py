"""Variables of a serverless.yml, such as `${self:custom.rate}`, whose values are in the same file.

No other file, no environment and no store is read: `${file:…}`, `${env:…}` and the like stay as they are.
https://www.serverless.com/framework/docs/guides/variables
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from batchtab.importers.findings import Recorder
from batchtab.importers.source_file import plain

_VARIABLE = re.compile(r"\$\{([^${}]+)\}")  # one that has no other within
_SOURCE = re.compile(r"(?P<kind>[A-Za-z]+)(?:\([^)]*\))?(?::(?!:)|$)(?P<address>[^,]*)")
_PART = re.compile(r"""\s*('[^']*'|"[^"]*"|[^,'"]*)\s*(?:,|$)""")
_DEPTH_MAX = 20
_VALUES_MAX = 20_000
_TEXT_MAX = 2**16
_FILLED = ("service", "provider", "functions")
_NOTHING = object()
_WORDS = {"true": True, "false": False, "null": None}
#: What a deployment's command line may say in place of the file.
_OF_COMMAND_LINE = {"provider.stage", "provider.region"}
_TODO = "compare with what is deployed, whose command line may say another: `serverless print --stage STAGE`"


def filled(document: Mapping[str, Any], recorder: Recorder) -> Mapping[str, Any]:
    """The document, in which values of its own are in place of variables. Records each that is used, once."""
    values = _Values(document, recorder)
    found: Any = document.copy() if hasattr(document, "copy") else dict(document)
    for key in _FILLED:
        if key in found:
            found[key] = values.of(found[key], 0)
    return cast("Mapping[str, Any]", found)


def source_of(text: str) -> str:
    """What Serverless reads the first variable of a text from, such as `env:TOKEN`; empty if there is none."""
    for match in _VARIABLE.finditer(text):
        source = _SOURCE.match(match[1].strip())
        if source is not None:
            return source[0].strip()
    return ""


class _Values:
    def __init__(self, document: Mapping[str, Any], recorder: Recorder) -> None:
        self._document = document
        self._recorder = recorder
        self._recorded: set[str] = set()
        self._left = _VALUES_MAX

    def of(self, value: Any, depth: int) -> Any:
        """A value with those of its variables that the file has; beyond all bounds, it stays as it is."""
        self._left -= 1
        if depth > _DEPTH_MAX or self._left < 0:
            return value
        if isinstance(value, str):
            return self._text(value, depth)
        if isinstance(value, Mapping):
            copy: Any = value.copy() if hasattr(value, "copy") else dict(value)
            for key, each in value.items():
                copy[key] = self.of(each, depth + 1)
            return copy
        return [self.of(each, depth + 1) for each in value] if isinstance(value, list) else value

    def _text(self, text: str, depth: int) -> Any:
        for _ in range(_DEPTH_MAX):
            whole = _VARIABLE.fullmatch(text.strip())
            if whole is not None:
                found = self._value(whole[1], depth)
                return text if found is _NOTHING else found
            filled_text = _VARIABLE.sub(lambda match: self._within(match, depth), text)
            if filled_text == text or len(filled_text) > _TEXT_MAX:
                return text
            text = filled_text
        return text

    def _within(self, match: re.Match[str], depth: int) -> str:
        """A variable's value as a part of a text; the variable itself where there is none."""
        found = self._value(match[1], depth)
        if found is _NOTHING or found is None or isinstance(found, (Mapping, list)):
            return match[0]
        return str(found).lower() if isinstance(found, bool) else str(found)

    def _value(self, text: str, depth: int) -> Any:
        """The value of a variable: the first of its sources that has one. An unknown one is not passed over."""
        not_given = []
        found: Any = _NOTHING
        for index, part in enumerate(_parts(text)):
            kind, colon, address = part.partition(":")
            if kind == "opt" and colon:
                not_given.append(address)
                continue
            if part[:1] in {"'", '"'}:
                found = part[1:-1]
            elif index and re.fullmatch(r"-?[0-9]{1,15}", part):
                found = int(part)
            elif index and part in _WORDS:
                found = _WORDS[part]
            elif kind == "self" and colon:
                found = self._at(address, depth)
                if found is _NOTHING:
                    continue
            break
        for each in not_given if found is not _NOTHING else ():
            self._record(f"opt:{each}", "not given", f"its default is in place of ${{opt:{each}}}", _TODO)
        return found

    def _at(self, path: str, depth: int) -> Any:
        """The value at a path of the document; nothing where there is none, or where it is made of itself."""
        found: Any = self._document
        for part in path.split("."):
            found = self.of(found, depth + 1) if isinstance(found, str) else found
            if isinstance(found, Mapping) and part in found:
                found = found[part]
            elif isinstance(found, list) and part.isascii() and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                return _NOTHING
        value = self.of(found, depth + 1)
        if isinstance(value, str) and "${self:" in value:
            return _NOTHING
        todo = _TODO if path in _OF_COMMAND_LINE else ""
        self._record(path, plain(value), f"its value is in place of ${{self:{path}}}", todo)
        return value

    def _record(self, field: str, value: object, how: str, todo: str) -> None:
        if field not in self._recorded:
            self._recorded.add(field)
            self._recorder.changed(field, value, how, todo)


def _parts(text: str) -> Iterator[str]:
    """The sources of a variable, divided by commas outside of quotes."""
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None or match.end() == position:
            yield text[position:].strip()
            return
        yield match[1].strip()
        position = match.end()
