"""Slack is told of failed jobs."""

from batchtab.constructs.job_alerts.construct import JobAlerts

__all__ = ["JobAlerts"]
