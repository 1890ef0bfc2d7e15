"""The children of an array that failed and have not run well since, by their indices in the first array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchtab.aws.retries import Chain
from batchtab.aws.run_overrides import ARRAY_INDICES, ARRAY_SIZE, environment_of, indices, indices_text
from batchtab.main_container import main_container

_INDICES_MAX = 4000  # of 8,192 characters that a container's overrides may have
_ARRAY_MIN = 2


class CannotRetryError(Exception):
    """A run that is not retried: why, and what helps."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Array:
    """An array with its retries, which may be smaller arrays or single jobs of its children.

    Attributes:
        size: Of the array that ran first; 0 if the run is not an array.
    """

    def __init__(self, chain: Chain, failed_children: Callable[[str], list[int]]) -> None:
        """Makes it.

        Args:
            chain: The array with its retries.
            failed_children: What of an array in Batch failed, by the index there.
        """
        self._chain, self._failed_children = chain, failed_children
        self._first = _Part(chain.jobs[0])
        self.size = self._first.whole

    @property
    def is_chosen_already(self) -> bool:
        """Whether what failed last ran chosen children, so that its runner knows how."""
        return ARRAY_INDICES in environment_of(main_container(self._chain.last_failed))

    def left(self, only: int | None, *, is_again: bool) -> list[int]:
        """The children that failed and that no retry runs or has run well.

        Args:
            only: Only that one, by its index in the chain's first job.
            is_again: All that failed, whatever came after.

        Raises:
            CannotRetryError: that one has not failed.
        """
        left: set[int] = set()
        for job in self._chain.jobs:
            part = _Part(job)
            failed = self._failed(part) if job["status"] == "FAILED" else set()
            left = (left if is_again else left - set(part.numbers)) | failed
        if only is not None:
            number = self._first.numbers[only] if only < len(self._first.numbers) else -1
            if number not in self._failed(self._first):
                raise CannotRetryError(f"child {only} has not failed")
            left &= {number}
        return sorted(left)

    def retries(self, only: int) -> list[Mapping[str, Any]]:
        """The retries that ran one child, by its index in the chain's first job; the oldest first."""
        number = self._first.numbers[only] if only < len(self._first.numbers) else -1
        return [job for job in self._chain.jobs[1:] if number in _Part(job).numbers]

    def _failed(self, part: _Part) -> set[int]:
        if not part.size:
            return set(part.numbers)
        positions = self._failed_children(part.job_id)
        return {part.numbers[each] for each in positions} or set(part.numbers)  # it failed before it had children

    def a_failed_child(self) -> str:
        """The id of a child that failed."""
        part = _Part(self._chain.last_failed)
        return f"{part.job_id}:{next(iter(self._failed_children(part.job_id)), 0)}"

    def chosen(self, environment: Mapping[str, str], children: Sequence[int]) -> tuple[dict[str, str], int | None]:
        """A job's environment with what says which children it runs, and its size as an array; None for no array.

        Raises:
            CannotRetryError: Batch has no room for so long a list.
        """
        others = {name: value for name, value in environment.items() if name not in (ARRAY_INDICES, ARRAY_SIZE)}
        if len(children) == self.size:
            return others, self.size
        text = indices_text(children)
        if len(text) > _INDICES_MAX:
            words = f"the list of its {len(children)} failed children has {len(text)} characters"
            raise CannotRetryError(f"{words}: at most {_INDICES_MAX}", "--whole-array")
        size = len(children) if len(children) >= _ARRAY_MIN else None
        return {**others, ARRAY_INDICES: text, ARRAY_SIZE: str(self.size)}, size


class _Part:
    """One job of the chain: which children of the first array it runs, in its own order."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        said = environment_of(main_container(job))
        self.job_id = str(job["jobId"])
        self.size = int((job.get("arrayProperties") or {}).get("size") or 0)
        self.whole = int(said.get(ARRAY_SIZE) or self.size)
        self.numbers = indices(said.get(ARRAY_INDICES, "")) or list(range(self.size))
