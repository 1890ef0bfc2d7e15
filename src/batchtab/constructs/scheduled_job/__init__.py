"""One job: its definition, its trigger, its roles."""

from batchtab.constructs.scheduled_job.construct import ScheduledJob

__all__ = ["ScheduledJob"]
