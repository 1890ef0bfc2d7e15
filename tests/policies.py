"""Every policy that Batchtab writes, as plain statements: of stages as they are synthesized, and of the modules.

Terraform itself reads the expressions: each resource becomes a value with the name and ARN that AWS would give it, so
no provider and no AWS is asked.

    for policy in policies():
        policy.source, policy.kind, policy.principal, policy.statements
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.constructs.template import Template, committed_module, in_python

from batchtab import app
from batchtab.constructs._terraform.expressions import hcl
from batchtab.constructs.ci_roles import CiRoles
from batchtab.declarations.catalog import load

ACCOUNT, REGION, NAMESPACE = "123456789012", "ap-northeast-2", "batchtab-prod"
BUCKET = "my-company-terraform-state"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/my-company-boundary"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/our-own-role"
#: What AWS's own policy of instances allows, of which a stage attaches the ARN.
INSTANCE_POLICY: list[dict[str, Any]] = [
    {
        "Effect": "Allow",
        "Action": [
            "ec2:DescribeTags",
            "ecs:CreateCluster",
            "ecs:DeregisterContainerInstance",
            "ecs:DiscoverPollEndpoint",
            "ecs:Poll",
            "ecs:RegisterContainerInstance",
            "ecs:StartTelemetrySession",
            "ecs:UpdateContainerInstancesState",
            "ecs:Submit*",
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetDownloadUrlForLayer",
            "ecr:BatchGetImage",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
        "Resource": "*",
    }
]
_STAGE = f"""
region: {REGION}
account_id: "{ACCOUNT}"
state: {{bucket: {BUCKET}}}
runner_image: {{repository: batchtab-runner, tag: "1.0.0"}}
repositories: [batchtab-runner]
secrets_kms_key_arns: ["{KEY}"]
"""
_STAGES = {
    "EC2": """
network: {create: true}
environment: {capacity: EC2, queues: {default: 5, second: 3}}
alerts: {quiet: true}
""",
    "Fargate": f"""
network: {{subnet_ids: [subnet-0a1b2c3d4e5f60718], security_group_ids: [sg-0123456789abcdef0]}}
environment: {{capacity: FARGATE}}
alerts: {{webhook_secret_arn: "arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/slack", webhook_kms_key_arn: "{KEY}"}}
permissions_boundary_arn: {BOUNDARY}
""",
}
_JOBS = """
service: billing
defaults: {vcpus: 1, memory_mib: 2048}
jobs:
  plain: {command: [x], schedule: rate(5 minutes)}
  alone: {command: [x], schedule: rate(1 hour), concurrency_policy: forbid}
  seoul: {command: [x], schedule: 0 9 * * 1-5, timezone: Asia/Seoul, except: ["2026-12-25"]}
  next:
    command: [x]
    after: plain
    secrets: {PASSWORD: /billing/password}
    permissions: [{actions: ["s3:GetObject"], resources: ["arn:aws:s3:::my-bucket/*"]}]
  files:
    command: [x]
    image: {repository: docker-hub/library/python, tag: "3.13"}
    registry_credentials: "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:registry-AbCdEf"
    exec: true
    read_only_root_filesystem: false
    managed_policy_arns: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    volumes:
      data: {efs_file_system_id: fs-0123456789abcdef0, access_point_id: fsap-0123456789abcdef0}
      input: {efs_file_system_id: fs-00000000}
    mounts: [{volume: data, path: /data}, {volume: input, path: /input, read_only: true}]
