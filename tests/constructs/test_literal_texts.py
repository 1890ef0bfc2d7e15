"""Every field of every table that takes free text: what people write there reaches AWS letter by letter."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel
from tests.constructs.a_job import FUNCTION, ORIGINAL
from tests.constructs.template import QUEUE_ARN, SECURITY_GROUPS, SUBNETS, Template, in_python
from tests.hcl.terraform import Terraform
from tests.projects import PROJECT

from batchtab import app
from batchtab.constructs._terraform.kinds import kind_of
from batchtab.constructs.batch_environment import BatchEnvironment
from batchtab.constructs.compute_environment import ComputeEnvironment
from batchtab.constructs.job_alerts import JobAlerts
from batchtab.constructs.job_runs import JobRuns
from batchtab.constructs.runner_repository import RunnerRepository
from batchtab.constructs.scheduled_job import ScheduledJob
from batchtab.constructs.stage_stack import Stage, StageStack
from batchtab.declarations.alert_arguments import AlertArguments, WatchedSchedule
from batchtab.declarations.catalog import load
from batchtab.declarations.container_fields import Device, Mount, Ulimit
from batchtab.declarations.environment_arguments import (
    ComputeEnvironmentArguments,
    EnvironmentArguments,
    FurtherEnvironment,
)
from batchtab.declarations.fields import AtPlan
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.permissions import ExitRule, Permission
from batchtab.declarations.repository_arguments import RepositoryArguments
from batchtab.declarations.runs_arguments import RunsArguments

_SIGNS = "{MARK}${x}%{y}$${z}%%{w}$$%%${terraform.workspace}%{http_code}"
#: Forms of it that some field or other takes.
FORMS = (
    f'a {_SIGNS} "b" \\c',
    f"/{_SIGNS}/b c",
    f"arn:aws:s3:::b/{_SIGNS}/*",
    f"#{_SIGNS}",
    f":{_SIGNS}:",
    f"MIME-Version: 1.0\n{_SIGNS}\n",
)
MARK = "MARK"
TEXTS = tuple(form.replace("{MARK}", MARK) for form in FORMS)
#: Names of other things, and what has a grammar of its own: their rules refuse such a text.
CHECKED = {
    *("schedule", "except_.*", "container.key", "main_depends_on.key", "containers.value.depends_on.key"),
    *("queue_settings.key", "queue_settings.value.compute_environments.*"),
    # The patterns of these would let one pass, and their validators do not.
    *("timezone", "schedules.value.timezone"),
}
#: What an object needs beside the field in question.
BESIDE: dict[type, dict[str, Any]] = {
    Mount: {"volume": "data", "path": "/data"},
    Device: {"host_path": "/dev/fuse"},
    Ulimit: {"soft": 1, "hard": 1},
    Permission: {"actions": ["s3:GetObject"], "resources": ["*"]},
    ExitRule: {"action": "RETRY", "on_reason": "a"},
    WatchedSchedule: {"schedule": "rate(1 day)", "job_queue_arn": QUEUE_ARN, "late_after_seconds": 60},
    FurtherEnvironment: {"arn": "arn:aws:batch:ap-northeast-2:123456789012:compute-environment/x", "capacity": "EC2"},
}
_PLACE = {"namespace": "batchtab-test", "subnet_ids": SUBNETS, "security_group_ids": SECURITY_GROUPS}
_QUEUE = {"namespace": "batchtab-test", "job_queue_arns": [QUEUE_ARN]}
DOORS: dict[type[BaseModel], tuple[type, dict[str, Any]]] = {
    JobArguments: (ScheduledJob, ORIGINAL),
    AlertArguments: (JobAlerts, {**_QUEUE, "quiet": True}),
    EnvironmentArguments: (BatchEnvironment, _PLACE),
    ComputeEnvironmentArguments: (ComputeEnvironment, {**_PLACE, "name": "spot"}),
    RunsArguments: (
        JobRuns,
        {**_QUEUE, "trigger_dead_letter_queue_arn": "arn:aws:sqs:ap-northeast-2:123456789012:q"},
    ),
    RepositoryArguments: (RunnerRepository, {"name": "my-service"}),
}
_SECRET = "arn:aws:ssm:ap-northeast-2:123456789012:parameter/a"


def fields(annotation: Any, metadata: tuple[Any, ...], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The fields that take free text, each with a text that it takes."""
    kind = kind_of(annotation, metadata)
    if kind.type is str:
        limits = [item.limit for item in kind.metadata if hasattr(item, "limit") and not isinstance(item, AtPlan)]
        taken = next((text for text in TEXTS if not any(limit.refusal(text) for limit in limits)), None)
        if taken is not None:
            yield path, taken
    elif get_origin(kind.type) in (tuple, list):
        yield from fields(get_args(kind.type)[0], (), (*path, "*"))
    elif get_origin(kind.type) is not None and issubclass(get_origin(kind.type), Mapping):
        key, value = get_args(kind.type)
        yield from fields(key, (), (*path, "key"))
        yield from fields(value, (), (*path, "value"))
    elif isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
        for name, field in kind.type.model_fields.items():
            yield from fields(field.annotation, tuple(field.metadata), (*path, name))


