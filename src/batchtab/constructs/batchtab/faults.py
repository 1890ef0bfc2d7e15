"""Faults as HCL: lists of texts, each with its place, in the words of `batchtab check`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from batchtab.constructs._terraform.expressions import hcl, literal

_SECRET = ("secrets", "secret_options", "registry_credentials", "webhook_secret_arn")
_SHOWN_MAX = 80
_TEXT = '"'


def text(value: str) -> str:
    """A text that people wrote, as HCL."""
    return hcl(literal(value))


def fault(path: str, message: str, item: str = "", when: str = "") -> str:
    """A fault, as HCL: where, what is wrong, and the value if it may be shown. `lines` makes a text of it.

    Args:
        path: The field, in which `${…}` is live.
        message: What is wrong, as HCL.
        item: The value, as HCL.
        when: Whether the value is shown, as HCL. Default: it is.
    """
    of = f"for j in [jsonencode({item})] : j if {when}" if item and when else f"jsonencode({item})" if item else ""
    return f'{{ at = s.place, in = "{path}", says = {message}, of = [{of}] }}'


def lines(faults: str) -> str:
    """Faults as texts, each once: with the value as `diagnostics.show` writes it."""
    # As Python writes lists and mappings.
    spaced = 'replace(replace(v, "\\":", "\\": "), "/([]\\u007d\\"0-9el]),/", "$1, ")'
    whole = f'startswith(v, {hcl(_TEXT)}) ? "\'${{jsondecode(v)}}\' " : "${{{spaced}}} "'
    cut = f'length(t) > {_SHOWN_MAX + 1} ? "${{substr(t, 0, {_SHOWN_MAX - 1})}}… " : t'
    shown = f'join("", [for v in f.of : [for t in [{whole}] : {cut}][0]])'
    where = 'join("", [for p in [f.at, f.in] : "${p}: " if p != ""])'
    return f'[for f in {faults} : "${{{where}}}${{{shown}}}${{f.says}}"]'


@dataclass(frozen=True)
class Place:
    """Where a value is: how it is written in HCL, how its place is called, and how deep it is below other values."""

    item: str
    path: str
    depth: int = 0

    def below(self, item: str, name: str) -> Place:
        """The place of a value within this one."""
        path = f"{self.path}{name}" if name.startswith("[") or not self.path else f"{self.path}.{name}"
        return Place(item, path, self.depth + 1)

    @property
    def is_secret(self) -> bool:
        """Whether the value may be a secret itself, where its name belongs."""
        return any(part in _SECRET for part in self.path.replace("[", ".").split("."))


#: What is wrong with a value, as HCL.
Rule = Callable[[Place], str]
