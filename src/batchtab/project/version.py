"""Version: a release of Batchtab, in an order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata

_FORM = re.compile(r"v?(\d+(?:\.\d+)*)(?:[._-]?(dev|a|b|rc|post)[._-]?(\d*))?(?:\+[A-Za-z0-9.]+)?")
_FINAL = "final"
_PHASES = ("dev", "a", "b", "rc", _FINAL, "post")


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version that can be compared: `0.10.0` comes after `0.9.1`, `1.0.0rc1` before `1.0.0`.

    Attributes:
        release: The numbers, without zeros at the end.
        phase: How far the release is: development, alpha, beta, candidate, final, post.
        number: The number of the phase.
    """

    release: tuple[int, ...]
    phase: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Reads a version such as `0.2.0`, `1.0.0rc1` or `0.3.0.dev4+g1a2b3c`.

        Raises:
            ValueError: It is none.
        """
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"'{text}' is not a version")
        release = [int(number) for number in found[1].split(".")]
        while release and release[-1] == 0:
            release.pop()
        return cls(tuple(release), _PHASES.index(found[2] or _FINAL), int(found[3] or 0))


def installed() -> str:
    """The version of Batchtab that runs."""
    return metadata.version("batchtab")
