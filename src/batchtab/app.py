"""The app: one stage's configuration and the job files become Terraform stacks.

`BATCHTAB_STAGE` names the stage (default `local`). The stacks are `network` (only where the stage makes one),
`environment`, and `jobs-<service>` for each service. The later ones read the earlier ones' outputs from the remote
state, so that each can be planned and deployed alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchtab import limits
from batchtab.declarations import trigger_arguments
from batchtab.declarations.alert_fields import AlertFields
from batchtab.declarations.alert_routes import routes, watched
from batchtab.declarations.catalog import Catalog, load
from batchtab.declarations.chain import resolve
from batchtab.declarations.container_fields import Log
from batchtab.declarations.environment import ComputeEnvironment as ComputeEnvironmentSpec
from batchtab.declarations.image_registry import image_uri, repository_arns
from batchtab.declarations.job import JobSpec
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.service import ServiceSpec
from batchtab.declarations.sidecars import ImageSidecar
from batchtab.declarations.stage import StageConfig
from batchtab.errors import UsageError
from batchtab.frameworks import FrameworkError

if TYPE_CHECKING:  # loading cdktf takes seconds, and faults of the files should not wait for it
    from batchtab.constructs.stage_stack import Stage, StageStack

DEFAULT_STAGE = "local"
#: What a job or a stage's alerts say is an argument of the construct by the same name.
_ALERT_FIELDS = AlertFields.model_fields.keys()
_SHARED_FIELDS = JobArguments.model_fields.keys() & JobSpec.model_fields.keys()


def main() -> int:
    """Synthesizes the stage of the project in this folder into cdktf's output folder; returns the exit status."""
    root = Path()
    try:
        catalog = load(os.environ.get("BATCHTAB_STAGE", DEFAULT_STAGE), root)
    except UsageError as problems:
        print(problems, file=sys.stderr)
        return problems.exit_code
    try:
        synthesize(catalog)
    except FrameworkError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except ValueError as error:  # a construct refuses what the checks of the files let through
        print(f"main.py: {error}", file=sys.stderr)
        return UsageError.exit_code
    return 0


def synthesize(catalog: Catalog, outdir: str | None = None) -> None:
    """Writes all stacks of a stage.

    Args:
        catalog: The stage and its services, checked.
        outdir: Where to; by default where the cdktf CLI wants it.
    """
    _find_node()
    from batchtab.constructs._terraform.framework import App  # noqa: PLC0415
    from batchtab.constructs.stage_stack import Stage  # noqa: PLC0415

    config = catalog.stage
    app = App(outdir=outdir)
    stage = Stage(
        name=config.name,
        namespace=config.prefix,
        region=config.region,
        account_id=config.account_id,
        state_bucket=config.state.bucket,
        tags=config.tags,
    )
    network = _network_stack(app, stage, catalog) if config.network.create else None
    environment = _environment_stack(app, stage, catalog, network)
    for service in catalog.services:
        _jobs_stack(app, stage, catalog, service, environment)
    app.synth()


def _find_node() -> None:
    """Lets jsii use the project's own Node, and keep its files in the project; the caller's settings win."""
    state = Path(".batchtab").resolve()
    node = state / "bin" / "node"
    if node.exists():
        os.environ.setdefault("JSII_NODE", str(node))
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(state / "jsii"))
    os.environ.setdefault("NODE_OPTIONS", "--no-deprecation")  # cdktf 0.21 calls what Node 24 will drop


def _network_stack(app: Any, stage: Stage, catalog: Catalog) -> StageStack:
    from batchtab.constructs.network import Network  # noqa: PLC0415
    from batchtab.constructs.stage_stack import StageStack  # noqa: PLC0415

    stack = StageStack(app, "network", stage)
    network = Network(
        stack, "Default", namespace=stage.namespace, cidr=catalog.stage.network.cidr or limits.NETWORK_CIDR
    )
    stack.output("subnet_ids", network.subnet_ids, "Subnets for jobs.")
    stack.output("security_group_ids", [network.security_group_id], "Security groups for jobs.")
    return stack


