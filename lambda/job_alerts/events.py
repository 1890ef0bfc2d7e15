"""Reads the events that Batch sends.

See https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
"""

from __future__ import annotations

from typing import Any, NamedTuple


class UnreadableEvent(ValueError):  # noqa: N818 - it is what the event is
    """An event that this function was not made for, or that lacks what it must have."""


class FailedJob(NamedTuple):
    """A job that Batch gave up."""

    event_id: str
    job_id: str
    job_name: str
    status_reason: str

    @classmethod
    def parse(cls, event: Any) -> FailedJob:
        """Takes a `Batch Job State Change` of status FAILED.

        Raises:
            UnreadableEvent: it is another event, or has no name.
        """
        detail = event.get("detail") if isinstance(event, dict) else None
        if not isinstance(detail, dict) or event.get("source") != "aws.batch":
            raise UnreadableEvent("not an event of aws.batch")
        if event.get("detail-type") != "Batch Job State Change" or detail.get("status") != "FAILED":
            raise UnreadableEvent(f"not a failed job: {event.get('detail-type')} {detail.get('status')}")
        name = detail.get("jobName")
        if not isinstance(name, str) or not name:
            raise UnreadableEvent("detail.jobName is missing")
        return cls(
            event_id=str(event.get("id") or ""),
            job_id=str(detail.get("jobId") or ""),
            job_name=name,
            status_reason=str(detail.get("statusReason") or "an unknown reason"),
        )
