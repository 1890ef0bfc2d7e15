"""A stage's Terraform stacks: provider, remote state, and what they tell each other; internal."""

from .stage import Stage, StageStack

__all__ = ["Stage", "StageStack"]
