"""A function of a template, with what SAM's `Globals` give it, as a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported, ImportedJob
from batchtab.importers.kinds.lambda_functions import variables
from batchtab.importers.kinds.lambda_functions.command import Program, record_name
from batchtab.importers.kinds.lambda_functions.fields import Fields
from batchtab.importers.kinds.lambda_functions.job import finish
from batchtab.importers.kinds.lambda_functions.permissions import Allowed
from batchtab.importers.kinds.lambda_functions.template import Template, mapping, with_one
from batchtab.importers.kinds.lambda_functions.work import STORAGE, Names, Start, Work
from batchtab.importers.naming import job_name
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import plain
from batchtab.masking import mask

_NAMES = Names("MemorySize", "Timeout", "ReservedConcurrentExecutions", 128, 3)
_MERGED = {"Environment", "Tags", "VpcConfig", "Layers"}
#: Fields of a function that a job does not have: why, and what to do.
_LEFT = {
    **dict.fromkeys(
        ("AutoPublishAlias", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256", "VersionDescription"),
        ("a deployment is the version", ""),
    ),
    "DeploymentPreference": ("a changed job is used from its next start on", ""),
    "ProvisionedConcurrencyConfig": ("a container starts for each run", ""),
    "SnapStart": ("a container starts for each run", ""),
    "RuntimeManagementConfig": ("the image has the runtime", ""),
    "CodeSigningConfigArn": ("an image is not signed by Lambda", "sign the image, if that is a rule of yours"),
    "KmsKeyArn": ("the variables of a job definition are not encrypted by a key of one's own", "use secrets"),
    "LoggingConfig": ("Batch's log group is used; `log` has other drivers", ""),
    "Tracing": ("no X-Ray daemon runs beside a job", ""),
    "TracingConfig": ("no X-Ray daemon runs beside a job", ""),
    "RecursiveLoop": ("a job is not invoked", ""),
    "FunctionUrlConfig": ("a job has no address", "keep the function for requests"),
    "Layers": ("a job has no layers", "install what the layers contain in the image"),
    "VpcConfig": ("the stage has subnets and security groups", "compare them with those of the stage's queue"),
    "AssumeRolePolicyDocument": ("the job's own role trusts ECS tasks", ""),
    "RolePath": ("the job's own role has none", ""),
    "PermissionsBoundary": ("a stage has one for all roles", "write permissions_boundary_arn in the stage's file"),
    "PropagateTags": ("jobs always pass their tags to their tasks", ""),
    "DurableConfig": ("a job does not resume in the middle", "let the handler begin again after a failure"),
    "TenancyConfig": ("a job has one tenant", ""),
    "CapacityProviderConfig": ("the stage has compute environments", ""),
    "FunctionScalingConfig": ("the stage has compute environments", ""),
    "PublishToLatestPublished": ("a deployment is the version", ""),
}


def read(
    template: Template,
    name: str,
    short: str,
    service: str,
    start: Start,
    recorder: Recorder,
    options: Options,
    imported: Imported,
    *,
    is_shared: bool,
) -> None:
    """Add the job of a function and one of its starts; it is shared if it has others."""
    resource = Node(template.resources[name], recorder, f"Resources.{name}")
    resource.take("Type")
    template.report_condition(resource, name)
    for key in ("DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Connectors"):
        resource.leave(key, "a jobs.yaml has none", "write permissions for them" if key == "Connectors" else "")
    resource.child("Properties")
    policies = mapping(template.properties(name, is_wild=True)).get("Policies")
    node = Node(_properties(template, name), recorder)
    work = Work(Fields(node), _NAMES, options, recorder)
    node.take("Events")
    program = _program(node, resource, service, short, name, imported)
    resource.rest()
    work.size()
    work.limit(is_by_handler=program.is_run_by_us)
    work.concurrency(is_shared=is_shared)
    _invocations(template, name, node, work)
    _container(node, work)
    allowed = Allowed(recorder, f"{options.region or '*'}:{options.account or '*'}")
    if policies is not None:
        node.take("Policies")
        allowed.policies(policies, "Policies")
    _role(template, node, work, allowed)
    work.settings |= allowed.settings()
    if text := work.fields.text("Description", "description"):
        node.carry("Description", "description")
        start.description = start.description or text
    for key, (why, todo) in _LEFT.items():
        node.leave(key, why, todo)
    node.rest()
    finish(imported, ImportedJob(recorder.job, recorder.place), work, program, start)


def role_of(template: Template, name: str) -> Any:
    """The role of a function."""
    return _properties(template, name).get("Role")


def _properties(template: Template, name: str) -> Mapping[str, Any]:
    is_serverless = str(template.resources[name].get("Type")).startswith("AWS::Serverless")
    given = mapping(mapping(template.document.get("Globals")).get("Function")) if is_serverless else {}
    return _merged(template.resolved(given), mapping(template.properties(name)))


def _merged(globals_: Any, own: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function's own fields before those of `Globals`; mappings and lists are joined, as SAM does."""
    found = own
    for key, value in mapping(globals_).items():
        mine = own.get(key)
        if key not in own:
            found = with_one(found, key, value)
        elif isinstance(value, Mapping) and isinstance(mine, Mapping):
            found = with_one(found, key, _merged(value, mine))
        elif isinstance(value, list) and isinstance(mine, list):
            found = with_one(found, key, [*value, *mine])
    return found


