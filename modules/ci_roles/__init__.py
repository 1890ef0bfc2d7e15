"""The roles that GitHub Actions takes to plan and to deploy a stage."""

from .construct import CiRoles

__all__ = ["CiRoles"]