"""
_CI: dict[str, Any] = {
    "namespace": NAMESPACE,
    "stage": "prod",
    "github_repository": "my-company/jobs",
    "state_bucket": BUCKET,
    "region": "ap-northeast-2",
    "repository_names": ["batchtab-runner"],
    "repository_id": "456789",
    "owner_id": "123456",
}
#: Inputs of ci_roles beside those that it must have.
CI_ROLES: Mapping[str, dict[str, Any]] = {
    "": {"terraform_names_environments": False},
    "as HCL teams have it": {},
    "network": {"manages_network": True, "terraform_names_environments": False},
    "boundary": {"permissions_boundary_arn": BOUNDARY},
    "boundary made": {
        "make_permissions_boundary": True,
        "boundary_actions": ["rekognition:DetectLabels"],
        "terraform_names_environments": False,
    },
    "shared image": {"pulled_repository_names": ["shared-runner"], "terraform_names_environments": False},
    "shared image alone": {"repository_names": [], "pulled_repository_names": ["shared-runner"]},
    "own roles": {"passable_role_arns": [ROLE], "tags": {"team": "platform"}},
}
_QUEUE = f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{NAMESPACE}-default"
_DEAD = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAMESPACE}-trigger-dead-letter"
_FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAMESPACE}-submit-run"
_JOB = {
    "name": "billing-plain",
    "namespace": NAMESPACE,
    "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/billing:v1",
    "command": ["x"],
    "job_queue_arn": _QUEUE,
    "schedule": "rate(1 hour)",
}
_NETWORK = {"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]}
_ALERTS = {"namespace": NAMESPACE, "job_queue_arns": [_QUEUE]}
_RUNS = {"namespace": NAMESPACE, "job_queue_arns": [_QUEUE], "trigger_dead_letter_queue_arn": _DEAD}
_OPTIONAL = {"kms_key_arn": KEY, "permissions_boundary_arn": BOUNDARY}
#: Inputs of the other modules: with none of the optional ones, and with each that is in a policy.
MODULES: Mapping[str, tuple[dict[str, Any], ...]] = {
    "batch_environment": (
        {"namespace": NAMESPACE, **_NETWORK},
        {"namespace": NAMESPACE, **_NETWORK, **_OPTIONAL, "capacity": "FARGATE"},
    ),
    "job_alerts": (
        _ALERTS,
        {**_ALERTS, **_OPTIONAL, "webhook_secret_arn": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/slack"},
        {
            **{**_ALERTS, "quiet": True, "trigger_dead_letter_queue_arn": _DEAD},
            "webhook_secret_arn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:slack-a1b2c3",
            "webhook_kms_key_arn": KEY,
        },
    ),
    "job_runs": (_RUNS, {**_RUNS, **_OPTIONAL}),
    "scheduled_job": (
        _JOB,
        {**_JOB, "capacity": "FARGATE", "vcpus": 1, "memory_mib": 2048, "permissions_boundary_arn": BOUNDARY},
        {
            **{**_JOB, "timezone": "Asia/Seoul", "dead_letter_queue_arn": _DEAD, "schedule": "cron(0 9 ? * MON-FRI *)"},
            "secrets": {
                "A": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a",
                "B": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:b-a1b2c3",
            },
            "secrets_kms_key_arns": [KEY],
            "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::my-bucket/*"]}],
        },
        {**_JOB, "concurrency_policy": "queue", "submit_function_arn": _FUNCTION, "after": ["billing-first"]},
    ),
}


@dataclass(frozen=True)
class Policy:
    """A policy document.

    Attributes:
        source: What it was made of, such as `stage EC2` or `module ci_roles: boundary`.
        address: The resource in Terraform.
        kind: identity, trust, resource (of a queue) or boundary.
        principal: The role that has it; of a trust policy the role that is taken, of a resource policy the resource.
        statements: As AWS gets them.
    """

    source: str
    address: str
    kind: str
    principal: str
    statements: tuple[dict[str, Any], ...]


def policies() -> list[Policy]:
    """All policies of all doors.

    The Terraform program reads them; without one the test that asks is skipped.
    """
    return [*_of_stages(), *ci_roles(), *_of_modules()]


@cache
def ci_roles() -> tuple[Policy, ...]:
    """The policies of the workflows' roles by both doors, for each of `CI_ROLES`."""
    found: list[Policy] = []
    for what, inputs in CI_ROLES.items():
        by_python = in_python(lambda stack, more=inputs: CiRoles(stack, "Default", **{**_CI, **more}))  # type: ignore[misc]
        found += render(f"ci_roles: {what}", by_python, {})[0]
        found += render(f"module ci_roles: {what}", committed_module("ci_roles"), {**_CI, **inputs})[0]
    return tuple(found)


def of(principal: str, source: str, *kinds: str) -> list[dict[str, Any]]:
    """The statements that a role has, of one source."""
    mine = [p for p in policies() if p.source == source and p.principal == principal and p.kind in (kinds or IDENTITY)]
    assert mine, f"{principal} has no policy in {source}"
    return [statement for policy in mine for statement in policy.statements]


IDENTITY = ("identity",)


