"""The roles that GitHub Actions takes to plan and to deploy a stage."""

from batchtab.constructs.ci_roles.construct import CiRoles

__all__ = ["CiRoles"]
