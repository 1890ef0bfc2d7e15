"""CloudFormation templates of AWS Batch: the original system's, each field, real ones, and files that are none."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.unit.importers import sources

from batchtab.declarations.job import JobSpec
from batchtab.errors import UsageError
from batchtab.importers import checked, importing, source_file
from batchtab.importers.findings import Fate
from batchtab.importers.importing import Result
from batchtab.importers.kinds import cloudformation
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "importers" / "cloudformation"
EXPORTS = str(FIXTURES / "exports.json")
_PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/token"
_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"


def imported(*names: str, settings: dict[str, str] | None = None, **options: Any) -> Result:
    """Fixtures' import."""
    files = [source_file.read(FIXTURES / name) for name in names]
    return run(files, Options(settings=settings or {}, **options))


def run(files: Sequence[SourceFile], options: Options) -> Result:
    return importing.run(
        "cloudformation", files, options, since=sources.SINCE, years=1, is_proven=True, command="batchtab import"
    )


def one(definition: str, rule: str = "", **options: Any) -> tuple[dict[str, Any], Result]:
    """The settings of one job, of a definition's properties and a rule's in YAML, on EC2."""
    text = f"""Resources:
  Job:
    Type: AWS::Batch::JobDefinition
    Properties:
      JobDefinitionName: job
      Timeout: {{AttemptDurationSeconds: 60}}
      {definition}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: rule
      ScheduleExpression: rate(1 hour)
      Targets:
        - Id: t
          Arn: arn:aws:batch:eu-west-1:123456789012:job-queue/default
          RoleArn: arn:aws:iam::123456789012:role/events
          BatchParameters: {{JobDefinition: job, JobName: job}}
          {rule}
"""
    result = sources.imported("cloudformation", text, **options)
    assert [job.name for job in result.imported.jobs] == ["job"]
    return result.imported.jobs[0].settings, result


def container(more: str = "") -> str:
    return f"ContainerProperties: {{Image: busybox, Command: [run], Vcpus: 1, Memory: 512{', ' if more else ''}{more}}}"


def found(result: Result, field: str) -> tuple[Fate, str, bool]:
    """What a field's findings say: result, note, and whether a person has to decide."""
    (finding,) = [each for each in result.imported.findings if each.field == field]
    return finding.fate, finding.note, bool(finding.todo)


# --- the original system


def test_the_original_templates_come_to_the_jobs_of_this_project() -> None:
    # GIVEN the environment's and the service's templates, and the exports of their account
    result = imported("my-service.yaml", "environment.yaml", service="my-service", settings={"exports": EXPORTS})
    # WHEN both are loaded
    ours = checked.load(
        (ROOT / "tests" / "fixtures" / "project" / "jobs" / "my-service" / "jobs.yaml").read_text(encoding="utf-8")
    )
    theirs = checked.load(result.jobs_text)
    # THEN they differ in what was stricter in the project than in the templates, and in nothing else
    permitted = {
        # Batch's default is a writable root, which a program may need: an import keeps it. This project chose true.
        "read_only_root_filesystem": (True, False),
    }
    assert theirs.keys() == ours.keys()
    for name, job in theirs.items():
        for field in JobSpec.model_fields:
            pair = (getattr(ours[name], field), getattr(job, field))
            assert pair[0] == pair[1] or permitted.get(field) == pair, (name, field, pair)
    # AND both start at the same times, by an independent engine, and nobody has to decide anything
    assert len(result.proven) == 2
    assert all(each.is_equal and each.times > 300 for each in result.proven)
    assert not result.needs_person


