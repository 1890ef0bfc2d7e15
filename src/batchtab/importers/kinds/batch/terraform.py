"""main.tf and import.tf: Batchtab's module takes over definitions, rules and schedules, and recreates none of them.

The names stay (`namespace = null`). A rule or a schedule that the module would name or write in another way is a
resource of its own beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from batchtab.importers.images import image_fields
from batchtab.importers.intrinsics.unresolved import names_in
from batchtab.importers.kinds.batch import terraform_triggers as triggers
from batchtab.importers.kinds.batch.definition import fill
from batchtab.importers.kinds.batch.hcl import Block, Code, block, expression
from batchtab.importers.kinds.batch.jobs import Source
from batchtab.importers.kinds.batch.references import queue_name, secret_arn
from batchtab.importers.kinds.batch.terraform_triggers import UnknownNamesError
from batchtab.importers.kinds.batch.triggers import quiet
from batchtab.importers.options import Options
from batchtab.importers.places import Place

MODULES = "git::https://github.com/my-company/batchtab.git//modules"
#: Where Batch writes when a definition names no log group.
LOG_GROUP = "/aws/batch/job"
_OF_JOBS_YAML = {"image", "queue", "permissions", "managed_policy_arns", "job_role_arn", "execution_role_arn"}
_FIRST = ("name", "image", "command", "schedule", "job_queue_arn", "vcpus", "memory_mib", "timeout_seconds")


@dataclass(slots=True)
class Files:
    """What the two files are made of.

    Attributes:
        options: The setting `modules` says where the modules are.
        place: Account and region.
        resources: Further blocks of main.tf, such as roles: head and content.
        imports: Address and id of each import.
        references: Expressions for ARNs of resources that main.tf has itself.
        queue_arn: A queue for definitions that nothing starts.
        has_decisions: Whether a person has to decide something before the files are applied.
    """

    options: Options
    place: Place
    resources: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    imports: list[tuple[str, str]] = field(default_factory=list)
    references: dict[str, Code] = field(default_factory=dict)
    queue_arn: str = ""
    has_decisions: bool = False


def write(files: Files, sources: Sequence[Source]) -> dict[str, str]:
    """The texts of main.tf and import.tf; none where no definition could be imported.

    Raises:
        UnknownNamesError: A name or an ARN is not known: which.
    """
    sources = [source for source in sources if source.read is not None]
    if not sources:
        return {}
    if not files.place.is_known:
        raise UnknownNamesError("account and region")
    jobs: dict[str, dict[str, Any]] = {}
    further: list[tuple[str, Mapping[str, Any]]] = []
    imports = [*files.imports]
    for source in sources:
        key = source.jobs[0]
        address = f'module.job["{key}"]'
        jobs[key] = _arguments(source, files)
        revision = source.revision or "1"
        arn = files.place.arn("batch", f"job-definition/{source.name}:{revision}")
        imports.append((f"{address}.aws_batch_job_definition.job_definition", arn))
        own = triggers.of_module(source)
        for trigger in source.triggers:
            if trigger is own:
                jobs[key] |= triggers.arguments(trigger, files.references)
                imports += triggers.imports_of_module(trigger, address)
            else:
                blocks, ids = triggers.beside(trigger, source, address, files.references)
                further += blocks
                imports += ids
    _known(imports)
    _known(jobs)
    _known([*further, *files.resources])
    texts = [_terraform(), *(block(*each) for each in files.resources), *_jobs(jobs, files)]
    texts += [block(*each) for each in further]
    if files.has_decisions:
        texts.insert(0, "# import-report.md lists what has to be decided before this is applied.")
    return {"main.tf": "\n\n".join(texts) + "\n", "import.tf": _imports(imports)}


def _known(value: Any) -> None:
    found = names_in([list(each) for each in value] if isinstance(value, list) else value)
    if found:
        raise UnknownNamesError(", ".join(found))


def _arguments(source: Source, files: Files) -> dict[str, Any]:
    """The module's arguments for one definition."""
    assert source.read is not None  # noqa: S101 - the caller leaves others out
    settings = copy.deepcopy(source.read.settings)
    fill(settings, quiet())
    if "image" not in settings:
        raise UnknownNamesError(f"the image of {source.name}")
    queue = next((trigger.queue for trigger in source.triggers if trigger.queue), files.queue_arn)
    if not queue:
        raise UnknownNamesError("a job queue")
    found: dict[str, Any] = {
        "name": source.name,
        "image": _address(settings["image"], files.place),
        "job_queue_arn": queue_arn(queue, files.place),
        "capacity": "FARGATE" if source.read.is_fargate else "EC2",
        **{key: value for key, value in settings.items() if key not in _OF_JOBS_YAML},
        "create_log_group": False,
        "log_group_name": source.read.log_group or LOG_GROUP,
    }
    for to, (node, key) in source.read.roles.items():
        arn = node.reference(key)
        if arn:
            found[f"create_{to.removesuffix('_arn')}"] = False
            found[to] = files.references.get(arn, arn)
    _resolve(found, files.place)
    for each in found.get("containers", {}).values():
        if "image" in each:
            each["image"] = _address(each["image"], files.place)
        _resolve(each, files.place)
    return found


