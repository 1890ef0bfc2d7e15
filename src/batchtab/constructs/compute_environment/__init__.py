"""Capacity on which jobs run: a managed compute environment, with what its instances need."""

from batchtab.constructs.compute_environment.construct import ComputeEnvironment

__all__ = ["ComputeEnvironment"]