def test_without_exports_the_other_template_says_what_it_exports() -> None:
    result = imported("my-service.yaml", "environment.yaml", service="my-service")
    jobs = checked.load(result.jobs_text)
    assert {name: job.queue for name, job in jobs.items()} == {"do-something": "default", "do-often": "continuously"}
    # Account and region are known nowhere, and a short image needs none.
    assert str(jobs["do-often"].image) == "my-service:latest"
    assert not result.imported.files
    assert found(result, "import.tf")[2] is False
    # AND with them it writes the files
    settings = {"account": "123456789012", "region": "ap-northeast-2"}
    with_place = imported("my-service.yaml", "environment.yaml", service="my-service", settings=settings)
    assert sorted(with_place.imported.files) == ["import.tf", "main.tf"]


def test_names_and_revisions_that_cloudformation_made_come_from_its_list(tmp_path: Path) -> None:
    # GIVEN a template without names
    source = (FIXTURES / "my-service.yaml").read_text(encoding="utf-8")
    text = re.sub(r"\n +(JobDefinitionName|Name|RoleName): my-service.*", "", source)
    arn = "arn:aws:batch:ap-northeast-2:123456789012:job-definition/DoSomething-1a2b3c"
    listed = {
        "DoSomethingJob": f"{arn}:7",
        "DoSomethingRule": "my-service-DoSomethingRule-XYZ",
        "DoOftenJob": "arn:aws:batch:ap-northeast-2:123456789012:job-definition/DoOften-4d5e6f:2",
        "DoOftenRule": "my-service-DoOftenRule-ABC",
        "JobRole": "my-service-JobRole-UVW",
        "Repository": "my-service",
    }
    content = [{"LogicalResourceId": key, "PhysicalResourceId": value} for key, value in listed.items()]
    (tmp_path / "resources.json").write_text(json.dumps({"StackResourceSummaries": content}))
    file = SourceFile(Path("my-service.yaml"), text)
    # WHEN it is imported without the list THEN no file is written, and the report says what to look up
    without = run([file], Options("my-service", settings={"exports": EXPORTS}))
    assert not without.imported.files
    assert "list-stack-resources" in found(without, "import.tf")[1]
    # AND with the list names and revisions are right, and a rule of another name stays beside the module
    settings = {"exports": EXPORTS, "resources": str(tmp_path / "resources.json")}
    files = run([file], Options("my-service", settings=settings)).imported.files
    assert f'id = "{arn}:7"' in files["import.tf"]
    assert 'to = aws_iam_role.job\n  id = "my-service-JobRole-UVW"' in files["import.tf"]
    assert 'id = "my-service-DoOftenRule-ABC/do-often"' in files["import.tf"]
    assert 'resource "aws_cloudwatch_event_rule" "my-service-DoOftenRule-ABC"' in files["main.tf"]
    assert 'job_definition = module.job["do-often"].job_definition_name' in files["main.tf"]


