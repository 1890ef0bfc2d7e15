"""What a report calls carried is in jobs.yaml, in the field that it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.importers.sources import SINCE, imported, jobs

from batchtab.declarations.job import JobSpec
from batchtab.importers import importing
from batchtab.importers.findings import Fate, Finding
from batchtab.importers.importing import Result
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, read

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "importers"
#: Files of one source have the same number.
SOURCES = sorted(
    {(path.parent.name, path.name.partition("-")[0]) for path in FIXTURES.glob("*/[0-9]*")}
    | {("cloudformation", "rich"), ("cloudformation", "my")}
)
REFUSED = {("copilot", "12"), ("crontab", "11"), ("github-actions", "08")}
FIELDS = {name.removesuffix("_") for name in JobSpec.model_fields}
_PATH = re.compile(r"([a-z_]+)(?:\.[^\s:,]+)?(?=$|[:,])")
#: What jobs.yaml says by leaving the field out: the values of the sources for it.
BY_DEFAULT = {
    "architecture": {'["x86_64"]', "X86_64"},
    "assign_public_ip": {"DISABLED", "false"},
    "concurrency_policy": {"Allow"},
    "essential": {"false"},
    "exec": {"false"},
    "flexible_window_minutes": {"OFF"},
    "iam": {"true", "ENABLED"},
    "log.driver": {"awslogs"},
    "platform_version": {"LATEST"},
    "privileged": {"false"},
    "read_only": {"false"},
    "read_only_root_filesystem": {"true"},
    "root_directory": {"/"},
    "suspend": {"ENABLED", "true", "false"},
    "timezone": {"UTC"},
}


def in_jobs_yaml(value: Any, path: str) -> bool:
    """Whether a value has what a dotted path names, in any item of a list; names may have dots."""
    if not path:
        return True
    if isinstance(value, list):
        return any(in_jobs_yaml(each, path) for each in value)
    names = path.split(".")
    heads = [".".join(names[:count]) for count in range(1, len(names) + 1)] if isinstance(value, dict) else []
    return any(head in value and in_jobs_yaml(value[head], path[len(head) + 1 :]) for head in heads)


def is_true(finding: Finding, job: dict[str, Any]) -> bool:
    path = _PATH.match(finding.note)
    if path is None or path[1] not in FIELDS:  # another reason, in words
        return True
    said = BY_DEFAULT.get(path[0]) or BY_DEFAULT.get(path[0].rpartition(".")[2], set())
    return in_jobs_yaml(job, path[0]) or finding.shown in said


def untrue(result: Result) -> list[str]:
    document = yaml.safe_load(result.jobs_text)
    shared = {**document.get("defaults", {}), **({"image": document["image"]} if "image" in document else {})}
    found = {name: {**shared, **job} for name, job in document["jobs"].items()}
    carried = [each for each in result.imported.findings if each.fate is Fate.CARRIED and each.job]
    return [f"{each.field}: {each.shown}: {each.note}" for each in carried if not is_true(each, found[each.job])]


@pytest.mark.parametrize(("kind", "number"), [each for each in SOURCES if each not in REFUSED])
def test_what_is_carried_is_there(kind: str, number: str) -> None:
    for files in _sources(kind, number):
        result = importing.run(kind, files, Options(), since=SINCE, years=1, is_proven=False, command="batchtab")
        assert untrue(result) == []


def _sources(kind: str, number: str) -> list[list[SourceFile]]:
    """Files that are imported together; each alone, where each is a source."""
    files = [read(path) for path in sorted((FIXTURES / kind).glob(f"{number}-*"))]
    return [files] if number.isdigit() else [[each] for each in files]


def test_a_field_that_is_refused_is_not_carried_too() -> None:
    # GIVEN a schedule that jobs.yaml refuses, because it never starts the job
    source = (FIXTURES / "ecs" / "07-terraform-scheduler.json").read_text(encoding="utf-8")
    result = imported("ecs", source, "source.json", years=1)
    # THEN nothing of the schedule is called carried
    assert "schedule" not in jobs(result)["universal"]
    noted = {each.note: each.fate for each in result.imported.findings.of_job("universal")}
    assert {"schedule", "timezone"} & noted.keys() == set()
    assert any(note.startswith("jobs.yaml refuses it") for note in noted)


def test_a_job_that_is_refused_carries_nothing() -> None:
    source = (FIXTURES / "cloudformation" / "10-multi-node.yaml").read_text(encoding="utf-8")
    result = imported("cloudformation", source, years=1)
    assert "mixed" not in jobs(result)
    assert {each.fate for each in result.imported.findings.of_job("mixed")} == {Fate.NOT_CARRIED}


def definition(properties: str, *rules: str) -> Result:
    """A job definition of a template, and rules that start it, on EC2."""
    own = f"{{JobDefinitionName: job, {properties}}}"
    text = f"Resources:\n  Job: {{Type: AWS::Batch::JobDefinition, Properties: {own}}}\n"
    for number, rule in enumerate(rules):
        target = (
            "{Id: t, Arn: 'arn:aws:batch:eu-west-1:123456789012:job-queue/q',"
            " RoleArn: 'arn:aws:iam::123456789012:role/r',"
            f" BatchParameters: {{JobDefinition: job, JobName: n{number}}}{rule}}}"
        )
        text += (
            f"  Rule{number}: {{Type: AWS::Events::Rule, Properties: {{Name: r{number},"
            f" ScheduleExpression: rate(1 hour), Targets: [{target}]}}}}\n"
        )
    return imported("cloudformation", text, is_fargate=False)


CONTAINER = "ContainerProperties: {Image: busybox, Command: [a], Vcpus: 1, Memory: 512}"


def fates(result: Result, job: str, to: str) -> list[Fate]:
    """The results of all that was recorded for a field."""
    return [each.fate for each in result.imported.findings.of_job(job) if each.to == to]


def test_names_with_dots_and_colons_are_their_own() -> None:
    tags = "Tags: {cost: a, 'cost:center': b, 'cost.x': c}, PropagateTags: true"
    result = definition(f"{CONTAINER}, {tags}", """, Input: '{"Tags": {"cost": "z"}}'""")
    assert jobs(result)["n0"]["tags"] == {"cost": "z", "cost:center": "b", "cost.x": "c"}
    assert [*map(str, (fates(result, "n0", f"tags.{name}") for name in ("cost:center", "cost.x")))] == [
        str([Fate.CARRIED])
    ] * 2


def test_each_job_of_a_definition_has_its_own_findings() -> None:
    result = definition(CONTAINER, """, Input: '{"ContainerOverrides": {"Command": ["b"]}}'""", "")
    assert [job["command"] for job in jobs(result).values()] == [["b"], ["a"]]
    shown = {
        (each.job, each.shown)
        for each in result.imported.findings
        if each.to == "command" and each.fate is not Fate.NOT_CARRIED
    }
    assert shown == {("n0", '["b"]'), ("n1", '["a"]')}


def test_a_decision_about_what_was_replaced_is_none() -> None:
    open_ = "ContainerProperties: {Image: busybox, Command: [a, !Ref Open], Vcpus: 1, Memory: 512}"
    result = definition(open_, """, Input: '{"ContainerOverrides": {"Command": ["b"]}}'""")
    assert "command" not in {each.to for each in result.imported.findings.decisions()}


def test_rules_of_retries_without_known_attempts_are_asked_for() -> None:
    rules = "RetryStrategy: {Attempts: !Ref Open, EvaluateOnExit: [{OnExitCode: '7', Action: RETRY}]}"
    decisions = definition(f"{CONTAINER}, {rules}", "").imported.findings.decisions()
    assert "write attempts, and evaluate_on_exit with these rules" in {each.todo for each in decisions}


def test_a_field_that_is_taken_out_whole_is_carried_in_no_part() -> None:
    rules = (
        "RetryStrategy: {Attempts: 3, EvaluateOnExit: [{OnExitCode: abc, Action: RETRY}, {OnReason: x, Action: EXIT}]}"
    )
    result = definition(f"{CONTAINER}, {rules}", "")
    assert "evaluate_on_exit" not in jobs(result)["n0"]
    assert not any(each.to.startswith("evaluate_on_exit") for each in result.imported.findings)


def test_a_value_that_all_jobs_share_and_jobs_yaml_refuses_is_carried_in_none() -> None:
    result = definition(f"{CONTAINER}, Timeout: {{AttemptDurationSeconds: 10}}", "", "")
    assert not any("timeout_seconds" in job for job in jobs(result).values())
    assert not any(each.to == "timeout_seconds" for each in result.imported.findings)


def test_a_volume_that_is_not_carried_has_no_part_that_is() -> None:
    source = """
