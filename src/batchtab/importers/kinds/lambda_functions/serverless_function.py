"""A function of a serverless.yml, with its provider's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.lambda_functions import variables
from batchtab.importers.kinds.lambda_functions.command import Program, record_name
from batchtab.importers.kinds.lambda_functions.fields import Fields
from batchtab.importers.kinds.lambda_functions.permissions import Allowed
from batchtab.importers.kinds.lambda_functions.template import is_open, mapping, why_open, with_one
from batchtab.importers.kinds.lambda_functions.work import STORAGE, Names, Work
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import plain

_NAMES = Names("memorySize", "timeout", "reservedConcurrency", 1024, 6)
SHARED = ("runtime", "memorySize", "timeout", "architecture", "vpc", "role", "tracing", "layers")
_FOLDER = "code"
#: Fields of a function that a job does not have: why, and what to do.
_LEFT = {
    "vpc": ("the stage has subnets and security groups", "compare them with those of the stage's queue"),
    "layers": ("a job has no layers", "install what the layers contain in the image"),
    "tracing": ("no X-Ray daemon runs beside a job", ""),
    "package": ("the image has the code", ""),
    "versionFunction": ("a deployment is the version", ""),
    "provisionedConcurrency": ("a container starts for each run", ""),
    "snapStart": ("a container starts for each run", ""),
    "runtimeManagement": ("the image has the runtime", ""),
    "disableLogs": ("Batch always writes a log", ""),
    "logRetentionInDays": ("the stage has a log group", ""),
    "logs": ("Batch's log group is used; `log` has other drivers", ""),
    "awsKmsKeyArn": ("the variables of a job definition are not encrypted by a key of one's own", "use secrets"),
    "kmsKeyArn": ("the variables of a job definition are not encrypted by a key of one's own", "use secrets"),
    "url": ("a job has no address", "keep the function for requests"),
    "condition": ("a jobs.yaml has none", "decide whether the job is wanted"),
    "dependsOn": ("a jobs.yaml has none", ""),
    "onError": ("a failed run is an alert", "let what reads this topic or queue read Batch's events, or the alerts"),
}


def function(
    own: Node, provider: Mapping[str, Any], name: str, service: str, options: Options, *, is_shared: bool
) -> tuple[Work, Program]:
    """A function's settings and program; everything in it has a finding. It is shared if it has several schedules."""
    recorder = own.recorder
    data = own.data
    for key in SHARED:
        if key in provider and key not in own:
            recorder.changed(f"provider.{key}", plain(provider[key]), f"as {own.path}.{key}")
            data = with_one(data, key, provider[key])
    node = Node(data, recorder, own.path)
    work = Work(Fields(node), _NAMES, options, recorder)
    node.take("events")
    program = _program(work, provider, name, service)
    work.size()
    work.limit(is_by_handler=program.is_run_by_us)
    work.concurrency(is_shared=is_shared)
    work.retries(work.fields, "maximumRetryAttempts", "maximumEventAge")
    destinations = node.child("destinations")
    for key, status in (("onFailure", "failed"), ("onSuccess", "succeeded")):
        todo = f"write a job with after: and after_status: {status}, or read Batch's events"
        destinations.leave(key, "a job sends its result nowhere", todo)
    destinations.rest()
    _variables(node, provider, work)
    if text := work.fields.text("architecture", "architecture"):
        node.carry("architecture", "architecture")
        if text != "x86_64":
            work.settings["architecture"] = text
    work.fields.number("ephemeralStorageSize", "ephemeral_storage_gib")
    node.change("ephemeralStorageSize", STORAGE)
    _tags(node, provider, work)
    _files(node, work)
    _role(node, provider, work)
    if text := work.fields.text("description", "description"):
        node.carry("description", "description")
        work.settings["description"] = text[:512]
    for key, (why, todo) in _LEFT.items():
        node.leave(key, why, todo)
    node.rest()
    return work, program


