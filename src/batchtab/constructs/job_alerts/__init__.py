"""Alerts of failed jobs, to Slack."""

from batchtab.constructs.job_alerts.construct import JobAlerts

__all__ = ["JobAlerts"]
