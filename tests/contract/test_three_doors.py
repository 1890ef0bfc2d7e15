"""jobs.yaml, Python arguments and HCL variables say the same with the same names, limits and defaults."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tools import typed_arguments

from batchtab import limits
from batchtab.constructs.batch_environment import BatchEnvironment, Queue, SchedulingPolicy
from batchtab.constructs.batch_environment.module import VARIABLES as ENVIRONMENT_VARIABLES
from batchtab.constructs.compute_environment import ComputeEnvironment
from batchtab.constructs.compute_environment.module import VARIABLES as CAPACITY_VARIABLES
from batchtab.constructs.job_alerts import JobAlerts
from batchtab.constructs.job_alerts.module import VARIABLES as ALERT_VARIABLES
from batchtab.constructs.job_runs import JobRuns
from batchtab.constructs.job_runs.module import VARIABLES as RUNS_VARIABLES
from batchtab.constructs.runner_repository import RunnerRepository
from batchtab.constructs.runner_repository.module import VARIABLES as REPOSITORY_VARIABLES
from batchtab.constructs.scheduled_job import ScheduledJob
from batchtab.constructs.scheduled_job.variables import VARIABLES as JOB_VARIABLES
from batchtab.declarations import environment as declared
from batchtab.declarations.alert_arguments import AlertArguments
from batchtab.declarations.environment import Environment
from batchtab.declarations.job import JobSpec
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.queue import Queue as DeclaredQueue
from batchtab.declarations.queue import SchedulingPolicy as DeclaredPolicy
from batchtab.declarations.repository_arguments import RepositoryArguments
from batchtab.declarations.runs_arguments import Runs, RunsArguments
from batchtab.declarations.stage_alerts import Alerts

# A job owner names a queue, and the stage knows its ARN; what only a stage knows has no place in jobs.yaml.
# Where a job's alerts go is an input of job_alerts, which knows the jobs by their names.
# How long a run usually takes is for the calendar alone.
YAML_ONLY = {"queue", "alerts", "usual_duration_seconds"}
NOT_IN_YAML = {
    *{"submit_function_arn", "schedule_group_name"},
    *{"name", "namespace", "job_queue_arn", "capacity", "trigger_role_arn", "log_group_name", "log_retention_days"},
    *{"kms_key_arn", "role_path", "role_name_suffix"},
    *{"dead_letter_queue_arn", "maximum_event_age_seconds", "permissions_boundary_arn", "secrets_kms_key_arns"},
}


# Constructs whose arguments are a table of fields, and typed by what is generated of it.
TABLES: dict[type, type[BaseModel]] = {
    ScheduledJob: JobArguments,
    JobAlerts: AlertArguments,
    JobRuns: RunsArguments,
    RunnerRepository: RepositoryArguments,
}
DOORS = [
    (ScheduledJob, JOB_VARIABLES),
    (BatchEnvironment, ENVIRONMENT_VARIABLES),
    (ComputeEnvironment, CAPACITY_VARIABLES),
    (JobAlerts, ALERT_VARIABLES),
    (JobRuns, RUNS_VARIABLES),
    (RunnerRepository, REPOSITORY_VARIABLES),
]
# What tells Terraform at plan time what is made, and what is refused.
FLAGS = ("create_", "tell_")
# What alerts say of a job, which in YAML are beside it and in Python on the environment.
HCL_ONLY = {"late_after_seconds"}

# A word of Python's.
IN_PYTHON = {"except": "except_"}


def _arguments(construct: type) -> dict[str, inspect.Parameter]:
    """A construct's arguments, by its table of fields if it has one."""
    if construct in TABLES:
        kind, empty = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty
        return {
            name: inspect.Parameter(name, kind, default=empty if field.is_required() else field.get_default())
            for name, field in TABLES[construct].model_fields.items()
        }
    signature = inspect.signature(construct.__init__)  # type: ignore[misc]
    return {name: p for name, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}


def _same(one: Any, other: Any) -> bool:
    """Whether two defaults mean the same: no rules are `()`, `[]` or None."""
    one, other = _plain(one), _plain(other)
    empty: tuple[Any, ...] = ((), [], {}, None)
    return one == other or (one in empty and other in empty) or list(one or []) == list(other or [])


def _plain(default: Any) -> Any:
    """A default that is an object, as what it says beyond its own defaults."""
    return default.model_dump(exclude_defaults=True) if isinstance(default, BaseModel) else default


