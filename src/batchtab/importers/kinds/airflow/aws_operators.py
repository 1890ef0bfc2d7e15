"""`BatchOperator` and `EcsRunTaskOperator`: their overrides; the rest is in a definition that only the account has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.airflow.containers import (
    fill_in,
    set_command,
    set_environment,
    set_size,
    words_of,
)
from batchtab.importers.kinds.airflow.tasks import plain, reported_jinja, tag_value, unread
from batchtab.importers.kinds.airflow.values import has_jinja
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.secret_texts import is_secret_value
from batchtab.masking import MASK

_AIRFLOW_ONLY = (
    "aws_conn_id region_name region verify botocore_config deferrable poll_interval waiters max_retries "
    "status_retries job_id awslogs_enabled awslogs_group awslogs_region awslogs_stream_prefix "
    "awslogs_fetch_interval quota_retry reattach number_logs_exception wait_for_completion waiter_delay "
    "waiter_max_attempts stop_task_on_failure container_name group"
)
_UNITS_OF_A_VCPU = 1024


def batch(node: Node, found: dict[str, Any], options: Options) -> None:
    """A job of AWS Batch."""
    definition = node.take("job_definition")
    key = "container_overrides" if "container_overrides" in node else "overrides"
    overrides = node.child(key)
    _overrides(overrides, found, options)
    _array(node.child("array_properties"), found)
    _retry(node.child("retry_strategy"), found)
    _parameters(node, found)
    seconds = plain(node, "submit_job_timeout")
    if isinstance(seconds, int):
        found["timeout_seconds"] = seconds
        node.carry("submit_job_timeout", "timeout_seconds")
    for source, target in (("share_identifier", "share"), ("scheduling_priority_override", "priority")):
        value = plain(node, source)
        if value is not None:
            found[target] = value
            node.carry(source, target)
    _definition(node, "job_definition", definition, found, "batchtab import aws")
    node.change("job_queue", "queue: default, one of the stage's; another one has to be named")
    node.leave("job_name", "the job's name is that of its task")
    for each in ("node_overrides", "ecs_properties_override", "eks_properties_override"):
        node.leave(each, "jobs.yaml has one container with its own fields", "write its fields in the job")
    _tags(node, found)
    _rest(node)


def ecs(node: Node, found: dict[str, Any], options: Options) -> None:
    """A task of ECS."""
    definition = node.take("task_definition")
    overrides = node.child("overrides")
    containers = overrides.children("containerOverrides")
    for index, each in enumerate(containers):
        if index == 0:
            each.leave("name", "the job's container is called main")
            _overrides(each, found, options)
        else:
            each.rest("a job has one container with overrides", "write it in containers")
    for source, target in (("taskRoleArn", "job_role_arn"), ("executionRoleArn", "execution_role_arn")):
        value = plain(overrides, source)
        if value is not None:
            found[target] = value
            overrides.carry(source, target)
    _size(overrides, found, options)
    storage = overrides.child("ephemeralStorage")
    if storage:
        found["ephemeral_storage_gib"] = storage.carry("sizeInGiB", "ephemeral_storage_gib")
        storage.rest()
    overrides.rest()
    _definition(node, "task_definition", definition, found, "batchtab import ecs")
    network = node.child("network_configuration").child("awsvpcConfiguration")
    if network.take("assignPublicIp") == "ENABLED":
        found["assign_public_ip"] = True
        network.change("assignPublicIp", "assign_public_ip: true")
    else:
        network.carry("assignPublicIp", "what jobs.yaml has by default: no public address")
    for key in ("subnets", "securityGroups"):
        network.leave(key, "the stage has the subnets and security groups")
    network.rest()
    for key in ("cluster", "launch_type", "capacity_provider_strategy", "placement_constraints", "placement_strategy"):
        node.leave(key, "the stage's compute environment decides where jobs run")
    version = plain(node, "platform_version")
    if version is not None:
        found["platform_version"] = version
        node.carry("platform_version", "platform_version")
    node.leave("propagate_tags", "tags are those of the job")
    node.leave("enable_execute_command", "exec is off by default", "write exec: true if you need a shell in it")
    node.leave("volume_configurations", "jobs.yaml has volumes of EFS and empty ones", "write volumes")
    _tags(node, found)
    _rest(node)


def _definition(node: Node, key: str, definition: Any, found: dict[str, Any], command: str) -> None:
    what = f"{key} {definition}"
    names = {"image": "image", "command": "command", "vcpus": "size"}
    missing = [name for field, name in names.items() if field not in found]
    if "command" not in found:
        found["command"] = fill_in(f"the command of {what}")
    why = "its image, command, size, variables and roles are in the account, not in the DAG"
    todo = f"write {', '.join(missing) or 'roles and variables'} from it: `{command}` shows them"
    node.leave(key, why, todo)


def _overrides(node: Node, found: dict[str, Any], options: Options) -> None:
    if "command" in node:
        words = words_of(node.take("command"))
        if words is None or not words:
            unread(node, "command")
        else:
            set_command(node, "command", words, found)
    set_environment(node, "environment", found)
    _size(node, found, options)
    node.leave("instanceType", "the compute environment's instance types decide")
    node.leave("memoryReservation", "memory_mib is the limit and the reservation")
    node.rest()


def _size(node: Node, found: dict[str, Any], options: Options) -> None:
    """Number of vCPUs and memory, in AWS's newer list or the older two numbers."""
    wanted: dict[str, float] = {}
    fields: list[tuple[Node, str]] = []
    for each in node.children("resourceRequirements"):
        kind, value = each.take("type"), _number(each.take("value"))
        if kind in {"VCPU", "MEMORY"} and value is not None:
            wanted[kind] = value
            fields.append((each, "value"))
        elif kind == "GPU" and value is not None and not options.is_fargate:
            found["gpus"] = int(value)
            each.carry("value", "gpus")
        else:
            each.leave("value", "Fargate has no GPUs" if kind == "GPU" else "it is not a number", "write the size")
        each.carry("type", "the field's name")
    for key, kind in (("vcpus", "VCPU"), ("cpu", "VCPU"), ("memory", "MEMORY")):
        value = _number(node.take(key))
        if value is not None:
            # ECS counts a vCPU as 1024 units, also in the overrides of one container.
            wanted[kind] = value / _UNITS_OF_A_VCPU if key == "cpu" else value
            fields.append((node, key))
        elif node.data.get(key) is not None:
            unread(node, key)
    if not wanted:
        return
    size = set_size(wanted.get("VCPU"), int(wanted.get("MEMORY", 0)) or None, found, options)
    for each, key in fields:
        if size:
            each.change(key, size)
        else:
            each.leave(key, "no size of Fargate is as large", "choose a size, or EC2 with --stage")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 < number < 1e9 else None