def _program(node: Node, resource: Node, service: str, short: str, logical: str, imported: Imported) -> Program:
    fields = Fields(node)
    name = fields.text("FunctionName", "") or logical
    handler = fields.text("Handler", "command") or ""
    runtime = fields.text("Runtime", "command") or ""
    node.change("Handler", "command")
    node.change("Runtime", "the image has its own runtime")
    is_image = (fields.text("PackageType", "image") or "") == "Image"
    node.change("PackageType", "image")
    config = Fields(node.child("ImageConfig"))
    metadata = resource.child("Metadata")
    for key in metadata.data:
        todo = "build it and push it" if key == "Dockerfile" and is_image else ""
        metadata.leave(key, "the import builds no image", todo)
    code = node.data.get("Code") if "Code" in node else node.data.get("CodeUri")
    image = _image(fields, code)
    inline = _inline(node, code)
    folder = _folder(code, short)
    found = Program(
        *(name, service, folder),
        code=str(plain(code)) if code else "",
        handler=handler,
        runtime=runtime,
        is_image=is_image or bool(image),
        image=image,
        entrypoint=tuple(config.texts("EntryPoint", "command")),
        command=tuple(config.texts("Command", "command")),
        working_directory=config.text("WorkingDirectory", "--root in the command") or "",
        has_code=bool(inline) and runtime.startswith("python"),
    )
    for key in ("EntryPoint", "Command", "WorkingDirectory"):
        config.node.change(key, "command")
    config.node.rest()
    record_name(node, "FunctionName", found)
    if not image and not inline:
        for key in ("Code", "CodeUri"):
            if found.is_run_by_us:
                node.change(key, f"jobs/{service}/{folder}")
            else:
                node.leave(key, "the image has the code")
    if found.has_code:
        module = handler.rpartition(".")[0] or "index"
        imported.files[f"{folder}/{module}.py"] = inline
    return found


def _image(fields: Fields, code: Any) -> str:
    """An image's address: of SAM, or in CloudFormation's `Code`."""
    own = fields.text("ImageUri", "image") or ""
    fields.node.carry("ImageUri", "image") if own else None
    uri = mapping(code).get("ImageUri")
    if isinstance(uri, str) and "${" not in uri:
        fields.node.change("Code", "image")
        return uri
    return own


def _inline(node: Node, code: Any) -> str:
    """Code in the template itself, unless it has a secret."""
    text = node.data.get("InlineCode", mapping(code).get("ZipFile"))
    if not isinstance(text, str):
        return ""
    key = "InlineCode" if "InlineCode" in node else "Code"
    if mask(text) != text:
        node.leave(key, "looks like it has a secret", "write the code to the folder without it")
        return ""
    node.change(key, "a file beside jobs.yaml")
    return text


