"""All checks of a stage, in the order in which they are shown."""

from __future__ import annotations

from batchtab.aws.checkup import (
    bucket,
    capacity,
    dead_letters,
    definitions,
    images,
    network,
    pauses,
    quotas,
    roles,
    secrets,
    triggers,
)
from batchtab.aws.checkup.check import Check
from batchtab.aws.checkup.survey import Survey

_MODULES = (bucket, capacity, definitions, triggers, pauses, roles, secrets, images, network, quotas, dead_letters)


def checks(survey: Survey) -> list[Check]:
    """The checks of a stage that has been surveyed."""
    return [check for module in _MODULES for check in module.checks(survey)]