def test_a_job_has_the_same_fields_in_yaml_and_python() -> None:
    # GIVEN the fields of jobs.yaml and the construct's arguments
    fields = set(JobSpec.model_fields)
    arguments = set(_arguments(ScheduledJob))
    # THEN each field is an argument, and each argument is a field unless only a stage knows it
    assert fields - YAML_ONLY <= arguments
    assert arguments - fields == NOT_IN_YAML


@pytest.mark.parametrize(("construct", "variables"), DOORS, ids=[construct.__name__ for construct, _ in DOORS])
def test_a_construct_has_the_same_arguments_in_python_and_hcl(construct: type, variables: tuple[Any, ...]) -> None:
    # GIVEN a construct's arguments and its module's variables
    arguments = _arguments(construct)
    names = {IN_PYTHON.get(variable.name, variable.name) for variable in variables}
    # THEN they are the same, but for the flags
    assert {name for name in names if not name.startswith(FLAGS)} - HCL_ONLY == set(arguments)


@pytest.mark.parametrize(("construct", "variables"), DOORS, ids=[construct.__name__ for construct, _ in DOORS])
def test_a_default_is_the_same_in_python_and_hcl(construct: type, variables: tuple[Any, ...]) -> None:
    arguments = _arguments(construct)
    for variable in variables:
        if variable.name.startswith(FLAGS) or variable.name in HCL_ONLY:
            continue
        # GIVEN an argument of both doors
        default = arguments[IN_PYTHON.get(variable.name, variable.name)].default
        # THEN both need it, or both have the same default
        assert variable.required == (default is inspect.Parameter.empty), variable.name
        if not variable.required:
            assert _same(default, variable.default), (variable.name, default, variable.default)


def test_a_default_is_the_same_in_yaml_and_python() -> None:
    arguments = _arguments(ScheduledJob)
    for name, field in JobSpec.model_fields.items():
        if name in YAML_ONLY or field.is_required():
            continue
        # GIVEN a field with a default
        argument = arguments[name].default
        if argument is inspect.Parameter.empty:  # the stage fills it in, as the image
            assert name == "image"
            continue
        # THEN the construct's is the same
        assert _same(field.get_default(call_default_factory=True), argument), name


def test_the_environment_has_the_same_defaults_in_yaml_and_python() -> None:
    for construct, fields in (
        (BatchEnvironment, Environment.model_fields),
        (ComputeEnvironment, declared.ComputeEnvironment.model_fields),
    ):
        arguments = _arguments(construct)
        for name, field in fields.items():
            assert _same(field.default, arguments[name].default), name


def test_a_queue_has_the_same_fields_and_defaults_in_yaml_and_python() -> None:
    for made, declared_queue in ((Queue, DeclaredQueue), (SchedulingPolicy, DeclaredPolicy)):
        default = {each.name: each.default for each in dataclasses.fields(made)}
        # GIVEN the fields at both doors THEN they are the same, and so is what is left out
        assert default.keys() == declared_queue.model_fields.keys()
        for name, field in declared_queue.model_fields.items():
            if not field.is_required() and default[name] is not dataclasses.MISSING:
                assert _same(field.default, default[name]), name


def test_defaults_are_those_of_the_one_place() -> None:
    arguments = _arguments(ScheduledJob)
    for name, value in limits.JOB_DEFAULTS.items():
        if name not in YAML_ONLY:
            assert arguments[name].default == value, name


@pytest.mark.parametrize(
    ("declared", "arguments", "own"), [(Alerts, AlertArguments, {"stand_in"}), (Runs, RunsArguments, set[str]())]
)
def test_what_a_stage_says_is_declared_once(
    declared: type[BaseModel], arguments: type[BaseModel], own: set[str]
) -> None:
    for name, field in declared.model_fields.items():
        if name not in own:
            # GIVEN a field of a stage's file THEN its construct has it with the same limits, default and words
            assert repr(arguments.model_fields[name]) == repr(field), name


@pytest.mark.parametrize("path", typed_arguments.FILES, ids=lambda path: str(path.stem))
def test_the_typed_arguments_are_those_of_the_tables(path: Path) -> None:
    # GIVEN a file that type checkers read
    written = path.read_text(encoding="utf-8")
    # WHEN it is made anew THEN it is the same
    assert written == typed_arguments.formatted(typed_arguments.FILES[path]()), "run `make modules`"
