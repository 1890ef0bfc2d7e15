"""A rule or schedule, its target and its task definition as a job of jobs.yaml."""

from __future__ import annotations

from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.images import image_fields
from batchtab.importers.imported import Imported, ImportedJob
from batchtab.importers.kinds.ecs import task
from batchtab.importers.kinds.ecs.loose import Loose, scalar, shown
from batchtab.importers.kinds.ecs.overrides import overrides_of, run_task
from batchtab.importers.kinds.ecs.starts import Start
from batchtab.importers.kinds.ecs.timing import schedule_of
from batchtab.importers.naming import job_name
from batchtab.importers.options import Options

#: The longest that Batch lets a job run on Fargate: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
LONGEST_SECONDS = 14 * 86_400
NO_LIMIT = "14 days, the longest that Batch allows on Fargate"
_ARRAY_MAX = 10_000
_A_DAY = 86_400
_AWS = "Arn Id TagsAll EventBusName CreatedBy ForceDestroy ManagedBy CreationDate LastModificationDate Region AccountId"
_PLACING = "PlacementConstraints PlacementConstraint PlacementStrategy PlacementStrategies OrderedPlacementStrategy"
_OF_TRIGGER = "Batchtab makes a role that may submit this job only"


def add(start: Start, imported: Imported, options: Options) -> None:
    """Import what one target starts."""
    taken = {each.name for each in imported.jobs}
    name = job_name(start.name, taken)
    findings = imported.findings
    trigger, target = start.trigger.node(findings, name), start.target.node(findings, name)
    if start.trigger is start.target:
        target = trigger
    job = ImportedJob(name, start.trigger.place)
    imported.jobs.append(job)
    for key in start.unused:
        trigger.take(key)
    trigger.change("Name|NamePrefix", f"the job's name, {name}")
    _description(trigger, job)
    job.settings |= schedule_of(trigger, imported, name)
    ecs = run_task(target) or (target if target is trigger else target.child("EcsParameters|EcsTarget"))
    if target is not trigger and "EcsParameters|EcsTarget" not in target:
        target.take("Input")
        target.at("Input").changed(target.field("Input"), "…", "the fields below, of ECS's RunTask")
        overrides = ecs.child("Overrides")
    else:
        overrides = overrides_of(target)
    definition = start.task.node(findings, name) if start.task else Loose({}, trigger.recorder, "taskDefinition")
    _link(ecs, start)
    job.settings |= task.settings(definition, overrides, options)
    if "image" not in job.settings and options.image:
        job.settings["image"] = image_fields(options.image)
    _parameters(ecs, job.settings, options)
    _delivery(trigger, target, job.settings)
    job.settings["timeout_seconds"] = LONGEST_SECONDS
    trigger.recorder.changed("timeout", "none", f"timeout_seconds: {LONGEST_SECONDS}, {NO_LIMIT}; ECS has no limit")
    _tags(trigger, ecs, job.settings)
    for node in (overrides, ecs, target, trigger):
        node.rest()


def _description(trigger: Loose, job: ImportedJob) -> None:
    text = scalar(trigger.take("Description"))
    if text:
        written = trigger.carry("Description", "description")
        if written:
            job.settings["description"] = str(written)
    else:
        trigger.leave("Description", "is empty")


def _link(ecs: Loose, start: Start) -> None:
    """The task definition that the target names."""
    key = "TaskDefinitionArn|TaskDefinition"
    if start.task:
        ecs.change(key, "the fields below, of this task definition")
        return
    ecs.recorder.not_carried(
        ecs.field(key),
        shown(start.task_name),
        "its task definition is not in the files",
        "give it too: aws ecs describe-task-definition --task-definition NAME > task-definition.json",
    )
    ecs.take(key)


def _parameters(ecs: Loose, settings: dict[str, Any], options: Options) -> None:
    count = ecs.number("TaskCount|Count")
    if count is not None and 1 < count <= _ARRAY_MAX:
        settings["array_size"] = count
        ecs.change("TaskCount|Count", "array_size: a job with children, each with AWS_BATCH_JOB_ARRAY_INDEX")
    elif count is not None and count > _ARRAY_MAX:
        ecs.leave("TaskCount|Count", f"an array has at most {_ARRAY_MAX} children", "write array_size, or several jobs")
    else:
        ecs.carry("TaskCount|Count", "a run is one job")
    version = scalar(ecs.take("PlatformVersion"))
    if version and options.is_fargate:
        written = ecs.carry("PlatformVersion", "platform_version")
        if written and written != "LATEST":
            settings["platform_version"] = written
    else:
        ecs.leave("PlatformVersion", "is for Fargate only" if version else "is empty")
    _capacity(ecs, options)
    _network(ecs, settings, options)
    if str(ecs.take("EnableExecuteCommand")).lower() == "true":
        if settings.get("read_only_root_filesystem") is False:
            settings["exec"] = True
            ecs.carry("EnableExecuteCommand", "exec")
        else:
            ecs.leave("EnableExecuteCommand", "exec needs a root that is not read-only", "decide between the two")
    else:
        ecs.carry("EnableExecuteCommand", "exec")
    ecs.leave("Group", "Batch has no groups of tasks")
    ecs.leave("ReferenceId|StartedBy", "is a note for programs that read tasks")
    ecs.leave("ClientToken", "Batchtab gives each run an id")
    ecs.leave("Cluster", "a job runs in a queue, not in a cluster")
    ecs.skip(_PLACING, "the compute environment of the job's queue decides")
    ecs.change("PropagateTags", "Batchtab tags the tasks with the job's tags")
    ecs.leave("EnableEcsManagedTags", "Batchtab has tags of its own")


