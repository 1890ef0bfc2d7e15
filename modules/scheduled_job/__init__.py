"""One job: its definition, its trigger, its roles."""

from .construct import ScheduledJob

__all__ = ["ScheduledJob"]
