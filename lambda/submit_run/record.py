"""A run's status, as the table keeps it for `batchtab history`."""

from __future__ import annotations

from dataclasses import dataclass

from .request import Request

#: It may run: somebody is submitting it, it has been submitted, or it waits for its turn.
GOING = ("claimed", "submitted", "waiting")
#: The end of an upstream job, which waits for those of others, or is in the run that they started.
JOINED = "joined"
#: It did not run, and nothing is wrong.
NOT_RUN = ("skipped", "late", "dropped")
#: Batch refused it: the trigger's event is tried again, and goes to the dead-letter queue if that does not help.
REFUSED = "refused"


@dataclass(frozen=True)
class Record:
    """A run's record; `revision` is the one that was read, 0 if there is none; `since` is when it was first claimed.

    Of the end of an upstream job that is no run, `is_run` is False.
    """

    request: Request
    status: str
    reason: str = ""
    job_id: str = ""
    lease_until: float = 0.0
    revision: int = 0
    since: float = 0.0
    is_run: bool = True