def _folder(code: Any, short: str) -> str:
    """The folder of the code: functions with one `CodeUri` share it."""
    last = PurePosixPath(code).name if isinstance(code, str) and "://" not in code else ""
    return job_name(last if any(map(str.isalpha, last)) else short).replace("-", "_")


def _container(node: Node, work: Work) -> None:
    fields = work.fields
    names = fields.texts("Architectures", "architecture")
    if names:
        node.carry("Architectures", "architecture")
        if names[0] != "x86_64":
            work.settings["architecture"] = names[0]
    storage = Fields(node.child("EphemeralStorage"))
    storage.number("Size", "ephemeral_storage_gib")
    storage.node.change("Size", STORAGE)
    storage.node.rest()
    environment = node.child("Environment")
    values = environment.child("Variables")
    work.settings |= variables.settings(values.data, values.recorder, values.name("")[:-1])
    environment.rest()
    _tags(node, work)
    for system in node.children("FileSystemConfigs"):
        where = plain(system.take("Arn")), plain(system.take("LocalMountPath"))
        todo = "write volumes: {files: {efs_file_system_id: fs-…, access_point_id: fsap-…}} and"
        todo += f" mounts: [{{volume: files, path: {where[1]}}}]"
        work.recorder.not_carried(system.path, list(where), "only EFS knows the access point's file system", todo)
        system.rest()


def _tags(node: Node, work: Work) -> None:
    found = node.take("Tags")
    pairs = found.items() if isinstance(found, Mapping) else [
        (each.get("Key"), each.get("Value")) for each in found or [] if isinstance(each, Mapping)
    ]  # fmt: skip
    for key, value in pairs:
        if isinstance(value, (str, int, float)):
            work.recorder.carried(f"Tags.{key}", value, "tags")
            work.settings.setdefault("tags", {})[str(key)] = str(value)
        else:
            work.recorder.not_carried(f"Tags.{key}", plain(value), "only the stack knows its value", "write the tag")


def _invocations(template: Template, name: str, node: Node, work: Work) -> None:
    """Retries, destinations and dead letters of asynchronous invocations."""
    config = node.child("EventInvokeConfig")
    for resource in template.of_type("AWS::Lambda::EventInvokeConfig"):
        properties = template.properties(resource)
        if not config and template.target(mapping(properties).get("FunctionName")) == name:
            config = Node(properties, work.recorder, f"Resources.{resource}")
            for key in ("FunctionName", "Qualifier"):
                config.leave(key, "it is the function of this job")
    work.retries(Fields(config), "MaximumRetryAttempts", "MaximumEventAgeInSeconds")
    destinations = config.child("DestinationConfig")
    for key, status in (("OnFailure", "failed"), ("OnSuccess", "succeeded")):
        target = destinations.child(key)
        for each in target.data:
            todo = f"write a job with after: and after_status: {status}, or read Batch's events"
            target.leave(each, "a job sends its result nowhere", todo)
    destinations.rest()
    config.rest()
    for key in ("DeadLetterQueue", "DeadLetterConfig"):
        queue = node.child(key)
        for each in queue.data:
            queue.leave(each, "a failed run is an alert", "let its reader read Batch's events, or the alerts")


def _role(template: Template, node: Node, work: Work, allowed: Allowed) -> None:
    role = node.data.get("Role")
    if target := template.role(role):
        node.change("Role", "a role of the job's own, with the permissions of this one")
        allowed.role(template, target)
    elif isinstance(role, str) and role.startswith("arn:"):
        node.change("Role", "job_role_arn", "let the role trust ecs-tasks.amazonaws.com, too")
        work.settings["job_role_arn"] = role
    else:
        node.leave("Role", "only the stack knows the role", "write job_role_arn, or permissions")
