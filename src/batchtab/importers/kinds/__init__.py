"""The kinds of sources: a module each, with `read(files, options)`, which returns an `Imported`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import NamedTuple

from batchtab.errors import UsageError, did_you_mean
from batchtab.importers.imported import Imported
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile


class Kind(NamedTuple):
    """One kind of source.

    Attributes:
        name: What is typed.
        module: In this folder.
        help: What it reads.
        needs_files: Whether files must be given; without them `aws` and `ecs` read an account.
        settings: Names that `--set` takes.
    """

    name: str
    module: str
    help: str
    needs_files: bool = True
    settings: tuple[str, ...] = ()


_CFN = ("exports", "parameters", "resources", "account", "region", "modules")
_AWS = ("prefix", "queue", "region", "modules")
KINDS = (
    Kind(
        "crontab", "crontab", "crontab, /etc/cron.d, systemd timers with their services", True, ("user-column", "cron")
    ),
    Kind("kubernetes", "kubernetes", "CronJobs in YAML, also what `helm template` prints"),
    Kind(
        *("ecs", "ecs", "scheduled tasks: ecschedule's YAML, `terraform show -json`, CloudFormation, or an account"),
        needs_files=False,
        settings=("cluster", "prefix"),
    ),
    Kind("copilot", "copilot", "manifests of scheduled jobs of AWS Copilot", True, ("environment", "application")),
    Kind("lambda", "lambda_functions", "SAM, serverless.yml, functions with EventBridge rules"),
    Kind("cloudformation", "cloudformation", "Batch job definitions with EventBridge rules", True, _CFN),
    Kind("airflow", "airflow", "DAGs in Python, read but not run, and dag-factory's YAML", True, ("airflow",)),
    Kind("github-actions", "github_actions", "workflows with on.schedule"),
    Kind("aws", "aws_account", "job definitions with rules and schedules of an account", False, _AWS),
)


def read(kind: str, files: Sequence[SourceFile], options: Options) -> Imported:
    """Import sources.

    Raises:
        UsageError: There is no such kind, or a source cannot be read.
    """
    found = kind_of(kind)
    if found.needs_files and not files:
        raise UsageError(f"import {kind} needs a file: {found.help}")
    options.only(kind, *found.settings)
    result: Imported = importlib.import_module(f"{__name__}.{found.module}").read(files, options)
    return result


def kind_of(name: str) -> Kind:
    """A kind by its name.

    Raises:
        UsageError: There is none.
    """
    for each in KINDS:
        if each.name == name:
            return each
    names = [each.name for each in KINDS]
    raise UsageError(f"'{name}' is not a kind of source: {', '.join(names)}", did_you_mean(name, names))