# --- single fields


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("ReadonlyRootFilesystem: true", {"read_only_root_filesystem": True}),
        ("", {"read_only_root_filesystem": False, "vcpus": 1.0, "memory_mib": 512}),
        ("Privileged: true, User: nobody", {"privileged": True, "user": "nobody"}),
        (
            "ResourceRequirements: [{Type: GPU, Value: '2'}, {Type: MEMORY, Value: 1024}]",
            {"gpus": 2, "memory_mib": 1024},
        ),
        ("Environment: [{Name: A, Value: 1}, {Name: B, Value: true}]", {"environment": {"A": "1", "B": "true"}}),
        ("Secrets: [{Name: T, ValueFrom: token}]", {"secrets": {"T": "ssm:token"}}),
        ("Secrets: [{Name: T, ValueFrom: /team/token}]", {"secrets": {"T": "/team/token"}}),
        (
            "Environment: [{Name: T, Value: '{{resolve:ssm:/team/token:3}}'}]",
            {"secrets": {"T": "/team/token"}},
        ),
        ("LinuxParameters: {Tmpfs: [{ContainerPath: /t, Size: 64}]}", {"tmpfs": {"/t": 64}}),
        (
            "LogConfiguration: {LogDriver: fluentd, Options: {tag: x}}",
            {"log": {"driver": "fluentd", "options": {"tag": "x"}}},
        ),
        ("JobRoleArn: 'arn:aws:iam::123456789012:role/r'", {"job_role_arn": "arn:aws:iam::123456789012:role/r"}),
    ],
)
def test_a_containers_fields(more: str, expected: dict[str, Any]) -> None:
    settings, _ = one(container(more))
    assert {key: settings.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("value", "expected", "asks"),
    [
        ("{{resolve:ssm:/team/token}}", "/team/token", ""),
        ("{{resolve:ssm-secure:token:12}}", "ssm:token", "--name token:12 "),
        ("{{resolve:ssm:arn:aws:ssm:eu-west-1:123456789012:parameter/team/token:3}}", _PARAMETER, f"{_PARAMETER}:3 "),
        ("{{resolve:secretsmanager:db:SecretString:pw}}", "secretsmanager:db:pw::", ""),
        ("{{resolve:secretsmanager:db::::}}", "secretsmanager:db", ""),
        ("{{resolve:secretsmanager:db:SecretString:pw:AWSPREVIOUS}}", "secretsmanager:db:pw:AWSPREVIOUS:", ""),
        ("{{resolve:secretsmanager:db:SecretString:::v-1}}", "secretsmanager:db:::v-1", ""),
        (f"{{{{resolve:secretsmanager:{_SECRET}:SecretString:pw}}}}", f"{_SECRET}:pw::", ""),
    ],
)
def test_a_dynamic_reference_keeps_its_version_or_asks(value: str, expected: str, asks: str) -> None:
    settings, result = one(container(f"Environment: [{{Name: T, Value: '{value}'}}]"))
    assert settings["secrets"] == {"T": expected}
    (found,) = [each for each in result.imported.findings if each.field.endswith("nvironment.T")]
    assert (asks in found.todo) if asks else not found.todo


def test_a_reference_within_a_text_is_asked_for() -> None:
    environment = "Environment: [{Name: T, Value: 'x-{{resolve:ssm:/team/token}}'}, {Name: U, Value: !Sub"
    settings, result = one(container(f"{environment} '{{{{resolve:ssm:/${{Unknown}}/token}}}}'}}]"))
    assert not {"environment", "secrets"} & settings.keys()
    assert {each.field[-1] for each in result.imported.findings.decisions()} >= {"T", "U"}
    settings, result = one(container().replace("[run]", "[run, '{{resolve:ssm:/team/token}}']"))
    assert any("nothing replaces" in each.note and each.todo for each in result.imported.findings)


def test_failures_that_no_rule_names_are_retried_as_before() -> None:
    rules = "EvaluateOnExit: [{Action: exit, OnExitCode: '3'}]"
    settings, result = one(f"RetryStrategy: {{Attempts: 4, {rules}}}\n      {container()}")
    assert settings["evaluate_on_exit"] == [
        {"action": "EXIT", "on_exit_code": "3"},
        {"action": "RETRY", "on_reason": "*"},
    ]
    # AND five rules leave no room for it
    five = ", ".join(f"{{Action: EXIT, OnExitCode: '{code}'}}" for code in range(5))
    settings, result = one(f"RetryStrategy: {{Attempts: 4, EvaluateOnExit: [{five}]}}\n      {container()}")
    assert len(settings["evaluate_on_exit"]) == 5
    assert result.needs_person
    # AND with one attempt rules have no effect
    settings, _ = one(f"RetryStrategy: {{Attempts: 1, {rules}}}\n      {container()}")
    assert "evaluate_on_exit" not in settings


def test_what_a_trigger_says_is_in_place_of_the_definition() -> None:
    asked = {
        "ContainerOverrides": {
            "Command": ["run", "--all"],
            "Environment": [{"Name": "B", "Value": "2"}],
            "ResourceRequirements": [{"Type": "MEMORY", "Value": "2048"}],
        },
        "Timeout": {"AttemptDurationSeconds": 120},
    }
    settings, _ = one(container("Environment: [{Name: A, Value: 1}]"), f"Input: '{json.dumps(asked)}'")
    assert settings["command"] == ["run", "--all"]
    assert settings["environment"] == {"A": "1", "B": "2"}
    assert (settings["memory_mib"], settings["timeout_seconds"]) == (2048, 120)


