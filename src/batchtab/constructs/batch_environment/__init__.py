"""A Batch compute environment with its queues, roles and logs."""

from batchtab.constructs.batch_environment.construct import BatchEnvironment

__all__ = ["BatchEnvironment"]
