"""`DockerOperator`: a container."""

from __future__ import annotations

import shlex
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
from batchtab.importers.kinds.airflow.tasks import plain, unread
from batchtab.importers.kinds.airflow.values import has_jinja
from batchtab.importers.node import Node
from batchtab.importers.options import Options

_DOCKER = (
    "container_name auto_remove docker_url docker_conn_id api_version tls_ca_cert tls_client_cert "
    "tls_client_key tls_verify tls_hostname tls_ssl_version force_pull mount_tmp_dir host_tmp_dir tmp_dir tty "
    "hostname retrieve_output retrieve_output_path timeout log_opts_max_size log_opts_max_file xcom_push "
    "port_bindings labels"
)
_DOCKER_TODO = {
    "mounts": "write volumes and mounts: EFS, or an empty folder",
    "volumes": "write volumes and mounts: EFS, or an empty folder",
    "network_mode": "the stage's subnets decide what it reaches",
    "privileged": "write privileged: true, on EC2",
    "shm_size": "write shared_memory_mib, on EC2",
    "cap_add": "decide whether the job needs it",
    "ulimits": "write ulimits, on EC2",
    "device_requests": "write gpus, on EC2",
    "devices": "write devices, on EC2",
    "extra_hosts": "use names that DNS knows",
    "dns": "the VPC's DNS is used",
    "dns_search": "the VPC's DNS is used",
    "env_file": "write environment",
    "ipc_mode": "decide whether the job needs it",
}


def docker(node: Node, found: dict[str, Any], options: Options) -> None:
    """A container of Docker."""
    set_image(node, "image", found, options)
    before: list[str] = []
    if node.data.get("entrypoint") is not None:
        words = _shell_words(node, "entrypoint")
        if words:
            set_entrypoint(node, "entrypoint", words, found)
            before = found["command"]
    words = _shell_words(node, "command")
    if words:
        set_command(node, "command", words, found, before=before)
    elif not before:
        set_no_command(node, "command", found)
    set_environment(node, "environment", found)
    secret = node.take("private_environment")
    if secret:
        names = ", ".join(secret) if isinstance(secret, Mapping) else "its variables"
        todo = "store them in SSM Parameter Store, and write secrets"
        node.recorder.not_carried(node.name("private_environment"), names, "they are secret", todo)
    _size(node, found, options)
    _user(node, found)
    skip_codes(node, found)
    if node.data.get("working_dir") is not None:
        node.leave("working_dir", "the image has its own", "begin the command with cd, or set it in the image")
    for key, todo in _DOCKER_TODO.items():
        empty = node.data.get(key) in (None, [], {}, False)
        node.leave(key, "it is a setting of Docker", "" if empty else todo)
    for key in _DOCKER.split():
        node.leave(key, "it is about how Airflow starts and watches the container")
    node.rest()


def _user(node: Node, found: dict[str, Any]) -> None:
    value = plain(node, "user")
    if has_jinja(value):
        node.leave("user", "nothing fills its {{ }} in", "write user")
    elif value not in (None, ""):
        found["user"] = str(value)
        node.carry("user", "user")


def _size(node: Node, found: dict[str, Any], options: Options) -> None:
    cpus, memory = node.take("cpus"), node.take("mem_limit")
    for key, value, number in (("cpus", cpus, cpu(cpus)), ("mem_limit", memory, memory_mib(memory, is_docker=True))):
        if value is not None and number is None:
            unread(node, key)
    if cpu(cpus) is not None or memory_mib(memory, is_docker=True) is not None:
        size = set_size(cpu(cpus), memory_mib(memory, is_docker=True), found, options)
        for key, number in (("cpus", cpu(cpus)), ("mem_limit", memory_mib(memory, is_docker=True))):
            if number is not None and size:
                node.change(key, size)
            elif number is not None:
                node.leave(key, "no size of Fargate is as large", "choose a size, or EC2 with --stage")


def _shell_words(node: Node, key: str) -> list[str] | None:
    value = node.take(key)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError:
            pass
    words = words_of(value)
    if words is None:
        unread(node, key)
    return words
