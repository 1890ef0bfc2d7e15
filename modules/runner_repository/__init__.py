"""An ECR repository for job images."""

from .construct import RunnerRepository

__all__ = ["RunnerRepository"]