def _program(work: Work, provider: Mapping[str, Any], name: str, service: str) -> Program:
    fields, node = work.fields, work.fields.node
    handler, runtime = fields.text("handler", "command") or "", fields.text("runtime", "command") or ""
    node.change("handler", "command")
    node.change("runtime", "the image has its own runtime")
    full = fields.text("name", "") or name
    image = node.data.get("image")
    config = Fields(node.child("image") if isinstance(image, Mapping) else Node({}, node.recorder))
    address = image if isinstance(image, str) else config.text("uri", "image") or config.text("name", "image") or ""
    if isinstance(image, str):
        fields.text("image", "image")
        node.change("image", "image")
    for key in ("uri", "name", "command", "entryPoint", "workingDirectory"):
        config.node.change(key, "image" if key in {"uri", "name"} else "command")
    built = mapping(mapping(mapping(provider.get("ecr")).get("images")).get(address))
    if built or is_open(address):
        work.recorder.changed("provider.ecr.images", plain(built), "image, which is built by Serverless", "push it")
        address = str(built.get("uri", ""))
    program = Program(
        *(full, service, _FOLDER if not image else name.lower()),
        code=".",
        handler=handler,
        runtime=runtime or ("nodejs" if not image else ""),
        is_image=image is not None,
        image=address,
        entrypoint=tuple(config.texts("entryPoint", "command")),
        command=tuple(config.texts("command", "command")),
        working_directory=config.text("workingDirectory", "--root in the command") or "",
    )
    config.node.rest()
    record_name(node, "name", program)
    return program


def _variables(node: Node, provider: Mapping[str, Any], work: Work) -> None:
    shared, own = mapping(provider.get("environment")), node.child("environment")
    first = {key: value for key, value in shared.items() if key not in own}
    for values, field in ((first, "provider.environment"), (own.data, own.path)):
        for key, found in variables.settings(values, own.recorder, field).items():
            work.settings.setdefault(key, {}).update(found)


def _tags(node: Node, provider: Mapping[str, Any], work: Work) -> None:
    own = node.child("tags")
    for values, field in ((mapping(provider.get("tags")), "provider.tags"), (own.data, own.path)):
        for key, value in values.items():
            if is_open(value) or isinstance(value, (Mapping, list)):
                work.recorder.not_carried(f"{field}.{key}", plain(value), why_open(value), "write the tag in jobs.yaml")
            else:
                work.recorder.carried(f"{field}.{key}", value, "tags")
                work.settings.setdefault("tags", {})[str(key)] = str(value)


def _files(node: Node, work: Work) -> None:
    system = node.child("fileSystemConfig")
    if system:
        where = plain(system.take("arn")), plain(system.take("localMountPath"))
        todo = "write volumes: {files: {efs_file_system_id: fs-…, access_point_id: fsap-…}} and"
        todo += f" mounts: [{{volume: files, path: {where[1]}}}]"
        work.recorder.not_carried(system.path, list(where), "only EFS knows the access point's file system", todo)
    system.rest()


def _role(node: Node, provider: Mapping[str, Any], work: Work) -> None:
    """A role's ARN, or the statements that all functions of the file have."""
    iam = mapping(provider.get("iam"))
    shared = iam.get("role")
    role = node.data.get("role", shared if isinstance(shared, str) else None)
    if isinstance(role, str) and role.startswith("arn:") and not is_open(role):
        work.recorder.changed("role", role, "job_role_arn", "let the role trust ecs-tasks.amazonaws.com, too")
        node.take("role")
        work.settings["job_role_arn"] = role
        return
    node.leave("role", "only the stack knows the role", "write job_role_arn, or permissions")
    if isinstance(shared, str):
        work.recorder.not_carried("provider.iam.role", shared, "only the stack knows the role", "write job_role_arn")
    allowed = Allowed(work.recorder, "*:*")
    path = "provider.iam.role"
    found = Node(shared if isinstance(shared, Mapping) else {}, work.recorder, path)
    statements = found.take("statements") or provider.get("iamRoleStatements")
    if statements:
        where = path if "statements" in found else "provider"
        allowed.document({"Statement": plain(statements)}, where)
    for index, each in enumerate(found.take("managedPolicies") or provider.get("iamManagedPolicies") or []):
        allowed.managed_policy(str(each), f"{path}.managedPolicies[{index}]")
    for key in ("name", "path", "tags", "permissionsBoundary", "permissionBoundary"):
        found.leave(key, "the job gets a role of its own")
    found.rest()
    work.settings |= allowed.settings()
