"""Templates of CloudFormation, and what is known beside them: exports, parameters, names that CloudFormation made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from batchtab.importers.intrinsics.unresolved import as_text
from batchtab.importers.options import Options
from batchtab.importers.places import Place
from batchtab.importers.source_file import SourceFile, line_of


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One template, which equals only itself: two files may have one name.

    Attributes:
        file: Its file.
        data: The document; the names in its sections are texts.
        stack: The stack's name; empty where it is not known.
    """

    file: SourceFile
    data: Mapping[str, Any]
    stack: str = ""

    def __post_init__(self) -> None:
        """Names in sections, such as a logical id, may be numbers in YAML."""
        object.__setattr__(self, "data", _with_texts_as_names(self.data))

    def section(self, name: str) -> Mapping[str, Any]:
        """A part of the template, such as `Parameters`; empty where there is none."""
        found = self.data.get(name)
        return found if isinstance(found, Mapping) else {}

    def resources(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Its resources by logical id; what is not a mapping is left out."""
        for logical, each in self.section("Resources").items():
            if isinstance(each, Mapping):
                yield str(logical), each

    def place(self, holder: Mapping[str, Any], key: str) -> str:
        """File and line of a key."""
        line = line_of(holder, key)
        return f"{self.file.name} {key}" if line is None else self.file.at(line)


@dataclass(frozen=True, slots=True)
class Stacks:
    """All templates of an import.

    Attributes:
        templates: In the order of the command line.
        place: Account and region, where they are known.
        exports: Name to value.
        parameters: Name to value, in place of the templates' defaults.
        physical: Logical id to the id that CloudFormation gave.
    """

    templates: Sequence[Template]
    place: Place = field(default_factory=Place)
    exports: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    physical: Mapping[str, str] = field(default_factory=dict)


def _with_texts_as_names(data: Mapping[str, Any]) -> Mapping[str, Any]:
    changed: Any = None
    for key, section in data.items():
        if isinstance(section, Mapping) and not all(isinstance(each, str) for each in section):
            changed = dict(data) if changed is None else changed
            changed[key] = {as_text(name): each for name, each in section.items()}
    found: Mapping[str, Any] = data if changed is None else changed
    return found


def alone(file: SourceFile, document: Mapping[str, Any], options: Options, unknown: str = "") -> Stacks:
    """One template, of which only the stage's account and region are known; `unknown` is in place of either."""
    return Stacks([Template(file, document)], Place(options.account or unknown, options.region or unknown))


class Reader(Protocol):
    """What computes values of templates: `values.Values`, which functions of the template need in turn."""

    stacks: Stacks
    used: set[str]
    without: Collection[str]

    def of(self, value: Any, template: Template) -> Any:
        """A value as Python's own types."""
        ...

    def text(self, value: Any, template: Template) -> str:
        """A value as a text."""
        ...

    def is_true(self, name: object, template: Template) -> bool | None:
        """Whether a condition of the template is met; None if that is not known."""
        ...

    def once(self, what: str, template: Template, name: str, compute: Callable[[], Any]) -> Any:
        """What is computed for a name of a template only the first time."""
        ...
