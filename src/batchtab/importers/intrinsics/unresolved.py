"""Texts of a template with parts that only AWS knows, such as `${Table}`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_LENGTH_MAX = 2**20


class NoValue:
    """What `AWS::NoValue` leaves: the property is not there."""


class Unresolved(str):
    """A text in which `${NAME}` is in place of what is not known.

    Attributes:
        names: What is not known, such as `Table.Arn` or `AWS::AccountId`. Another `${…}` in the text is the user's own.
        source: Name and argument of the template's function; None in a copy and in a part of a text.
    """

    __slots__ = ("names", "source")
    names: tuple[str, ...]
    source: tuple[str, Any] | None

    def __new__(cls, text: str, names: tuple[str, ...]) -> Unresolved:  # noqa: D102 - the class says it
        found = super().__new__(cls, text)
        found.names = names
        found.source = None
        return found

    def __reduce__(self) -> tuple[type[Unresolved], tuple[str, tuple[str, ...]]]:
        """What a copy is made of."""
        return Unresolved, (str(self), self.names)


def unknown(name: str) -> Unresolved:
    """What is not known, alone."""
    return Unresolved(f"${{{name}}}", (name,))


def names_in(value: Any) -> tuple[str, ...]:
    """What is not known within a value, each once."""
    return tuple(dict.fromkeys(_names(value)))


def like(text: str, names: tuple[str, ...]) -> str:
    """A text that was cut out of another one, with those of its unknown parts that it has."""
    own = tuple(name for name in names if f"${{{name}}}" in text)
    return Unresolved(text, own) if own else text


def as_text(value: Any, name: str = "not a text") -> str:
    """A value as CloudFormation writes it into a text; a list or a mapping is not known, by this name."""
    if isinstance(value, list | Mapping):
        return unknown(name)
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else "" if value is None or value is NoValue else str(value)


def joined(parts: Sequence[str]) -> str:
    """One text of several, which may have unknown parts; one that grows beyond all bounds is not known."""
    if sum(map(len, parts)) > _LENGTH_MAX:
        return unknown("a text that is too long")
    return like("".join(map(str, parts)), names_in([*parts]))


def replaced(value: Any, instead: Callable[[Unresolved], Any]) -> Any:
    """A computed value with something else in place of what is not known; its mappings and lists are changed."""
    if isinstance(value, Unresolved):
        return instead(value)
    if isinstance(value, dict | list):
        for key, each in [*value.items()] if isinstance(value, dict) else enumerate(value):
            value[key] = replaced(each, instead)
    return value


def spread(value: Any, names: tuple[str, ...]) -> Any:
    """A document that was read from a text: its texts know again what is not known in them."""
    if isinstance(value, str):
        return like(value, names)
    if isinstance(value, Mapping):
        return {key: spread(each, names) for key, each in value.items()}
    return [spread(each, names) for each in value] if isinstance(value, list) else value


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Unresolved):
        yield from value.names
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)
