"""Which child of an array this is, where a smaller array runs only some children of another one again.

Batch counts the children of each array from 0, and takes no variable that begins with AWS_BATCH. So a retry of the
children 3 and 17 of a hundred is an array of two with BATCHTAB_ARRAY_INDICES=3,17 and BATCHTAB_ARRAY_SIZE=100; the
runner gives its command the index and the size that the first array had.
https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
"""

from __future__ import annotations

from .settings import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

INDICES, SIZE = "BATCHTAB_ARRAY_INDICES", "BATCHTAB_ARRAY_SIZE"
INDEX_OF_BATCH, SIZE_OF_BATCH = "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"


def choose(environment: MutableMapping[str, str]) -> None:
    """Replaces Batch's index, and its size, by those that the command is to have; without the variables does nothing.

    A job that is not an array runs the one child that is named.

    Raises:
        SettingsError: the variables name no child for this one; nothing must run then, rather than another's work.
    """
    text = environment.get(INDICES)
    if not text:
        return
    indices = _parsed(text)
    position = environment.get(INDEX_OF_BATCH)
    if position is None and len(indices) != 1:
        raise SettingsError(f"{INDICES} must be one index for a job that is not an array, got {text!r}")
    at = int(position) if position is not None else 0
    if at >= len(indices):
        raise SettingsError(f"{INDICES} must have an index for child {at}, got {text!r}")
    environment[INDEX_OF_BATCH] = str(indices[at])
    if size := environment.get(SIZE):
        environment[SIZE_OF_BATCH] = size


def _parsed(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise SettingsError(f"{INDICES} must be indices and ranges such as 3,17-20, got {text!r}")
        found += range(int(first), int(last) + 1)
    return found
