"""Runs of jobs are claimed, kept apart and remembered."""

from .construct import JobRuns

__all__ = ["JobRuns"]
