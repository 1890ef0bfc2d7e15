"""A stage twice in one Terraform root: as `main.py` writes it, and as the module `batchtab` makes it of its files."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from tests.hcl.terraform import Terraform, copy_modules

from batchtab import app
from batchtab.declarations.catalog import load

ACCOUNT, REGION = "123456789012", "us-east-1"
PREFIX = "shop-prod"
SUBNETS, GROUPS = ["subnet-0a1b2c3d4e5f60718"], ["sg-0123456789abcdef0"]
STAGE: dict[str, Any] = {
    "region": REGION,
    "account_id": ACCOUNT,
    "namespace": "shop",
    "state": {"bucket": "shop-state"},
    "network": {"subnet_ids": SUBNETS, "security_group_ids": GROUPS},
    "environment": {
        "queues": {
            "default": 5,
            "fair": {"priority": 2, "scheduling_policy": {"share_decay_seconds": 60}},
            "far": {"priority": 3, "compute_environments": ["far"]},
        },
        "max_vcpus": 64,
    },
    "environments": {"far": {"capacity": "FARGATE", "max_vcpus": 64}},
    "runner_image": {"repository": "runner", "tag": "v9"},
    "repositories": ["shop"],
    "alerts": {"quiet": True, "channel": "#jobs"},
    "runs": {"history_days": 30},
    "permissions_boundary_arn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "secrets_kms_key_arns": [f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-0000-0000-0000-000000000000"],
}
INPUTS: dict[str, Any] = {
    "stage": "prod",
    "namespace": "shop",
    "region": REGION,
    "account_id": ACCOUNT,
    "subnet_ids": SUBNETS,
    "security_group_ids": GROUPS,
    "queues": {"default": 5, "fair": 2, "far": 3},
    "queue_settings": {
        "fair": {"scheduling_policy": {"share_decay_seconds": 60}},
        "far": {"compute_environments": ["far"]},
    },
    "max_vcpus": 64,
    "further_compute_environments": {
        "far": {"arn": f"arn:aws:batch:{REGION}:{ACCOUNT}:compute-environment/far", "capacity": "FARGATE"}
    },
    "runner_image": STAGE["runner_image"],
    "repositories": STAGE["repositories"],
    "alerts": STAGE["alerts"],
    "history_days": 30,
    "permissions_boundary_arn": STAGE["permissions_boundary_arn"],
    "secrets_kms_key_arns": STAGE["secrets_kms_key_arns"],
}
#: What jobs take of an environment that is there.
ENVIRONMENT = {
    "trigger_role_arn": f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-trigger",
    "execution_role_arn": f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}-execution",
    "log_group_name": f"/aws/batch/{PREFIX}",
    "trigger_dead_letter_queue_arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}-dead-letter",
}
SUBMIT = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}-submit-run"
QUEUES = {name: f"arn:aws:batch:{REGION}:{ACCOUNT}:job-queue/{PREFIX}-{name}" for name in INPUTS["queues"]}
CAPACITIES = {"default": "EC2", "fair": "EC2", "far": "FARGATE"}
_CURRENT = {
    "data.aws_caller_identity.current.account_id": ACCOUNT,
    "data.aws_region.current.id": REGION,
    "data.aws_partition.current.partition": "aws",
}
#: What a module reads off an ARN of its own, by the part's number: each wants the right one.
_OF_ARN = re.compile(r'split\(":", (?:one\()?aws_[a-z0-9_.\[\]*]+\.?arn\)?\)\[([134])\]')
_KNOWN = {"1": "aws", "3": REGION, "4": ACCOUNT}
PROVIDER = {
    "region": REGION,
    "access_key": "test",
    "secret_key": "test",
    "skip_credentials_validation": True,
    "skip_requesting_account_id": True,
    "skip_metadata_api_check": True,
}


def write_project(root: Path, files: Iterable[Mapping[str, Any]], stage: Mapping[str, Any] = STAGE) -> None:
    """Writes a stage `prod` and its services as a project's files."""
    (root / "config").mkdir(parents=True, exist_ok=True)
    (root / "config" / "prod.yaml").write_text(yaml.safe_dump(dict(stage)), encoding="utf-8")
    shutil.rmtree(root / "jobs", ignore_errors=True)
    for file in files:
        folder = root / "jobs" / str(file["service"])
        folder.mkdir(parents=True)
        (folder / "jobs.yaml").write_text(json.dumps(file, ensure_ascii=False), encoding="utf-8")


