"""What the submit function noted of one run: read from its table, and part of a story."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """What is noted of one run.

    Attributes:
        scheduled_time: In UTC, as `2026-11-24T00:00:00Z`.
        status: claimed, submitted, waiting, joined, skipped, late, dropped or refused.
        job_id: Batch's, of a run that was submitted.
        lease_until: Until when, in seconds of the epoch, whoever claimed the run may still be at it.
        mode: Who asked for it, if not its trigger: backfill, retry or manual. Older records do not say it.
    """

    job: str
    scheduled_time: str
    status: str
    reason: str = ""
    job_id: str = ""
    run_id: str = ""
    noted_at: str = ""
    lease_until: float | None = None
    mode: str = ""
