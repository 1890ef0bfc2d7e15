"""The AWS account that kinds without files read."""

from __future__ import annotations

from batchtab.aws import scheduled_tasks
from batchtab.aws.client import Aws
from batchtab.errors import UsageError
from batchtab.importers.options import Options


def aws_of(kind: str, options: Options) -> Aws:
    """The stage's account if a stage is named, which is checked; else that of the credentials.

    Raises:
        UsageError: No region is named, or the credentials are of another account than the stage's.
    """
    if options.connect is not None:
        return options.connect()
    region = options.settings.get("region") or options.region or scheduled_tasks.own_region()
    if not region:
        hint = "set AWS_REGION, or name a stage with --stage"
        raise UsageError(f"import {kind} without a file reads an account, and no region is named", hint)
    return Aws(region)
