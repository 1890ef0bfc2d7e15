"""An ECR repository for job images."""

from batchtab.constructs.runner_repository.construct import RunnerRepository

__all__ = ["RunnerRepository"]