@cache
def _of_modules() -> tuple[Policy, ...]:
    return tuple(
        policy
        for name, variants in MODULES.items()
        for number, inputs in enumerate(variants)
        for policy in render(f"module {name}: {number}", committed_module(name), inputs)[0]
    )


@cache
def _of_stages() -> tuple[Policy, ...]:
    found: list[Policy] = []
    for what, settings in _STAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "config").mkdir()
            (root / "jobs" / "billing").mkdir(parents=True)
            (root / "config" / "prod.yaml").write_text(_STAGE + settings)
            (root / "jobs" / "billing" / "jobs.yaml").write_text(_JOBS)
            app.synthesize(load("prod", root), outdir=str(root / "out"))
            stacks = {
                path.parent.name: Template(json.loads(path.read_text()))
                for path in root.glob("out/stacks/*/cdk.tf.json")
            }
        outputs: dict[str, Any] = {}
        for stack in ("network", "environment", "jobs-billing"):
            if stack in stacks:
                more, outputs[stack] = render(f"stage {what}", stacks[stack], {}, outputs)
                found += more
    return tuple(found)


# --- Terraform reads a document in which resources are values

_REFERENCE = re.compile(r"(?<![\w.])(data\.)?aws_(\w+)\.(\w+)")
_OF_STATE = re.compile(r"data\.terraform_remote_state\.(\w+)\.outputs")
_NAMES = {"aws_lambda_function": "function_name", "aws_cloudwatch_metric_alarm": "alarm_name"}
_GLOBAL = f"arn:aws:iam::{ACCOUNT}:"
_ARNS = {
    "aws_batch_compute_environment": "batch:compute-environment/",
    "aws_batch_job_definition": "batch:job-definition/",
    "aws_batch_job_queue": "batch:job-queue/",
    "aws_cloudwatch_event_rule": "events:rule/",
    "aws_cloudwatch_log_group": "logs:log-group:",
    "aws_dynamodb_table": "dynamodb:table/",
    "aws_ecr_repository": "ecr:repository/",
    "aws_lambda_function": "lambda:function:",
    "aws_scheduler_schedule": "scheduler:schedule/",
    "aws_scheduler_schedule_group": "scheduler:schedule-group/",
    "aws_sqs_queue": "sqs:",
    "aws_iam_role": f"{_GLOBAL}role/",
    "aws_iam_policy": f"{_GLOBAL}policy/",
    "aws_iam_instance_profile": f"{_GLOBAL}instance-profile/",
    "aws_iam_openid_connect_provider": f"{_GLOBAL}oidc-provider/",
}
_DATA = {
    "data_aws_caller_identity__current": {"account_id": ACCOUNT, "id": ACCOUNT},
    "data_aws_partition__current": {"partition": "aws", "id": "aws"},
    "data_aws_region__current": {"id": REGION, "name": REGION, "region": REGION},
    "data_aws_availability_zones__available": {"names": [f"{REGION}a", f"{REGION}b"]},
}
_KINDS = {
    ("aws_iam_role", "assume_role_policy"): "trust",
    ("aws_iam_role_policy", "policy"): "identity",
    ("aws_iam_policy", "policy"): "identity",
    ("aws_sqs_queue", "policy"): "resource",
    ("aws_ecr_repository_policy", "policy"): "resource",
}


def render(
    source: str, template: Template, variables: Mapping[str, Any], states: Mapping[str, Any] | None = None
) -> tuple[list[Policy], dict[str, Any]]:
    """The policies of a document, and its outputs.

    Args:
        source: What the policies are said to be made of.
        template: The document.
        variables: Its inputs.
        states: Outputs of the stacks that it reads, by stack.
    """
    values: dict[str, Any] = {f"state_{stack.replace('-', '_')}": made for stack, made in (states or {}).items()}
    values |= {key: made for key, made in _DATA.items() if key in _referred(template)}
    wanted: dict[str, Any] = {}
    for type_, resources in template.content.get("resource", {}).items():
        for name, body in resources.items():
            values[f"{type_}__{name}"] = _each(body, _made(type_, body))
            for attribute in ("policy", "assume_role_policy", "policy_arn"):
                if attribute in body and (type_.startswith("aws_iam") or (type_, attribute) in _KINDS):
                    holder = body["role"] if "role" in body else _made(type_, body)["name"]
                    row = {"holder": holder, "text": body[attribute]}
                    wanted[f"{type_}.{name}.{attribute}"] = _each(body, row, always=True)
    content = {key: template.content[key] for key in ("variable",) if key in template.content}
    outputs = {name: body["value"] for name, body in template.content.get("output", {}).items()}
    document = _rewritten(
        {
            "locals": {**template.content.get("locals", {}), **values},
            "output": {"policies": {"value": wanted}, "outputs": {"value": outputs}},
        }
    )
    found = _evaluate({**content, **document}, variables)
    rows = {
        (*address.rsplit(".", 1), row["holder"]): row["text"]
        for address, each in found["policies"].items()
        for row in each
    }
    return list(_policies(source, rows)), found["outputs"]