def _parameters(node: Node, found: dict[str, Any]) -> None:
    value = plain(node, "parameters")
    if not isinstance(value, Mapping):
        if value is not None:
            unread(node, "parameters")
        return
    for name, each in value.items():
        if is_secret_value(str(name), str(each)):
            todo = f"store it in SSM Parameter Store, and write secrets: {{{name}: ssm:…}}"
            node.recorder.not_carried(f"parameters.{name}", MASK, "looks like a secret", todo)
        else:
            found.setdefault("parameters", {})[str(name)] = str(each)
            node.recorder.carried(f"parameters.{name}", str(each), f"parameters.{name}")
    if has_jinja(found.get("parameters")):
        reported_jinja(node, "parameters", value)


def _array(node: Node, found: dict[str, Any]) -> None:
    if node.data.get("size") is not None:
        size = plain(node, "size")
        if isinstance(size, int):
            found["array_size"] = size
            node.carry("size", "array_size")
    node.rest()


def _retry(node: Node, found: dict[str, Any]) -> None:
    attempts = plain(node, "attempts")
    if isinstance(attempts, int):
        own = found.get("attempts", 1)
        found["attempts"] = min(10, own * attempts)
        how = "attempts" if own == 1 else f"attempts: {found['attempts']}: Airflow's {own} times Batch's {attempts}"
        node.carry("attempts", how) if own == 1 else node.change("attempts", how)
    rules = node.take("evaluateOnExit")
    if rules is not None:
        node.leave("evaluateOnExit", "only attempts are read", "write evaluate_on_exit")
    node.rest()


def _tags(node: Node, found: dict[str, Any]) -> None:
    value = plain(node, "tags")
    if isinstance(value, Mapping):
        pairs = {str(name): tag_value(str(each)) for name, each in value.items()}
        found["tags"] = {**found.get("tags", {}), **pairs}
        node.carry("tags", "tags")
    elif value is not None:
        unread(node, "tags")


def _rest(node: Node) -> None:
    for each in _AIRFLOW_ONLY.split():
        node.leave(each, "it is about how Airflow starts and watches the job")
    node.rest()
