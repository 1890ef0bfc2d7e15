"""Runs of jobs are claimed, kept apart and remembered."""

from batchtab.constructs.job_runs.construct import JobRuns

__all__ = ["JobRuns"]
