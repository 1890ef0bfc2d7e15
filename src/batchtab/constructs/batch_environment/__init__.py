"""Batch compute environments with their queues, roles and logs."""

from batchtab.constructs.batch_environment.construct import BatchEnvironment
from batchtab.constructs.batch_environment.queues import Queue, SchedulingPolicy

__all__ = ["BatchEnvironment", "Queue", "SchedulingPolicy"]
