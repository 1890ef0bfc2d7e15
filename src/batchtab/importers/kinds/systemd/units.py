"""Unit files of systemd: sections, settings and specifiers.

https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from batchtab.importers.findings import Recorder
from batchtab.importers.source_file import SourceFile

_SUFFIXES = (".timer", ".service")
_SECOND = 1
_SPANS = (
    (("usec", "us", "µs", "μs"), 1e-6),
    (("msec", "ms"), 1e-3),
    (("seconds", "second", "sec", "s", ""), _SECOND),
    (("minutes", "minute", "min", "m"), 60),
    (("hours", "hour", "hr", "h"), 3600),
    (("days", "day", "d"), 86_400),
    (("weeks", "week", "w"), 604_800),
    (("months", "month", "M"), 2_629_800),
    (("years", "year", "y"), 31_557_600),
)
_SECONDS_OF = {name: seconds for names, seconds in _SPANS for name in names}
#: Specifiers that are the same on every machine, of units of the system.
_SAME = {
    **{"%": "%", "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc"},
    **{"T": "/tmp", "V": "/var/tmp"},  # noqa: S108 - named, not used
    **{"h": "/root", "u": "root", "U": "0", "g": "root", "G": "0"},
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of a unit.

    Attributes:
        section: Such as `Timer`.
        key: Such as `OnCalendar`.
        value: Without specifiers, which are replaced.
        place: File and line.
    """

    section: str
    key: str
    value: str
    place: str

    @property
    def name(self) -> str:
        """As findings name it."""
        return f"{self.section}.{self.key}" if self.section else self.key


@dataclass(slots=True)
class Unit:
    """A unit, of its file and additions to it.

    Attributes:
        name: Such as `backup@home.timer`.
        place: Its file.
        settings: In order.
    """

    name: str
    place: str
    settings: list[Setting] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """Its name without the kind."""
        return self.name.rpartition(".")[0]

    def last(self, section: str, key: str) -> str:
        """The value of a setting that has one; empty if it is not there."""
        found = [each.value for each in self.settings if (each.section, each.key) == (section, key)]
        return found[-1] if found else ""


def is_unit(file: SourceFile) -> bool:
    """Whether a file is a timer, a service, or an addition to one (`backup.timer.d/override.conf`)."""
    return bool(_unit_name(file))


def units(files: Iterable[SourceFile]) -> dict[str, Unit]:
    """The units of files, by name; additions count after the file that they belong to."""
    found: dict[str, Unit] = {}
    for file in sorted(files, key=lambda each: each.path.suffix == ".conf"):
        unit = found.setdefault(_unit_name(file), Unit(_unit_name(file), file.name))
        unit.settings += _settings(file)
    return found


def instance_of(unit: Unit, name: str, recorder: Recorder) -> Unit:
    """The unit under a name of its own, such as `backup@home.service`, without specifiers.

    Args:
        unit: A unit, or a template such as `backup@.service`.
        name: Its name.
        recorder: Where it is reported that a value depends on the machine.
    """
    stem = name.rpartition(".")[0]
    prefix, at, instance = stem.partition("@")
    values = _SAME | {"n": name, "N": stem, "p": prefix, "P": _unescaped(prefix)}
    values |= {"j": prefix.rpartition("-")[2], "J": _unescaped(prefix.rpartition("-")[2])}
    if at and instance:
        values |= {"i": instance, "I": _unescaped(instance), "f": f"/{_unescaped(instance).lstrip('/')}"}
    settings = []
    for each in unit.settings:
        unknown = [mark for mark in re.findall("%(.)", each.value) if mark not in values]
        if unknown:
            why = f"%{unknown[0]} depends on the machine or the instance, and stays as it is"
            recorder.at(each.place).changed(f"{each.name}.%{unknown[0]}", each.value, why, "write its value")
        value = re.sub("%(.)", lambda match: values.get(match[1], match[0]), each.value)
        settings.append(Setting(each.section, each.key, value, each.place))
    return Unit(name, unit.place, settings)


def without_reset(unit: Unit, single: Iterable[str], recorder: Recorder) -> list[Setting]:
    """The settings that count; those that an empty line or a later one replaces are reported.

    Args:
        unit: The unit.
        single: Keys of which the last counts.
        recorder: Where findings go.
    """
    kept: list[Setting] = []
    for each in unit.settings:
        if not each.value or each.key in single:
            gone = [other for other in kept if (other.section, other.key) == (each.section, each.key)]
            for other in gone:
                kept.remove(other)
                recorder.at(other.place).not_carried(other.name, other.value, "a later line replaces it")
        if each.value:
            kept.append(each)
        else:
            recorder.at(each.place).not_carried(each.name, "", "it only empties what was before")
    return kept


def seconds(text: str) -> float | None:
    """The seconds of a time span such as `1h 30min`, `90` or `infinity`; None if it is none."""
    if text.strip() == "infinity":
        return float("inf")
    parts = re.findall(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-zµμ]*)\s*", text)
    if not parts or re.sub(r"\s", "", "".join(map("".join, parts))) != re.sub(r"\s", "", text):
        return None
    if any(unit not in _SECONDS_OF for _, unit in parts):
        return None
    return sum(float(number) * _SECONDS_OF[unit] for number, unit in parts)


def words(text: str) -> list[str]:
    """The words of a value, by systemd's quotes and escapes."""
    found = []
    for match in re.finditer(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s\\])+|\\""", text):
        found.append(re.sub(r"""(\\x[0-9A-Fa-f]{2}|\\.)|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'""", _plain, match[0]))
    return found


def _plain(match: re.Match[str]) -> str:
    inner = next((each for each in match.groups() if each is not None), "")
    return re.sub(r"\\(x[0-9A-Fa-f]{2}|.)", _escape, inner if match[1] is None else match[0])


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    # A word of its own, `\\;` is no end of a command: whoever splits commands replaces it.
    return {"n": "\n", "t": "\t", "s": " ", ";": "\\;"}.get(code, code)


def _unescaped(text: str) -> str:
    text = text.replace("-", "/")
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text)


def _unit_name(file: SourceFile) -> str:
    if file.path.suffix in _SUFFIXES:
        return file.path.name
    folder = file.path.parent.name.removesuffix(".d")
    is_addition = file.path.suffix == ".conf" and file.path.parent.name.endswith(
        tuple(f"{each}.d" for each in _SUFFIXES)
    )
    return folder if is_addition else ""


def _settings(file: SourceFile) -> list[Setting]:
    section = ""
    found: list[Setting] = []
    for number, line in _lines(file.text.split("\n")):
        if match := re.fullmatch(r"\[(.*)\]", line):
            section = match[1]
            continue
        key, equals, value = line.partition("=")
        found.append(Setting(section, key.strip() if equals else line, value.strip(), file.at(number)))
    return found


def _lines(lines: Sequence[str]) -> Iterable[tuple[int, str]]:
    """Lines that say something, with those that continue them."""
    begun, number = "", 0
    for at, each in enumerate(lines, 1):
        line = each.strip()
        if line.startswith(("#", ";")) or (not line and not begun):
            continue
        number = number if begun else at
        begun = f"{begun} {line}".strip()
        if begun.endswith("\\"):
            begun = begun[:-1].rstrip()
            if begun:
                continue
        if begun:
            yield number, begun
        begun = ""
    if begun:
        yield number, begun