def test_a_secret_reaches_no_file() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    more = f"Environment: [{{Name: AWS_SECRET_ACCESS_KEY, Value: {secret}}}]"
    asked = json.dumps({"ContainerOverrides": {"Environment": [{"Name": "API_PASSWORD", "Value": secret}]}})
    _, result = one(container(more), f"Input: '{asked}'", settings={"account": "123456789012", "region": "eu-west-1"})
    texts = (result.jobs_text, result.report_text, result.proof_text, *result.imported.files.values())
    assert result.needs_person
    assert not [text for text in texts if secret in text]


def test_a_disabled_rule_is_suspended_and_proved() -> None:
    settings, result = one(container(), "\n      State: DISABLED")
    assert settings["suspend"] is True
    assert len(result.proven) == 1


def role(action: str, resource: str) -> str:
    """A role whose policy allows an action."""
    return f"""
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      AssumeRolePolicyDocument: {{}}
      Policies:
        - PolicyName: p
          PolicyDocument: {{Statement: [{{Effect: Allow, Action: "{action}", Resource: {resource}}}]}}"""


def test_a_role_of_the_template_gives_its_permissions() -> None:
    definition = container("JobRoleArn: !GetAtt Role.Arn")
    known, _ = one(definition, role("S3:GetObject", '"arn:aws:s3:::b/*"'), region="eu-west-1", is_fargate=False)
    assert known["permissions"] == [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/*"]}]
    # AND a bucket that only AWS knows keeps the role, if its ARN is known, or asks
    unknown, result = one(definition, role("S3:GetObject", "!GetAtt Bucket.Arn"))
    assert "permissions" not in unknown
    assert found(result, "Job.ContainerProperties.JobRoleArn")[2] is True


def test_a_permission_about_a_secret_of_the_template_ends_as_its_arn_does() -> None:
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html: six characters more
    secret = "\n  Token: {Type: AWS::SecretsManager::Secret, Properties: {Name: shop/db-secret}}"
    more = secret + role("secretsmanager:GetSecretValue", "!Ref Token")
    definition = container("JobRoleArn: !GetAtt Role.Arn")
    settings, _ = one(definition, more, region="eu-west-1", account="123456789012", is_fargate=False)
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-secret-??????"
    assert settings["permissions"] == [{"actions": ["secretsmanager:GetSecretValue"], "resources": [arn]}]


def test_a_stage_on_fargate_gets_sizes_of_fargate() -> None:
    settings, result = one(container(), region="eu-west-1", account="123456789012", is_fargate=True)
    assert (settings["vcpus"], settings["memory_mib"]) == (1, 2048)
    assert result.needs_person


# --- drop one field after another


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rich-container.yaml", "rich-task.json"])
def test_no_field_is_without_effect(name: str) -> None:
    text = (FIXTURES / name).read_text(encoding="utf-8")
    is_json = name.endswith(".json")
    document = json.loads(text) if is_json else YAML(typ="rt").load(text)
    whole = sources.outcome(sources.imported("cloudformation", _dumped(document, is_json), name, years=1))
    without = []
    for path, changed in sources.without_one(document):
        try:
            result = sources.imported("cloudformation", _dumped(changed, is_json), name, years=1)
        except UsageError:
            continue
        if sources.outcome(result) == whole:
            without.append(path)
    assert not without


@pytest.mark.slow
def test_a_value_of_another_kind_is_no_traceback() -> None:
    wrong = itertools.cycle([5, ["x"], {"Ref": "Nothing"}, None])
    document = json.loads((FIXTURES / "rich-task.json").read_text(encoding="utf-8"))
    for path, changed in _each_path(document):
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = next(wrong)
        with contextlib.suppress(UsageError):
            sources.imported("cloudformation", json.dumps(changed), "rich.json", years=1)


def _each_path(value: Any, path: tuple[Any, ...] = (), whole: Any = None) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each path of a document, with a copy of it to change."""
    whole = value if whole is None else whole
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key), copy.deepcopy(whole)
        yield from _each_path(each, (*path, key), whole)


def _dumped(document: Any, is_json: bool) -> str:
    if is_json:
        return json.dumps(document)
    out = io.StringIO()
    YAML(typ="rt").dump(document, out)
    return out.getvalue()


# --- real sources

#: File: names of jobs, whether a person has to decide, and key settings of the first job.
REAL: dict[str, tuple[list[str], bool, dict[str, Any]]] = {
    "01-pattern-rate.yaml": (["my-job"], True, {"schedule": "rate(1 minute)", "attempts": 2, "memory_mib": 2000}),
    "02-upload-event.yaml": (["echo"], True, {"queue": "default", "vcpus": 2.0}),
    "03-cdk-event-target.json": (["rule"], True, {"queue": "my-queue", "starting_deadline_seconds": 7200}),
    "04-cdk-fargate.json": (["foofoo"], True, {"architecture": "arm64", "ephemeral_storage_gib": 100, "attempts": 5}),
    "05-scheduler-rate.yaml": (["scheduled-job"], False, {"schedule": "rate(5 minutes)", "queue": "Scheduler-Queue"}),
    "06-scheduler-share.yaml": (
        ["vol-prod-reports"],
        False,
        {"timezone": "America/New_York", "share": "volapp", "priority": 1, "vcpus": 0.5},
    ),
    "07-scheduler-overrides.yaml": (
        ["triage-score-jails", "triage-score-schools"],
        False,
        {"command": ["triage", "score", "17"], "environment": {"DB": "jails"}},
    ),
    "08-imports.yaml": (["sync"], True, {"suspend": True, "schedule": "cron(0 20 * * ? *)"}),
    "09-aws-sample.json": (["job-definition"], True, {"vcpus": 2.0, "memory_mib": 2000}),
    "10-multi-node.yaml": (["train"], True, {"nodes": 4, "gpus": 8}),
    "11-eks.yaml": (["container"], True, {"command": ["sleep", "60"]}),
    "12-tenants.yaml": (
        ["radio-congress", "radio-general"],
        True,
        {"parameters": {"tenant": "congress"}, "suspend": True},
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_source(name: str) -> None:
    jobs, needs_person, settings = REAL[name]
    result = imported(name)
    assert [job.name for job in result.imported.jobs] == jobs
    assert result.needs_person is needs_person
    first = result.imported.jobs[0].settings
    assert {key: first.get(key) for key in settings} == settings
    # AND what it starts, it starts at the same times
    assert all(each.is_equal for each in result.proven)


# --- files that are none


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a template"),
        ("- 1", "is not a template"),
        ("Resources: [1]", "is not a template"),
        ("Resources: {}", "has no AWS::Batch::JobDefinition"),
        ("Resources: {A: {Type: 'AWS::SQS::Queue'}}", "has no AWS::Batch::JobDefinition"),
        ("Resources: {A: 1, A: 2}", "is not YAML"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_file_that_is_none(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)) as raised:
        sources.imported("cloudformation", text)
    assert "\n" not in str(raised.value)


BASE = "Resources: {J: {Type: 'AWS::Batch::JobDefinition', Properties: {Type: container, ContainerProperties: %s}}}"


@pytest.mark.parametrize(
    "properties",
    [
        "!!python/object/apply:os.system ['touch /tmp/never']",
        "{Image: busybox, Command: [a], Vcpus: 1e99, Memory: 99999999999999999999999}",
        "{Image: {Ref: X}, Command: {Ref: X}, Environment: {Ref: X}, Volumes: 7}",
        "{Image: busybox, Command: [" + "[" * 60 + "]" * 60 + "]}",
        "{Image: 'büsybox', Command: ['\\u202e', 日本], Vcpus: 1, Memory: 128}",
        "{Image: busybox, Command: !Select [99, [a]], Vcpus: !Sub '${', Memory: !FindInMap [A, B, C]}",
    ],
)
def test_a_strange_template_is_no_traceback(properties: str) -> None:
    try:
        sources.imported("cloudformation", BASE % properties)
    except UsageError as error:
        lines = str(error).splitlines()
        assert len(lines) == 1, lines


def test_templates_that_grow_without_end_are_refused() -> None:
    # GIVEN aliases that double in each line
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    bomb = "\n".join([*lines, BASE % "{Image: busybox, Command: *a39, Vcpus: 1, Memory: 128}"])
    with pytest.raises(UsageError, match="repeat too much"):
        sources.imported("cloudformation", bomb)
    # AND conditions that need each other
    circle = "Conditions: {A: !Condition B, B: !Condition A}\n" + BASE.replace("Type: container", "Type: !If [A, b, c]")
    with pytest.raises(UsageError, match="nested too deeply"):
        sources.imported("cloudformation", circle % "{Image: busybox, Command: [a], Vcpus: 1, Memory: 128}")


@pytest.mark.parametrize("content", ["no JSON", "[1]", '{"Exports": 1}', '{"Exports": [{"Name": {}}], "x": []}'])
def test_a_file_of_exports_that_is_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "exports.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"--set exports="):
        imported("my-service.yaml", settings={"exports": str(path)})


# --- what is read once, and by its own template


def own_roles(count: int, condition: str = "a", name: str = "job") -> str:
    """Definitions with a named role each, and a policy that is a resource of its own, as JSON."""
    resources: dict[str, Any] = {}
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::in/*"}
    for index in range(count):
        role = {"Fn::GetAtt": [f"R{index}", "Arn"]}
        box = {"Image": "busybox", "Command": ["run"], "Vcpus": 1, "Memory": 512, "JobRoleArn": role}
        properties = {"JobDefinitionName": f"{name}-{index}", "Type": "container", "ContainerProperties": box}
        policy = {"Roles": [{"Ref": f"R{index}"}], "PolicyDocument": {"Statement": statement}}
        named = {"RoleName": {"Fn::Sub": f"r{index}-${{AWS::Region}}"}}
        resources[f"J{index}"] = {"Type": "AWS::Batch::JobDefinition", "Condition": "C", "Properties": properties}
        resources[f"R{index}"] = {"Type": "AWS::IAM::Role", "Properties": named}
        resources[f"P{index}"] = {"Type": "AWS::IAM::Policy", "Properties": policy}
    return json.dumps({"Conditions": {"C": {"Fn::Equals": ["a", condition]}}, "Resources": resources})


def test_two_hundred_definitions_with_roles_and_policies_are_read() -> None:
    file = SourceFile(Path("t.json"), own_roles(200))
    read = cloudformation.read([file], Options(account="123456789012", region="eu-west-1"))
    assert len([job for job in read.jobs if job.settings["permissions"]]) == 200


def test_two_templates_with_one_file_name_have_conditions_and_resources_of_their_own() -> None:
    files = [SourceFile(Path(f"{each}/t.json"), own_roles(1, each, f"of-{each}")) for each in "ab"]
    result = cloudformation.read(files, Options())
    assert [job.name for job in result.jobs] == ["of-a-0"]
    # AND the definition of the second one, which its stack does not have, is in the report
    assert [each.note for each in result.findings if each.field == "Resources.J0.Type"] == [
        "the jobs, and what starts them",
        "condition C is not met, so that the stack does not have it",
    ]


def test_a_logical_id_that_is_a_number_names_its_resource() -> None:
    text = own_roles(1).replace('"J0": ', "1: ")
    assert [job.name for job in cloudformation.read([SourceFile(Path("t.yaml"), text)], Options()).jobs] == ["job-0"]
