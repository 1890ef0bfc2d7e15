"""Slack is told of failed jobs."""

from .construct import JobAlerts

__all__ = ["JobAlerts"]
