"""A Batch compute environment with its queues, roles and logs."""

from .construct import BatchEnvironment

__all__ = ["BatchEnvironment"]
