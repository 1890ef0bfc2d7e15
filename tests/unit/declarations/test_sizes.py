"""What AWS refuses for its size, and references to parameters that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from batchtab import limits
from batchtab.constructs.scheduled_job.inputs import RULE_TIME, Inputs
from batchtab.declarations import catalog, sizes
from batchtab.declarations.job_arguments import JobArguments
from batchtab.errors import UsageError
from batchtab.local_aws.batch import limits as local_limits
from batchtab.local_aws.batch.sizes import overrides_length

ARN = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:team/{}-AbCdEf"


def faults(project: Path, job: dict[str, object], defaults: dict[str, object] | None = None) -> list[str]:
    """The faults of a job of the stage on AWS, from its name on."""
    path = project / "jobs" / "big" / "jobs.yaml"
    path.parent.mkdir(exist_ok=True)
    content = {"service": "big", "defaults": defaults or {}, "jobs": {"j": {"command": ["x"], **job}}}
    path.write_text(yaml.safe_dump(content, sort_keys=False, width=100_000), encoding="utf-8")
    try:
        catalog.load("example", project)
    except UsageError as error:
        return [line.split(": ", 1)[1] for line in str(error).splitlines()]
    return []


HINT = "[hint: keep what is large in the image, in S3 or in a parameter that the job reads]"


@pytest.mark.parametrize(
    ("field", "content"),
    [
        ("environment", {"A": "x" * 30_000}),
        ("command", ["x" * 40_000]),
        ("parameters", {"a": "x" * 25_000}),
        ("environment", {"A": "가" * 9000}),
    ],
)
def test_a_job_definition_has_at_most_24_kib(project: Path, field: str, content: object) -> None:
    # GIVEN one field that is too large WHEN it is checked THEN the line names it, and how large the whole is
    (line,) = faults(project, {field: content})
    assert line.startswith(f"job j: {field}: makes a job definition of ")
    assert line.endswith(f" bytes: at most 24,576 {HINT}")


def test_what_is_just_not_too_large_passes(project: Path) -> None:
    assert faults(project, {"environment": {"A": "x" * 23_000}}) == []
    assert "24,576" in faults(project, {"environment": {"A": "x" * 24_600}})[0]


def test_a_command_with_its_parameters_is_an_override_of_at_most_8192_characters(project: Path) -> None:
    # GIVEN a command that is small until its parameter is in its place, and as large a one without
    large = {"command": ["x", "Ref::text"], "parameters": {"text": "y" * 8200}}
    (line,) = faults(project, large)
    # THEN Batch would hand on the one as an override, and the other by its definition
    assert line.startswith("job j: command: makes overrides of 8,4")
    assert line.endswith(f"with its parameters in place and the run's variables: at most 8,192 {HINT}")
    assert faults(project, {"command": ["x", "y" * 8200]}) == []


def test_the_limits_are_those_of_local_aws_and_a_run_by_itself_is_far_below(project: Path) -> None:
    (service,) = [each for each in catalog.load("example", project).services if each.service == "my-service"]
    job = service.jobs["do-often"]
    variables = sizes.run_variables("my-service", "do-often", job)
    assert overrides_length(["x"], variables, []) < 400
    assert limits.OVERRIDES_CHARACTERS == local_limits.OVERRIDES_CHARACTERS
    assert limits.JOB_DEFINITION_PAYLOAD_BYTES == local_limits.DEFINITION_KIB * 1024
    assert limits.SUBMIT_JOB_PAYLOAD_BYTES == local_limits.JOB_KIB * 1024


def test_a_job_with_its_parameters_in_place_has_at_most_30_kib(project: Path) -> None:
    # GIVEN a definition and overrides that are each small enough: a text of two bytes a letter is in two places
    job = {"command": ["Ref::a"], "parameters": {"a": "é" * 7700}, "environment": {"A": "y" * 8000}}
    # WHEN both are the job's THEN it is too large
    (line,) = faults(project, job)
    assert line.startswith("job j: environment: makes a job of 39,")
    assert line.endswith(f"bytes with its parameters in place: at most 30,720 {HINT}")
    assert faults(project, {**job, "environment": {}}) != []
    assert faults(project, {**job, "parameters": {"a": "é" * 5000}}) == []


def test_the_policies_of_a_jobs_roles_have_a_length_too(project: Path) -> None:
    # GIVEN many permissions, and many secrets, with and without roles of one's own
    role = "arn:aws:iam::123456789012:role/x"
    many = {
        "permissions": [{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::bucket-{n}/*" for n in range(400)]}]
    }
    secrets = {"secrets": {f"S{n}": ARN.format("x" * 40 + str(n)) for n in range(100)}}
    # THEN a role that Batchtab would make is too small for them
    (line,) = faults(project, many)
    assert line.startswith("job j: permissions: makes a policy of 1")
    assert "characters: at most 10,240 in a role [hint: name what many ARNs begin with, or bring a role with" in line
    assert faults(project, secrets)[0].startswith("job j: secrets: makes a policy of 1")
    assert faults(project, {**secrets, "execution_role_arn": role}) == []


def test_a_reference_without_a_parameter_is_refused(project: Path) -> None:
    job = {"command": ["run", "Ref::date", "--to=Ref::taget"], "parameters": {"target": "x"}}
    none = "and there is no parameter of that name: the job would get just these letters"
    assert faults(project, job) == [
        f"job j: command[1]: has Ref::date, {none} [hint: write parameters: {{date: …}}]",
        f"job j: command[2]: has Ref::taget, {none} [hint: did you mean 'target'?]",
    ]


def test_a_parameter_of_the_defaults_is_one(project: Path) -> None:
    assert faults(project, {"command": ["Ref::a"]}, {"parameters": {"a": "x"}}) == []


def test_what_comes_from_the_defaults_is_shown_there(project: Path) -> None:
    (line,) = faults(project, {}, {"environment": {"A": "x" * 30_000}})
    assert line.startswith("defaults: environment: makes a job definition of ")


def test_the_largest_input_of_a_rule_is_below_what_a_rule_takes() -> None:
    # GIVEN all that a rule can hand on, each as long as it may be
    # (with a time zone, or with exceptions, there is a schedule instead, which takes far more)
    job = JobArguments.model_construct(
        name="n" * limits.JOB_NAME_MAX,
        job_queue_arn="q" * limits.JOB_QUEUE_ARN.maximum,
        array_size=limits.ARRAY_SIZE.maximum,
        concurrency_policy="queue",
        queue_limit=limits.QUEUE_LIMIT.maximum,
        starting_deadline_seconds=limits.STARTING_DEADLINE_SECONDS.maximum,
        pause_on_failure=True,
        share="s" * 255,
        priority=9999,
    )
    inputs = Inputs(job, "d" * limits.JOB_NAME_MAX, "s" * limits.SCHEDULE_EXPRESSION_MAX)
    # THEN EventBridge's 8,192 characters are far away
    assert len(inputs.event(RULE_TIME)) < 2000
    assert len(inputs.event(RULE_TIME, upstream=True)) < 2000
    assert len(inputs.overrides(upstream=True)) < 2000
