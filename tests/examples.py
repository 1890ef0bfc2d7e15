"""How much is tried: `HYPOTHESIS_PROFILE` is `dev`, the default, or `ci`, which takes its time."""

from __future__ import annotations

import os

from hypothesis import settings

_FEWEST = 25
_SHARE_OF_DEV = 5  # of what CI tries


def load_profile() -> None:
    """Has hypothesis use the profile. On a busy machine an example may take longer than its 200 ms."""
    settings.register_profile("dev", deadline=None, max_examples=examples(100))
    settings.register_profile("ci", deadline=None)
    settings.load_profile(_profile())


def examples(number: int) -> int:
    """How many of a test's examples are tried here, of those in CI."""
    return number if _profile() == "ci" else max(min(number, _FEWEST), number // _SHARE_OF_DEV)


def rounds(variable: str, number: int, *, in_ci: int) -> int:
    """How often a test repeats what random moments decide; a variable of the environment says another number."""
    return int(os.environ.get(variable, in_ci if _profile() == "ci" else number))


def _profile() -> str:
    return os.environ.get("HYPOTHESIS_PROFILE", "dev")