def _environment_stack(app: Any, stage: Stage, catalog: Catalog, network: StageStack | None) -> StageStack:
    from constructs import Construct  # noqa: PLC0415

    from batchtab.constructs.batch_environment import BatchEnvironment, Queue, SchedulingPolicy  # noqa: PLC0415
    from batchtab.constructs.compute_environment import ComputeEnvironment  # noqa: PLC0415
    from batchtab.constructs.job_alerts import JobAlerts  # noqa: PLC0415
    from batchtab.constructs.job_runs import JobRuns  # noqa: PLC0415
    from batchtab.constructs.runner_repository import RunnerRepository  # noqa: PLC0415
    from batchtab.constructs.stage_stack import StageStack  # noqa: PLC0415

    config = catalog.stage
    settings = config.environment
    stack = StageStack(app, "environment", stage)
    where: dict[str, Any] = {
        "namespace": stage.namespace,
        "subnet_ids": stack.read(network, "subnet_ids") if network else config.network.subnet_ids,
        "security_group_ids": (
            stack.read(network, "security_group_ids") if network else config.network.security_group_ids
        ),
        "permissions_boundary_arn": config.permissions_boundary_arn,
    }
    # Their names are the user's, and must not collide with those of the stack's own constructs.
    environments = Construct(stack, "environments")
    further = {
        name: ComputeEnvironment(environments, name, name=name, **where, **_capacity(each))
        for name, each in config.environments.items()
    }
    environment = BatchEnvironment(
        stack,
        "Default",
        **where,
        **_capacity(settings),
        further_compute_environments=further,
        queues={
            name: Queue(
                **queue.model_dump(exclude={"scheduling_policy"}),
                scheduling_policy=SchedulingPolicy(**policy.model_dump())
                if (policy := queue.scheduling_policy)
                else None,
            )
            for name, queue in settings.queues.items()
        },
        runnable_timeout_seconds=settings.runnable_timeout_seconds,
        image_repository_arns=repository_arns(catalog),
        log_retention_days=config.log_retention_days,
        alarm_topic_arns=config.alerts.alarm_topic_arns,
    )
    queue_arns: list[str] = [environment.job_queue_arn(name) for name in settings.queues]
    runs = JobRuns(
        stack,
        "runs",
        namespace=stage.namespace,
        job_queue_arns=queue_arns,
        trigger_dead_letter_queue_arn=environment.trigger_dead_letter_queue["arn"],
        history_days=config.runs.history_days,
        log_retention_days=config.log_retention_days,
        permissions_boundary_arn=config.permissions_boundary_arn,
    )
    alerts = config.alerts
    schedules: dict[str, Any] = {
        name: {**trigger_arguments.watched(job), "job_queue_arn": environment.job_queue_arn(job.queue)}
        for name, job in watched(catalog.services)
    }
    JobAlerts(
        stack,
        "alerts",
        namespace=stage.namespace,
        job_queue_arns=queue_arns,
        **{name: getattr(alerts, name) for name in _ALERT_FIELDS & alerts.model_fields_set},
        stage=config.name,
        routes=routes(catalog.services) if alerts.quiet else {},
        schedules=schedules,
        trigger_dead_letter_queue_arn=environment.trigger_dead_letter_queue["arn"],
        runs_table_arn=runs.table["arn"],
        log_retention_days=config.log_retention_days,
        permissions_boundary_arn=config.permissions_boundary_arn,
    )
    if alerts.stand_in:
        from batchtab.constructs.slack_stand_in import StandInSlack  # noqa: PLC0415

        StandInSlack(
            stack,
            "slack",
            function_name=alerts.function_name,
            log_retention_days=config.log_retention_days,
            permissions_boundary_arn=config.permissions_boundary_arn,
        )
    for repository in config.repositories:
        RunnerRepository(stack, f"repository_{repository}", name=repository, force_delete=config.is_local)
    for name in settings.queues:
        stack.output(f"job_queue_arn_{name}", environment.job_queue_arn(name), f"ARN of the queue {name}.")
    stack.output("trigger_role_arn", environment.trigger_role["arn"], "Role that rules submit jobs with.")
    stack.output("log_group_name", environment.log_group["name"], "Log group of the jobs.")
    stack.output(
        "trigger_dead_letter_queue_arn", environment.trigger_dead_letter_queue["arn"], "What triggers could not submit."
    )
    stack.output("submit_function_arn", runs.function["arn"], "Function that submits runs which need a decision.")
    if any(each.is_fargate for each in config.compute_environments.values()):
        stack.output("execution_role_arn", environment.execution_role["arn"], "Execution role on Fargate.")
    return stack


def _capacity(settings: ComputeEnvironmentSpec) -> dict[str, Any]:
    """What a compute environment's settings are called in its construct: the same."""
    return {name: getattr(settings, name) for name in ComputeEnvironmentSpec.model_fields}


