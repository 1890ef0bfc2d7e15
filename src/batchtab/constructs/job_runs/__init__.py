"""Claims runs of jobs, keeps them apart and records them."""

from batchtab.constructs.job_runs.construct import JobRuns

__all__ = ["JobRuns"]