name: report
type: Scheduled Job
image: {location: public.ecr.aws/docker/library/busybox:1}
on: {schedule: "@daily"}
command: [report]
storage:
  volumes:
    own: {path: /data, efs: {uid: 1000, gid: 1000, root_dir: /exports, auth: {iam: true}}}
"""
    result = imported("copilot", source)
    assert "volumes" not in jobs(result)["report"]
    found = {each.field: each.fate for each in result.imported.findings if "volumes.own" in each.field}
    assert set(found.values()) == {Fate.NOT_CARRIED}, found


RULE_OF_TASK = """
  Rule:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 hour)
      Targets:
        - Id: t
          Arn: arn:aws:ecs:eu-west-1:123456789012:cluster/c
          RoleArn: arn:aws:iam::123456789012:role/r
          EcsParameters: {TaskDefinitionArn: !Ref Task}
"""


def test_a_size_that_is_made_up_corrects_no_other_containers() -> None:
    # GIVEN two containers on EC2, of which the second has no size
    source = """
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: app, Image: a/b:1, Command: [run], Cpu: 1024, Memory: 512}
        - {Name: side, Image: a/c:1, Essential: false}
"""
    result = imported("ecs", source + RULE_OF_TASK, is_fargate=False)
    ((name, job),) = jobs(result).items()
    assert (job["vcpus"], job["memory_mib"]) == (1, 512)
    # THEN what is recorded of the first is what it has
    assert fates(result, name, "memory_mib") == [Fate.CARRIED]
    assert [each.note for each in result.imported.findings.of_job(name) if each.to == "vcpus"] == [
        "vcpus, of which ECS counts 1024 as one"
    ]


def test_a_secret_beside_what_is_open_is_in_no_file() -> None:
    source = """
Parameters: {Open: {Type: String}}
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Cpu: 256
      Memory: 512
      ContainerDefinitions:
        - Name: app
          Image: a/b:1
          Command: [run]
          Environment: [{Name: API_TOKEN, Value: !Sub ["${a}-${b}", {a: hunter2hunter2, b: !Ref Open}]}]
"""
    result = imported("ecs", source + RULE_OF_TASK)
    assert "hunter2" not in result.jobs_text + result.report_text
    assert any("API_TOKEN" in each.field for each in result.imported.findings.decisions())