def value_at(annotation: Any, path: tuple[str, ...], text: str) -> Any:
    """What is given to a field so that a text is at a path below it."""
    kind = kind_of(annotation, ())
    if not path:
        return text
    step, rest = path[0], path[1:]
    if step == "*":
        return [value_at(get_args(kind.type)[0], rest, text)]
    if step in ("key", "value") and not (isinstance(kind.type, type) and issubclass(kind.type, BaseModel)):
        value = get_args(kind.type)[1]
        if step == "value":
            name = "/data" if "tmpfs" in str(kind.type) else "data"
            return {name: value_at(value, rest, text)}
        inner = kind_of(value, ())
        if inner.type is int:
            return {text: 8}
        if inner.type is str:
            return {text: _SECRET if any(getattr(i, "limit", None) for i in inner.metadata) else "x"}
        return {text: BESIDE.get(inner.type, {})}
    field = kind.type.model_fields[step]
    return {**BESIDE.get(kind.type, {}), step: value_at(field.annotation, rest, text)}


CASES = [
    pytest.param(model, path, text, id=f"{model.__name__} {'.'.join(path)}")
    for model in DOORS
    for path, text in fields(model, (), ())
    if ".".join(path) not in CHECKED
]


def built(model: type[BaseModel], path: tuple[str, ...], text: str) -> Template:
    construct, base = DOORS[model]
    given = {path[0]: value_at(model.model_fields[path[0]].annotation, path[1:], text)}
    place, name = given, path
    if path[:2] == ("containers", "value"):
        place, name = given["containers"]["data"], path[2:]
        place |= {"vcpus": 1, "memory_mib": 64}
        given["submit_function_arn"] = FUNCTION
    if path[-2:] == ("value", "root_directory"):
        place["volumes"]["data"]["efs_file_system_id"] = "fs-01234567"
    if name[0] == "mounts":
        given["volumes"] = {"data": {}}
    if name[0] == "volumes":
        given["mounts"] = [{"volume": "data", "path": "/data"}]
    if name[:2] in (("log", "options"), ("log", "secret_options")):
        place["log"]["driver"] = "syslog" if name[1] == "options" else "splunk"
    return in_python(lambda stack: construct(stack, "Default", **{**base, **given}))