def write_both(
    root: Path,
    files: list[dict[str, Any]],
    *,
    stage: Mapping[str, Any] = STAGE,
    inputs: Mapping[str, Any] = INPUTS,
    environment: bool = False,
) -> Terraform:
    """Writes a root whose modules `main_…` are main.py's stacks, and whose module `tab` is batchtab.

    Args:
        root: An empty folder.
        files: The services.
        stage: The stage's file.
        inputs: The same for batchtab.
        environment: Whether the stage's environment is made, in place of its jobs.
    """
    project = root / "project"
    write_project(project, files, stage)
    app.synthesize(load("prod", project), outdir=str(root / "out"))
    calls: dict[str, Any] = {}
    for path in sorted((root / "out" / "stacks").glob("*/cdk.tf.json")):
        name = path.parent.name
        if name.startswith("jobs-") != environment:
            folder = root / "stacks" / name
            shutil.copytree(path.parent, folder)
            (folder / "cdk.tf.json").write_text(json.dumps(_as_module(path.read_text(encoding="utf-8"))))
            calls[f"main_{name}"] = {"source": f"./stacks/{name}"}
    return write_module(root, files, calls, inputs=inputs, environment=environment)


def write_module(
    root: Path,
    files: list[dict[str, Any]],
    others: Mapping[str, Any] | None = None,
    *,
    inputs: Mapping[str, Any] = INPUTS,
    environment: bool = False,
) -> Terraform:
    """Writes a root whose module `tab` is batchtab.

    Args:
        root: A folder.
        files: The services.
        others: Further modules.
        inputs: What batchtab is given beside them.
        environment: Whether the environment is made too; otherwise jobs take one that is there.
    """
    modules = copy_modules(root)
    for path in modules.glob("*/*.tf.json"):
        path.write_text(json.dumps(_of_known_account(_without_data(json.loads(path.read_text(encoding="utf-8"))))))
    if not environment:
        _take_what_is_there(modules / "batchtab" / "main.tf.json")
    services = {}
    for index, file in enumerate(files):
        (root / f"jobs_{index}.yaml").write_text(json.dumps(file, ensure_ascii=False), encoding="utf-8")
        services[str(index)] = f'${{yamldecode(file("jobs_{index}.yaml"))}}'
    tab = {"source": "./modules/batchtab", "services": services, **inputs}
    content = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
        "provider": {"aws": PROVIDER},
        "module": {**(others or {}), "tab": tab},
    }
    (root / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")
    return Terraform(root)


def _as_module(text: str) -> dict[str, Any]:
    """A stack without provider and backend, which reads no other's state."""
    text = re.sub(r"data\.terraform_remote_state\.environment\.outputs\.", "local.of_environment.", text)
    content: dict[str, Any] = _without_data(json.loads(text))
    queues = {f"job_queue_arn_{name}": arn for name, arn in QUEUES.items()}
    content.setdefault("locals", {})["of_environment"] = {**ENVIRONMENT, **queues, "submit_function_arn": SUBMIT}
    return {key: value for key, value in content.items() if key not in ("provider", "terraform", "//")}


def _without_data(content: dict[str, Any]) -> dict[str, Any]:
    """Terraform that asks AWS nothing."""
    content = {key: value for key, value in content.items() if key != "data"}
    text = json.dumps(content)
    for reference, value in _CURRENT.items():
        text = text.replace(reference, f'\\"{value}\\"')
    known: dict[str, Any] = json.loads(text)
    return known


def _of_known_account(content: Any) -> Any:
    """A module in which is known what it reads off an ARN that AWS only gives when something is made."""
    if isinstance(content, dict):
        return {key: _of_known_account(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_of_known_account(value) for value in content]
    return _OF_ARN.sub(lambda found: f'"{_KNOWN[found[1]]}"', content) if isinstance(content, str) else content


def _take_what_is_there(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    content["locals"]["environment"] = {**ENVIRONMENT, "job_queue_arns": QUEUES, "queue_capacities": CAPACITIES}
    content["locals"]["submit_function_arn"] = SUBMIT
    for name in ("environment", "runs", "alerts", "repository"):
        del content["module"][name]
    path.write_text(json.dumps(content), encoding="utf-8")
    outputs = path.with_name("outputs.tf.json")
    kept = {"output": {"job_definition_names": json.loads(outputs.read_text())["output"]["job_definition_names"]}}
    outputs.write_text(json.dumps(kept), encoding="utf-8")


def resources(plan: Mapping[str, Any]) -> tuple[dict[tuple[str, str], Any], dict[tuple[str, str], Any]]:
    """Of both sides the resources by type and name of the thing, with all that is planned for them."""
    main: dict[tuple[str, str], Any] = {}
    tab: dict[tuple[str, str], Any] = {}
    for change in plan["resource_changes"]:
        side = tab if change["address"].startswith("module.tab.") else main
        key = _key(change, side is tab)
        assert key not in side, key
        side[key] = {
            "values": _plain(change["change"]["after"]),
            "unknown": _unknown(change["change"]["after_unknown"]),
        }
    return main, tab


def _key(change: Mapping[str, Any], is_tab: bool) -> tuple[str, str]:
    """Type and a name that both sides have: of which service and job, or part of the environment, it is what."""
    type_, label, index = change["type"], change["name"], change.get("index")
    more = f"[{index}]" if isinstance(index, str) else ""
    if is_tab:
        module = re.match(r'module\.tab\.module\.(\w+)(?:\["([^"]+)"\])?\.', change["address"])
        if module is None:  # a service's group
            return type_, f"{_plain_name(index)}_{label}"
        if module[1] == "job":
            return type_, f"{_plain_name(module[2])}_{label}{more}"
        of = "_".join(part for part in module.groups() if part and part != "environment")
        return type_, f"{of}_{label}{more}".removeprefix("_")
    stack = change["module_address"].removeprefix("module.main_")
    if stack == "environment":
        return type_, f"{label}{more}"
    service = _plain_name(stack.removeprefix("jobs-"))
    label = label.removeprefix("service_schedule_") if type_ == "aws_scheduler_schedule_group" else label
    label = "schedule_group" if label == "group" else label
    return type_, f"{service}_{label}{more}"


def _plain_name(name: Any) -> str:
    return re.sub("[^A-Za-z0-9]", "_", str(name))


def _plain(value: Any) -> Any:
    """Values in which JSON that is text is compared as what it means."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return {"json": _plain(json.loads(value))}
        except ValueError:
            return value
    return value


def _unknown(value: Any) -> Any:
    """What is known after apply, without empty parts."""
    if isinstance(value, dict):
        return {key: found for key, item in value.items() if (found := _unknown(item))}
    if isinstance(value, list):
        return [_unknown(item) for item in value] if any(_unknown(item) for item in value) else []
    return value


def differences(main: Mapping[tuple[str, str], Any], tab: Mapping[tuple[str, str], Any]) -> list[str]:
    """What is not the same on both sides."""
    found = [f"only main.py: {key}" for key in sorted(main.keys() - tab.keys())]
    found += [f"only batchtab: {key}" for key in sorted(tab.keys() - main.keys())]
    for key in sorted(main.keys() & tab.keys()):
        found += [f"{key}{path}: {one!r} and {other!r}" for path, one, other in _unequal("", main[key], tab[key])]
    return found


def _unequal(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _unequal(f"{path}.{key}", one.get(key), other.get(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _unequal(f"{path}[{index}]", *pair)
    elif one != other:
        yield path, one, other