def _policies(source: str, rows: Mapping[tuple[str, str, str], str]) -> list[Policy]:
    attached: dict[str, list[str]] = {}
    for (_, attribute, role), arn in rows.items():
        if attribute == "policy_arn":
            attached.setdefault(arn, []).append(role)
    found = []
    for (address, attribute, holder), text in rows.items():
        type_ = address.partition(".")[0]
        if attribute == "policy_arn":
            if text.endswith("AmazonEC2ContainerServiceforEC2Role"):
                found.append(Policy(source, address, "identity", holder, tuple(INSTANCE_POLICY)))
            continue
        kind, statements = _KINDS[type_, attribute], tuple(json.loads(text)["Statement"])
        holders = attached.get(f"{_GLOBAL}policy/{holder}", []) if type_ == "aws_iam_policy" else [holder]
        found += [Policy(source, address, kind, each, statements) for each in holders]
        if not holders:
            found.append(Policy(source, address, "boundary", holder, statements))
    return found


def _referred(template: Template) -> set[str]:
    return {"__".join(("data_aws_" + m[2], m[3])) for m in _REFERENCE.finditer(template.text()) if m[1]}


def _made(type_: str, body: Mapping[str, Any]) -> dict[str, Any]:
    name = body.get(_NAMES.get(type_, "name"))
    if "client_id_list" in body:
        name = body["url"].removeprefix("https://")
    if name is None:
        prefix = body.get("name_prefix", body.get("compute_environment_name_prefix", "terraform-"))
        name = f"{prefix}1"
    before = _ARNS.get(type_, "none:")
    if not before.startswith("arn:"):
        service, rest = before.split(":", 1)
        before = f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"
    return {
        **{"name": name, "id": name, "function_name": name, "arn": f"{before}{name}", "latest_version": 1},
        "revision": 1,
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
        "names": [f"{REGION}a", f"{REGION}b"],
    }


def _each(body: Mapping[str, Any], made: Mapping[str, Any], *, always: bool = False) -> Any:
    """One, or one for each, as `count` and `for_each` say; `always` as a list."""
    if "count" in body:
        return f"${{[for index in range({hcl(body['count'])}) : {hcl(made)}]}}"
    if "for_each" in body:
        text = re.sub(r"\beach\.(key|value)\b", r"each_\1", hcl(made))
        rows = f"{{for each_key, each_value in {hcl(body['for_each'])} : each_key => {text}}}"
        return f"${{values({rows})}}" if always else f"${{{rows}}}"
    return [made] if always else made


def _rewritten(value: Any) -> Any:
    if isinstance(value, str):
        value = _OF_STATE.sub(lambda m: f"local.state_{m[1]}", value)
        return _REFERENCE.sub(lambda m: f"local.{'data_' if m[1] else ''}aws_{m[2]}__{m[3]}", value)
    if isinstance(value, dict):
        return {key: _rewritten(item) for key, item in value.items() if key != "//"}
    return [_rewritten(item) for item in value] if isinstance(value, list) else value


def _evaluate(content: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.tf.json").write_text(json.dumps(content))
        (Path(folder) / "terraform.tfvars.json").write_text(json.dumps(variables))
        # Without providers there is nothing to initialise, and what `output` would say is in the state.
        command = [terraform, "apply", "-input=false", "-auto-approve", "-no-color"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"terraform apply:\n{done.stdout}{done.stderr}"
        outputs = json.loads((Path(folder) / "terraform.tfstate").read_text())["outputs"]
        return {name: output["value"] for name, output in outputs.items()}