def strings(value: Any) -> Iterator[str]:
    """All strings with the mark, of a document as Terraform reads it."""
    if isinstance(value, str):
        if MARK in value:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def evaluated(folder: Path, templates: Mapping[str, Template]) -> dict[str, list[str]]:
    """What Terraform makes of the strings with the mark, in each of some documents.

    What is code beside them is only ours, another resource's attribute, and has a value here.
    """
    outputs = {}
    for name, template in templates.items():
        for number, written in enumerate(strings({**template.content, "provider": {}, "terraform": {}})):
            known = re.sub(r"(?<![$])\$\{(aws_|data\.|local\.)[^}]*\}", "known", written)
            known = re.sub(r"\b(aws_|data\.|local\.|each\.)[A-Za-z0-9_.\[\]*]+", '"known"', known)
            outputs[f"{name} {number}"] = {"value": known}
    labels = {re.sub(r"[^A-Za-z0-9]", "_", name): name for name in outputs}
    content = {"output": {label: outputs[name] for label, name in labels.items()}}
    (folder / "main.tf.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    terraform = Terraform(folder)
    terraform.do("apply", "-auto-approve", "-input=false")
    found: dict[str, list[str]] = {name: [] for name in templates}
    for label, output in json.loads(terraform.run("output", "-json").stdout).items():
        found[labels[label].rpartition(" ")[0]] += strings(output["value"])
    return found


def is_in(text: str, places: list[str]) -> bool:
    """Whether all of some strings have a text as it was written, or as JSON writes it."""
    return all(text in each or json.dumps(text, ensure_ascii=False)[1:-1] in each for each in places)


def test_every_text_is_literal_to_terraform(tmp_path: Path) -> None:
    # GIVEN each construct with a text that is full of Terraform's signs, in one field at a time
    templates = {str(case.id): built(*case.values) for case in CASES}
    # WHEN Terraform evaluates what is made
    found = evaluated(tmp_path, templates)
    for case in CASES:
        # THEN the text is there as it was written, or encoded
        text = case.values[2]
        encoded = b64encode(text.encode()).decode() in templates[str(case.id)].text()
        assert found[str(case.id)] or encoded, case.id
        assert is_in(text, found[str(case.id)]), (case.id, found[str(case.id)])


def test_every_text_of_a_project_is_literal_to_terraform(tmp_path: Path) -> None:
    # GIVEN a project with such texts in a service's file and in a stage's
    plain, path, arn, channel = (text.replace('"', "'") for text in TEXTS[:4])
    job = {
        "command": [plain],
        "schedule": "@daily",
        "description": plain,
        "parameters": {"a": plain},
        "environment": {"A": plain},
        "permissions": [{"actions": ["s3:GetObject"], "resources": [arn]}],
        "volumes": {"data": {"host_path": path}},
        "mounts": [{"volume": "data", "path": path}],
        "tmpfs": {f"/tmpfs{path}": 8},
        "devices": [{"host_path": path}],
        "log": {"multiline_pattern": plain, "options": {"tag": plain}},
        "containers": {"beside": {"command": [plain], "environment": {"A": plain}, "vcpus": 1, "memory_mib": 64}},
        "alerts": {"channel": channel},
    }
    stage = yaml.safe_load((PROJECT / "config" / "example.yaml").read_text(encoding="utf-8"))
    stage["alerts"] |= {"channel": channel, "quiet": True}
    for name, content in (
        ("config/prod.yaml", stage),
        ("jobs/texts/jobs.yaml", {"service": "texts", "jobs": {"all": job}}),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    # WHEN it is synthesized, and Terraform evaluates it
    app.synthesize(load("prod", tmp_path), outdir=str(tmp_path / "out"))
    stacks = {
        file.parent.name: Template(json.loads(file.read_text(encoding="utf-8")))
        for file in tmp_path.glob("out/stacks/*/cdk.tf.json")
    }
    found = evaluated(tmp_path, stacks)
    # THEN each of them is there as it was written
    everything = json.dumps(found, ensure_ascii=False)
    assert found["environment"]
    assert is_in(channel, found["environment"])
    assert found["jobs-texts"]
    signs = re.escape(_SIGNS.removeprefix("{MARK}"))
    assert not re.search(f"MARK(?!{signs})", everything)


def test_there_are_such_fields_in_every_table() -> None:
    # GIVEN the tables THEN the walk finds what is known to take free text
    found = {f"{case.values[0].__name__} {'.'.join(case.values[1])}" for case in CASES}
    assert {
        *(
            "JobArguments command.*",
            "JobArguments tags.value",
            "JobArguments description",
            "JobArguments parameters.value",
        ),
        *(
            "JobArguments permissions.*.resources.*",
            "JobArguments containers.value.command.*",
            "AlertArguments channel",
        ),
        *("AlertArguments routes.value.channel", "EnvironmentArguments tags.key", "EnvironmentArguments user_data"),
        *("RunsArguments tags.value", "RepositoryArguments tags.value", "JobArguments volumes.value.host_path"),
    } <= found
    assert len(found) >= 45


def test_the_tags_of_a_stage_are_literal() -> None:
    # GIVEN a stage's tag
    def build(stack: Any) -> None:
        stage = Stage("prod", "batchtab-prod", "ap-northeast-2", "123456789012", "bucket", {"formula": "${x} %{y}"})
        found.append(StageStack(stack.node.root, "one", stage))

    found: list[StageStack] = []
    in_python(build)
    # THEN the provider's is the same text
    provider = found[0].to_terraform()["provider"]["aws"][0]
    assert provider["default_tags"][0]["tags"]["formula"] == "$${x} %%{y}"