def _resolve(found: dict[str, Any], place: Place) -> None:
    """ARNs in place of the short names of secrets."""
    if "secrets" in found:
        found["secrets"] = {name: secret_arn(each, place) for name, each in found["secrets"].items()}
    if hidden := found.get("log", {}).get("secret_options"):
        arns = {name: secret_arn(each, place) for name, each in hidden.items()}
        found["log"] = {**found["log"], "secret_options": arns}


def queue_arn(queue: str, place: Place) -> str:
    """A queue's ARN, of its name or its ARN."""
    return queue if queue.startswith("arn:") else place.arn("batch", f"job-queue/{queue_name(queue)}")


def _address(fields: Mapping[str, str], place: Place) -> str:
    repository = fields["repository"]
    suffix = f"@{fields['digest']}" if "digest" in fields else f":{fields['tag']}"
    if image_fields(repository)["repository"] != repository:
        domain = "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"
        repository = f"{place.account}.dkr.ecr.{place.region}.{domain}/{repository}"
    return f"{repository}{suffix}"


def _terraform() -> str:
    aws = {"source": "hashicorp/aws", "version": ">= 5.100, < 7"}
    return block("terraform", {"required_providers": Block(aws=aws)})


def _jobs(jobs: Mapping[str, Mapping[str, Any]], files: Files) -> list[str]:
    """The jobs' own settings in `locals`, and the module with those that all have."""
    names = dict.fromkeys([*_FIRST, *(name for job in jobs.values() for name in job)])
    shared: dict[str, Any] = {}
    for name in names:
        values = [job[name] for job in jobs.values() if name in job]
        is_same = len(values) == len(jobs) and all(each == values[0] for each in values)
        if is_same and (len(jobs) > 1 or name not in _FIRST):
            shared[name] = values[0]
    own = {key: {name: job[name] for name in names if name in job and name not in shared} for key, job in jobs.items()}
    module: dict[str, Any] = {
        "source": _source(files.options),
        "for_each": Code("local.jobs"),
        "namespace": Code("null"),
    }
    for name in names:
        if name in shared:
            module[name] = shared[name]
        elif all(name in job for job in jobs.values()):
            module[name] = Code(f"each.value.{name}")
        elif any(name in job for job in jobs.values()):
            module[name] = Code(f"try(each.value.{name}, null)")
    return [_locals(own), block('module "job"', module)]


def _locals(own: Mapping[str, Mapping[str, Any]]) -> str:
    inner = "\n".join(block(f"{_name(key)} =", each, 2) for key, each in own.items())
    return f"locals {{\n  jobs = {{\n{inner}\n  }}\n}}"


def _name(key: str) -> str:
    return key if key[:1].isalpha() else expression(key)


def _source(options: Options) -> str:
    base = options.settings.get("modules", MODULES)
    reference = f"?ref=v{version('batchtab')}" if base.startswith("git::") and "?" not in base else ""
    path, question, query = base.partition("?")
    return f"{path.rstrip('/')}/scheduled_job{question}{query}{reference}"


def _imports(imports: Sequence[tuple[str, str]]) -> str:
    first = "# Can be deleted after the apply.\n"
    return first + "\n".join(block("import", {"to": Code(to), "id": id_}) + "\n" for to, id_ in imports)