def _capacity(ecs: Loose, options: Options) -> None:
    kind = scalar(ecs.take("LaunchType"))
    here = "Fargate" if options.is_fargate else "EC2"
    if kind == "EXTERNAL":
        ecs.leave("LaunchType", "Batch runs no jobs on machines outside AWS", "decide where the job runs")
    elif kind:
        ecs.change("LaunchType", f"the job's queue decides: here {here}")
    else:
        ecs.leave("LaunchType", "is empty")
    for each in ecs.children("CapacityProviderStrategy"):
        provider = scalar(each.take("CapacityProvider"))
        if provider == "FARGATE_SPOT":
            each.leave("CapacityProvider", "the job's queue decides", "choose a queue with capacity FARGATE_SPOT")
        else:
            each.change("CapacityProvider", f"the job's queue decides: here {here}")
        each.skip("Base Weight", "a job runs in one compute environment")
        each.rest()


def _network(ecs: Loose, settings: dict[str, Any], options: Options) -> None:
    outer = ecs.child("NetworkConfiguration")
    # Terraform has no level between.
    node = outer.child("AwsvpcConfiguration|AwsVpcConfiguration") if len(outer.data) == 1 else outer
    node = node or outer
    public = node.take("AssignPublicIp")
    if str(public).upper() in {"ENABLED", "TRUE"}:
        if options.is_fargate:
            settings["assign_public_ip"] = True
            node.carry("AssignPublicIp", "assign_public_ip")
        else:
            node.leave("AssignPublicIp", "the stage's compute environment decides on EC2")
    else:
        node.carry("AssignPublicIp", "assign_public_ip")
    node.leave("Subnets", "the stage's network decides, in config/<stage>.yaml")
    node.leave("SecurityGroups", "the stage's network decides, in config/<stage>.yaml")
    node.rest()
    outer.rest()


def _delivery(trigger: Loose, target: Loose, settings: dict[str, Any]) -> None:
    """Roles, retries of a delivery and its dead-letter queue."""
    target.leave("TargetId|Id", "Batchtab names the target")
    target.change("Rule", "the job's trigger")
    target.leave("Arn|Cluster|ClusterArn|TargetArn", "a job runs in a queue, not in a cluster")
    for node in {id(each): each for each in (trigger, target)}.values():
        node.leave("RoleArn|Role", _OF_TRIGGER)
        node.skip(_AWS, "AWS or the tool sets it")
        node.leave("GroupName", "Batchtab makes a group of schedules")
        node.leave("KmsKeyArn", "Batchtab's schedules are encrypted with AWS's own key")
        if scalar(node.take("ActionAfterCompletion")) == "DELETE":
            node.leave("ActionAfterCompletion", "Terraform deletes a schedule when the job is taken out of jobs.yaml")
        else:
            node.leave("ActionAfterCompletion", "Batchtab's schedules stay")
    letters = target.child("DeadLetterConfig")
    for key in [*letters.data]:
        letters.leave(str(key), "Batchtab makes a dead-letter queue, which its alerts watch")
    retry = target.child("RetryPolicy")
    age = retry.number("MaximumEventAgeInSeconds")
    if age == _A_DAY:
        retry.change(
            "MaximumEventAgeInSeconds", "the default of EventBridge; Batchtab retries until the next run is due"
        )
    elif age is not None and "schedule" in settings:
        settings["starting_deadline_seconds"] = max(60, age)
        retry.carry("MaximumEventAgeInSeconds", "starting_deadline_seconds")
    else:
        retry.leave("MaximumEventAgeInSeconds", "without a schedule nothing is delivered")
    retry.change("MaximumRetryAttempts|MaximumRetries", "Batchtab retries a delivery until the next run is due")
    retry.rest()
    target.skip(
        "SqsParameters SqsTarget SageMakerPipelineParameters EventBridgeParameters KinesisParameters",
        "is for other targets",
    )
    target.child("SqsParameters")


def _tags(trigger: Loose, ecs: Loose, settings: dict[str, Any]) -> None:
    tags = settings.get("tags", {})
    for node in {id(each): each for each in (ecs, trigger)}.values():
        tags = task.tags_of(node, "Tags|TagList") | tags
    if tags:
        settings["tags"] = tags


def networks(imported: Imported) -> None:
    """One thing to do about all subnets and security groups that the source names."""
    named: dict[str, None] = {}
    for each in imported.findings:
        if each.field.lower().replace("_", "").endswith(("securitygroups", "subnets")):
            values = each.value if isinstance(each.value, (list, tuple)) else [each.value]
            named |= dict.fromkeys(str(shown(value)) for value in values if not isinstance(value, dict))
    if named:
        Recorder(imported.findings).not_carried(
            "subnets and security groups",
            ", ".join(named),
            "jobs run in the network of their stage",
            "make sure that network in config/<stage>.yaml reaches what the jobs need",
        )
