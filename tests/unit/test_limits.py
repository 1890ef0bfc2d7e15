from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from batchtab import limits
from batchtab.declarations.environment import Environment
from batchtab.declarations.job import JobSpec
from batchtab.limits import Choice, Range, Text

ALL = {name: value for name, value in vars(limits).items() if isinstance(value, Range | Text | Choice)}


@pytest.mark.parametrize("name", ALL)
def test_every_limit_names_the_page_that_it_comes_from(name: str) -> None:
    assert ALL[name].source_url.startswith(("https://docs.aws.amazon.com/", "https://docs.slack.dev/"))


@pytest.mark.parametrize("name", [name for name, limit in ALL.items() if isinstance(limit, Text)])
def test_every_pattern_is_anchored_and_one_that_terraform_can_read(name: str) -> None:
    pattern = ALL[name].pattern

    assert pattern.startswith("^")
    assert pattern.endswith("$")
    assert re.compile(pattern).match("\n\n") is None
    assert not re.search(r"\(\?|\\[1-9]", pattern), "RE2 knows neither look-around nor back-references"


@pytest.mark.parametrize("name", [name for name, limit in ALL.items() if isinstance(limit, Range)])
def test_a_range_holds_its_bounds_and_its_default_and_nothing_beyond(name: str) -> None:
    limit = ALL[name]

    assert limit.refusal(limit.minimum) is None
    assert limit.refusal(limit.minimum - 1)
    if limit.maximum is not None:
        assert limit.refusal(limit.maximum) is None
        assert limit.refusal(limit.maximum + 1)
    if limit.default is not None:
        assert limit.refusal(limit.default) is None


def test_a_refusal_says_what_is_allowed() -> None:
    assert limits.TIMEOUT_SECONDS.refusal(59) == "is too short: 60 to 2147483647 (seconds)"
    assert limits.ATTEMPTS.refusal(11) == "is too large: 1 to 10 (attempts)"
    assert limits.CAPACITY.refusal("ec2") == "is not allowed: EC2, SPOT, FARGATE or FARGATE_SPOT"


def test_a_name_may_not_end_with_a_new_line_though_the_pattern_would_let_it() -> None:
    assert limits.JOB_NAME.refusal("job\n")


def test_a_number_is_not_the_choice_that_equals_it() -> None:
    assert limits.LOG_RETENTION_DAYS.refusal(30) is None
    assert limits.LOG_RETENTION_DAYS.refusal(True)


def test_fargate_sizes_are_those_of_the_api_reference() -> None:
    # GIVEN the service model that boto3 ships, whose text lists the sizes
    botocore = pytest.importorskip("botocore.session")
    model = botocore.get_session().get_service_model("batch").shape_for("ResourceRequirement")
    text = re.sub("<[^>]+>", " ", model.members["value"].documentation)
    listed = re.findall(r"value\s*=\s*([0-9.]+)\s+MEMORY\s*=\s*((?:[0-9]+(?:,?\s+or\s+|,\s*)?)+)", text)

    # WHEN they are read
    sizes = {float(vcpus): tuple(map(int, re.findall("[0-9]+", memory))) for vcpus, memory in listed}

    # THEN ours are the same
    assert sizes == dict(limits.FARGATE_SIZES)


def test_the_default_job_fits_ec2_and_fargate() -> None:
    job = limits.JOB_DEFAULTS

    assert job["memory_mib"] in limits.FARGATE_SIZES[job["vcpus"]]
    assert limits.EC2_VCPUS.refusal(job["vcpus"]) is None
    assert limits.FARGATE_TIMEOUT_SECONDS.refusal(job["timeout_seconds"]) is None


def test_defaults_are_the_defaults_of_the_declarations() -> None:
    for model, defaults in ((JobSpec, limits.JOB_DEFAULTS), (Environment, limits.ENVIRONMENT_DEFAULTS)):
        for name, value in defaults.items():
            declared = model.model_fields[name].default
            assert json.dumps(declared, default=dict) == json.dumps(value, default=dict), name


def test_limits_imports_the_standard_library_and_the_shapes_of_schedules_only() -> None:
    source = Path(limits.__file__).read_text(encoding="utf-8")

    assert set(re.findall(r"^(?:from|import) ([a-z_.]+)", source, re.M)) <= {
        "__future__", "re",
        "collections.abc", "dataclasses", "datetime", "types", "typing", "batchtab", "batchtab.schedules",
    }  # fmt: skip
    assert all(field.name for limit in ALL.values() for field in fields(limit))