def _jobs_stack(app: Any, stage: Stage, catalog: Catalog, service: ServiceSpec, environment: StageStack) -> StageStack:
    from batchtab.constructs.schedule_group import ScheduleGroup  # noqa: PLC0415
    from batchtab.constructs.scheduled_job import ScheduledJob  # noqa: PLC0415
    from batchtab.constructs.scheduled_job.grants import is_cached  # noqa: PLC0415
    from batchtab.constructs.stage_stack import StageStack  # noqa: PLC0415

    config = catalog.stage
    stack = StageStack(app, f"jobs-{service.service}", stage)
    shared: dict[str, Any] = {
        "trigger_role_arn": stack.read(environment, "trigger_role_arn"),
        "log_group_name": stack.read(environment, "log_group_name"),
        "dead_letter_queue_arn": stack.read(environment, "trigger_dead_letter_queue_arn"),
        "permissions_boundary_arn": config.permissions_boundary_arn,
    }
    group_name = None
    if any(map(_is_scheduled, service.jobs.values())):
        # With a dot, which no job's name has.
        group = ScheduleGroup(stack, "service.schedule", namespace=stage.namespace, service=service.service)
        group_name = group.name
    for name, job in service.jobs.items():
        image = image_uri(catalog, job.image)
        execution_role_arn: str | None = job.execution_role_arn
        is_shared = config.is_fargate(job.queue) and not job.reads_secrets and not is_cached(image)
        if execution_role_arn is None and is_shared:
            execution_role_arn = stack.read(environment, "execution_role_arn")
        arguments = {field: getattr(job, field) for field in _SHARED_FIELDS} | {
            **trigger_arguments.timing(job),
            **shared,
            "name": f"{service.service}-{name}",
            "namespace": stage.namespace,
            "image": image,
            "job_queue_arn": stack.read(environment, f"job_queue_arn_{job.queue}"),
            "after": ["-".join(resolve(service.service, reference)) for reference in job.after],
            "after_all": ["-".join(resolve(service.service, reference)) for reference in job.after_all],
            "submit_function_arn": stack.read(environment, "submit_function_arn") if job.is_managed else None,
            "schedule_group_name": group_name if _is_scheduled(job) else None,
            "capacity": config.capacity_of(job.queue),
            "environment": _environment(service.service, name, job),
            "secrets": _secret_arns(config, job.secrets),
            "log": _log(config, job.log),
            "containers": {key: _sidecar(catalog, each) for key, each in job.containers.items()},
            "secrets_kms_key_arns": config.secrets_kms_key_arns if job.reads_secrets else (),
            "permissions": _permissions(job),
            "execution_role_arn": execution_role_arn,
        }
        if job.concurrency_policy != "queue":
            del arguments["queue_limit"]  # its default has no effect then
        ScheduledJob(stack, name, **arguments)
    return stack


def _secret_arns(config: StageConfig, secrets: dict[str, str]) -> dict[str, str]:
    return {key: config.secret_arn(reference) for key, reference in secrets.items()}


def _log(config: StageConfig, log: Log) -> dict[str, Any]:
    return {**log.model_dump(), "secret_options": _secret_arns(config, log.secret_options)}


def _sidecar(catalog: Catalog, sidecar: ImageSidecar) -> dict[str, Any]:
    """A container beside the job's own, with addresses and ARNs."""
    return {
        **sidecar.model_dump(exclude_none=True),
        "image": image_uri(catalog, sidecar.image) if sidecar.image else None,
        "secrets": _secret_arns(catalog.stage, sidecar.secrets),
        "log": _log(catalog.stage, sidecar.log),
    }


def _is_scheduled(job: JobSpec) -> bool:
    """Whether a schedule of EventBridge Scheduler starts the job."""
    timing = job.timing
    return timing is not None and timing.trigger == "schedule"


def _is_guarded(job: JobSpec) -> bool:
    """Whether the runner lets a run give way, as well as the submit function: so manual runs do too."""
    return job.image is None and job.concurrency_policy == "forbid"


def _environment(service: str, name: str, job: JobSpec) -> dict[str, str]:
    """A job's variables; in the shared image the runner's log lines show its name, which Batch does not."""
    if job.image is not None:
        return job.environment
    own = {limits.RUNNER_VARIABLES["job_name"]: f"{service}-{name}"}
    if _is_guarded(job):
        own[limits.RUNNER_VARIABLES["concurrency_policy"]] = job.concurrency_policy
    return {**own, **job.environment}


def _permissions(job: JobSpec) -> list[dict[str, Any]]:
    """What a job's program may do, and the runner's look at the queue, which AWS scopes to no resource."""
    own = [p.model_dump() for p in job.permissions]
    return [*own, {"actions": ["batch:ListJobs"], "resources": ["*"]}] if _is_guarded(job) else own
