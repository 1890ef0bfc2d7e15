"""`KubernetesPodOperator`: a pod of one container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.airflow.containers import (
    cpu,
    memory_mib,
    set_command,
    set_entrypoint,
    set_environment,
    set_image,
    set_no_command,
    set_size,
    words_of,
)
from batchtab.importers.kinds.airflow.skipping import skip_codes
from batchtab.importers.kinds.airflow.tasks import plain, tag_value, unread
from batchtab.importers.kinds.airflow.values import Call, is_plain
from batchtab.importers.node import Node
from batchtab.importers.options import Options

_CLUSTER = (
    "namespace name get_logs log_events_on_failure in_cluster config_file cluster_context kubernetes_conn_id "
    "is_delete_operator_pod on_finish_action reattach_on_restart annotations startup_timeout_seconds "
    "startup_check_interval_seconds random_name_suffix image_pull_policy deferrable poll_interval "
    "logging_interval base_container_name container_logs hostname schedule_timeout_seconds priority_class_name "
    "schedulername hostnetwork dnspolicy dns_config cluster_name region aws_conn_id project_id location "
    "gcp_conn_id use_internal_ip base_container_status_polling_interval progress_callback callbacks "
    "trigger_kwargs"
)
_CLUSTER_TODO = {
    "service_account_name": "write permissions or job_role_arn for what the account may do",
    "image_pull_secrets": "write registry_credentials if the image is private",
    "volumes": "write volumes and mounts: EFS, or an empty folder",
    "volume_mounts": "write volumes and mounts: EFS, or an empty folder",
    "env_from": "write environment and secrets",
    "configmaps": "write environment and secrets",
    "init_containers": "write containers and main_depends_on",
    "affinity": "name a queue of the stage whose instances fit",
    "tolerations": "name a queue of the stage whose instances fit",
    "security_context": "write user, or leave it to the image",
    "container_security_context": "write user, or leave it to the image",
    "full_pod_spec": "write its fields in the job",
    "pod_template_file": "write its fields in the job",
    "pod_template_dict": "write its fields in the job",
    "pod_runtime_info_envs": "write environment",
    "ports": "nothing connects to a job: leave it out",
}


def pod(node: Node, found: dict[str, Any], options: Options) -> None:
    """A pod of Kubernetes."""
    set_image(node, "image", found, options)
    _pod_command(node, found)
    set_environment(node, "env_vars", found)
    _pod_secrets(node)
    _pod_resources(node, found, options)
    labels = plain(node, "labels")
    if isinstance(labels, Mapping):
        found["tags"] = {**found.get("tags", {}), **{str(each): tag_value(str(labels[each])) for each in labels}}
        node.carry("labels", "tags")
    seconds = plain(node, "active_deadline_seconds")
    if isinstance(seconds, int):
        found["timeout_seconds"] = max(60, min(seconds, found.get("timeout_seconds", seconds)))
        node.change("active_deadline_seconds", f"timeout_seconds: {found['timeout_seconds']}")
    seconds = plain(node, "termination_grace_period")
    if isinstance(seconds, int):
        found["grace_seconds"] = max(2, min(seconds, 120))
        node.change("termination_grace_period", f"grace_seconds: {found['grace_seconds']}")
    for key in ("node_selector", "node_selectors"):
        value = plain(node, key)
        if isinstance(value, Mapping) and "arm64" in value.values():
            found["architecture"] = "arm64"
            node.change(
                key, "architecture: arm64", "" if len(value) == 1 else "name a queue whose instances fit the rest"
            )
        elif value:
            node.leave(key, "the stage's compute environments decide", "name a queue of the stage whose instances fit")
    skip_codes(node, found)
    for key, todo in _CLUSTER_TODO.items():
        node.leave(key, "it is a setting of Kubernetes", "" if node.data.get(key) in (None, [], {}) else todo)
    for key in _CLUSTER.split():
        node.leave(key, "it is about how Airflow starts and watches the pod")
    node.rest()


def _pod_command(node: Node, found: dict[str, Any]) -> None:
    parts: dict[str, list[str]] = {}
    for key in ("cmds", "arguments"):
        if node.data.get(key) is not None:
            words = words_of(node.take(key))
            if words is None:
                unread(node, key)
            else:
                parts[key] = words
    if "cmds" in parts:
        set_entrypoint(node, "cmds", parts["cmds"], found)
    if "arguments" in parts:
        before = found.get("command", [])
        how = "the end of command" if before else "command"
        set_command(node, "arguments", parts["arguments"], found, how, before)
    if not found.get("command"):
        set_no_command(node, "cmds", found)


def _pod_secrets(node: Node) -> None:
    value = node.take("secrets") or []
    if not isinstance(value, list):
        node.leave("secrets", "is not a list", "write secrets")
        return
    for index, each in enumerate(value):
        fields = dict(each.named) if isinstance(each, Call) else dict(each) if isinstance(each, Mapping) else {}
        if isinstance(each, Call):
            names = ("deploy_type", "deploy_target", "secret", "key")
            fields.update(zip(names, each.arguments, strict=False))
        target = fields.get("deploy_target") or "all its keys"
        why = f"a Kubernetes Secret ({fields.get('secret')}, key {fields.get('key')}) becomes {target}"
        todo = f"store it in SSM Parameter Store, and write secrets: {{{target}: ssm:…}}"
        if fields.get("deploy_type") == "volume":
            todo = "store it in SSM Parameter Store, and pass it as a variable by secrets"
        node.recorder.not_carried(f"{node.name('secrets')}[{index}]", str(each), why, todo)


def _pod_resources(node: Node, found: dict[str, Any], options: Options) -> None:
    for key in ("container_resources", "resources"):
        value = node.take(key)
        fields = value.named if isinstance(value, Call) else value
        if not fields:
            continue
        flat = _flat(fields) if isinstance(fields, Mapping) and is_plain(fields) else None
        cpus, memory = (_most(flat, "cpu"), _most(flat, "memory")) if flat is not None else (None, None)
        is_number = (cpus is None) == (cpu(cpus) is None) and (memory is None) == (memory_mib(memory) is None)
        if flat is None or not is_number:
            unread(node, key)
            continue
        size = set_size(cpu(cpus), memory_mib(memory), found, options)
        others = [name for name in flat if not name.endswith(("cpu", "memory"))]
        todo = f"write {', '.join(others)}" if others else ""
        if size:
            node.change(key, f"{size}, by the limits", todo)
        else:
            node.leave(key, "no size of Fargate is as large", "choose a size, or EC2 with --stage")


def _flat(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Requests and limits by name, such as `limits_cpu`, also from the older `limit_cpu`; None if they are none."""
    found = {name.replace("request_", "requests_").replace("limit_", "limits_"): each for name, each in fields.items()}
    for kind in ("requests", "limits"):
        inner = found.pop(kind, None) or {}
        if not isinstance(inner, Mapping):
            return None
        found |= {f"{kind}_{name}": each for name, each in inner.items()}
    return found


def _most(flat: Mapping[str, Any], name: str) -> Any:
    return flat.get(f"limits_{name}", flat.get(f"requests_{name}"))
