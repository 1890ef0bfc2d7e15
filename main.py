"""The app: one stage's configuration and the job files become Terraform stacks.

`BATCHTAB_STAGE` names the stage (default `local`). The stacks are `network` (only where the stage makes one),
`environment`, and `jobs-<service>` for each service. The later ones read the earlier ones' outputs from the remote
state, so that each can be planned and deployed alone.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import limits
from jobs.alerting import routes, watched
from jobs.catalog import Catalog, load
from jobs.chain import resolve
from jobs.image import ImageRef
from jobs.job import JobSpec
from jobs.problems import Problems
from jobs.schedule import next_runs
from jobs.spec import ServiceSpec

if TYPE_CHECKING:  # loading cdktf takes seconds, and faults of the files should not wait for it
    from modules._stacks import Stage, StageStack

ROOT = Path(__file__).resolve().parent
DEFAULT_STAGE = "local"
_PERIOD_ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)  # any moment, but a fixed one: a synth must not depend on the day
_PERIOD_SAMPLES = 12
_LONGEST_EVENT_AGE_SECONDS = 3600


def main() -> int:
    """Synthesizes the stage into cdktf's output folder; returns the exit status."""
    try:
        catalog = load(os.environ.get("BATCHTAB_STAGE", DEFAULT_STAGE), ROOT)
    except Problems as problems:
        print(problems, file=sys.stderr)
        return problems.exit_code
    try:
        synthesize(catalog)
    except ValueError as error:  # a construct refuses what the checks of the files let through
        print(f"main.py: {error}", file=sys.stderr)
        return Problems.exit_code
    return 0


def synthesize(catalog: Catalog, outdir: str | None = None) -> None:
    """Writes all stacks of a stage.

    Args:
        catalog: The stage and its services, checked.
        outdir: Where to; by default where the cdktf CLI wants it.
    """
    _find_node()
    from cdktf import App  # noqa: PLC0415

    from modules._stacks import Stage  # noqa: PLC0415

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
    """Lets jsii use the checkout's own Node, and keep its files in the checkout; the caller's settings win."""
    node = ROOT / ".batchtab" / "bin" / "node"
    if node.exists():
        os.environ.setdefault("JSII_NODE", str(node))
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(ROOT / ".batchtab" / "jsii"))
    os.environ.setdefault("NODE_OPTIONS", "--no-deprecation")  # cdktf 0.21 calls what Node 24 will drop


def _network_stack(app: Any, stage: Stage, catalog: Catalog) -> StageStack:
    from modules._network import Network  # noqa: PLC0415
    from modules._stacks import StageStack  # noqa: PLC0415

    stack = StageStack(app, "network", stage)
    network = Network(
        stack, "Default", namespace=stage.namespace, cidr=catalog.stage.network.cidr or limits.NETWORK_CIDR
    )
    stack.output("subnet_ids", network.subnet_ids, "Subnets for jobs.")
    stack.output("security_group_ids", [network.security_group_id], "Security groups for jobs.")
    return stack


def _environment_stack(app: Any, stage: Stage, catalog: Catalog, network: StageStack | None) -> StageStack:
    from modules._stacks import StageStack  # noqa: PLC0415
    from modules.batch_environment import BatchEnvironment  # noqa: PLC0415
    from modules.job_alerts import JobAlerts  # noqa: PLC0415
    from modules.runner_repository import RunnerRepository  # noqa: PLC0415

    config = catalog.stage
    settings = config.environment
    stack = StageStack(app, "environment", stage)
    environment = BatchEnvironment(
        stack,
        "Default",
        namespace=stage.namespace,
        subnet_ids=stack.read(network, "subnet_ids") if network else config.network.subnet_ids,
        security_group_ids=(
            stack.read(network, "security_group_ids") if network else config.network.security_group_ids
        ),
        capacity=settings.capacity,
        instance_types=settings.instance_types,
        min_vcpus=settings.min_vcpus,
        max_vcpus=settings.max_vcpus,
        queues=settings.queues,
        runnable_timeout_seconds=settings.runnable_timeout_seconds,
        image_repository_arns=sorted(_repository_arns(catalog)),
        log_retention_days=config.log_retention_days,
        alarm_topic_arns=config.alerts.alarm_topic_arns,
    )
    alerts = config.alerts
    JobAlerts(
        stack,
        "alerts",
        namespace=stage.namespace,
        job_queue_arns=[environment.job_queue_arn(name) for name in settings.queues],
        function_name=alerts.function_name,
        function_region=alerts.function_region,
        webhook_secret_arn=alerts.webhook_secret_arn,
        webhook_kms_key_arn=alerts.webhook_kms_key_arn,
        channel=alerts.channel,
        stage=config.name,
        quiet=alerts.quiet,
        repeat_seconds=alerts.repeat_seconds,
        routes=routes(catalog.services) if alerts.quiet else None,
        schedules={
            name: {
                "schedule": job.schedule,
                "job_queue_arn": environment.job_queue_arn(job.queue),
                "late_after_seconds": job.alerts.late_after_seconds,
            }
            for name, job in watched(catalog.services)
        },
        trigger_dead_letter_queue_arn=environment.trigger_dead_letter_queue["arn"],
        log_retention_days=config.log_retention_days,
        alarm_topic_arns=alerts.alarm_topic_arns,
    )
    if alerts.stand_in:
        from modules._stand_in.construct import StandInSlack  # noqa: PLC0415

        StandInSlack(stack, "slack", function_name=alerts.function_name, log_retention_days=config.log_retention_days)
    for repository in config.repositories:
        RunnerRepository(stack, f"repository_{repository}", name=repository, force_delete=config.is_local)
    for name in settings.queues:
        stack.output(f"job_queue_arn_{name}", environment.job_queue_arn(name), f"ARN of the queue {name}.")
    stack.output("trigger_role_arn", environment.trigger_role["arn"], "Role that rules submit jobs with.")
    stack.output("log_group_name", environment.log_group["name"], "Log group of the jobs.")
    stack.output(
        "trigger_dead_letter_queue_arn", environment.trigger_dead_letter_queue["arn"], "What triggers could not submit."
    )
    if settings.is_fargate:
        stack.output("execution_role_arn", environment.execution_role["arn"], "Execution role on Fargate.")
    return stack


def _jobs_stack(app: Any, stage: Stage, catalog: Catalog, service: ServiceSpec, environment: StageStack) -> StageStack:
    from modules._stacks import StageStack  # noqa: PLC0415
    from modules.scheduled_job import ScheduledJob  # noqa: PLC0415

    config = catalog.stage
    stack = StageStack(app, f"jobs-{service.service}", stage)
    shared: dict[str, Any] = {
        "trigger_role_arn": stack.read(environment, "trigger_role_arn"),
        "log_group_name": stack.read(environment, "log_group_name"),
        "dead_letter_queue_arn": stack.read(environment, "trigger_dead_letter_queue_arn"),
    }
    for name, job in service.jobs.items():
        execution_role_arn: str | None = job.execution_role_arn
        if execution_role_arn is None and config.environment.is_fargate and not job.secrets:
            execution_role_arn = stack.read(environment, "execution_role_arn")
        ScheduledJob(
            stack,
            name,
            name=f"{service.service}-{name}",
            namespace=stage.namespace,
            image=image_uri(catalog, job.image),
            command=job.command,
            job_queue_arn=stack.read(environment, f"job_queue_arn_{job.queue}"),
            schedule=job.schedule,
            suspend=job.suspend,
            after=["-".join(resolve(service.service, reference)) for reference in job.after],
            after_status=job.after_status,
            concurrency_policy=job.concurrency_policy,
            description=job.description,
            capacity=config.environment.capacity,
            vcpus=job.vcpus,
            memory_mib=job.memory_mib,
            timeout_seconds=job.timeout_seconds,
            attempts=job.attempts,
            evaluate_on_exit=[rule.model_dump(exclude_none=True) for rule in job.evaluate_on_exit],
            array_size=job.array_size,
            environment=_environment(service.service, name, job),
            secrets={key: config.secret_arn(reference) for key, reference in job.secrets.items()},
            parameters=job.parameters or None,
            permissions=[{"actions": p.actions, "resources": p.resources} for p in job.permissions],
            read_only_root_filesystem=job.read_only_root_filesystem,
            ephemeral_storage_gib=job.ephemeral_storage_gib,
            assign_public_ip=job.assign_public_ip,
            job_role_arn=job.job_role_arn,
            execution_role_arn=execution_role_arn,
            maximum_event_age_seconds=maximum_event_age_seconds(job),
            tags=job.tags or None,
            **shared,
        )
    return stack


def _environment(service: str, name: str, job: JobSpec) -> dict[str, str]:
    """A job's variables; in the shared image the runner's log lines tell its name, which Batch does not."""
    if job.image is not None:
        return job.environment
    return {limits.RUNNER_VARIABLES["job_name"]: f"{service}-{name}", **job.environment}


def image_uri(catalog: Catalog, image: ImageRef | None) -> str:
    """An image's address: in the stage's own ECR unless its repository names another registry.

    `BATCHTAB_RUNNER_IMAGE_DIGEST` is the digest of the shared image that was built of these very sources, as
    `batchtab runner-image` found or built it: jobs that name no image then run just that one.
    """
    digest = None if image else os.environ.get("BATCHTAB_RUNNER_IMAGE_DIGEST")
    image = image or catalog.stage.runner_image
    if image is None:  # the catalog's checks let no such job through
        raise LookupError(f"stage {catalog.stage.name} has no runner_image")
    if not image.in_ecr:
        return str(image)
    if digest:
        image = ImageRef(repository=image.repository, digest=digest)
    config = catalog.stage
    domain = "amazonaws.com.cn" if config.partition == "aws-cn" else "amazonaws.com"
    return f"{config.account_id}.dkr.ecr.{config.region}.{domain}/{image}"


def maximum_event_age_seconds(job: JobSpec) -> int:
    """How long EventBridge may try to submit a run: less than the schedule's period, at most an hour.

    A run that could not be submitted for longer lies in the dead-letter queue; it would start beside the next one.
    """
    bounds = limits.DELIVERY_RETRY_AGE_SECONDS
    if job.schedule is None:  # a chain's next job may start late, but not never
        return _LONGEST_EVENT_AGE_SECONDS
    runs = next_runs(job.schedule, _PERIOD_ANCHOR, _PERIOD_SAMPLES)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(runs)]
    shortest = int(min(gaps, default=_LONGEST_EVENT_AGE_SECONDS + 1))
    return max(bounds.minimum, min(shortest - 1, _LONGEST_EVENT_AGE_SECONDS))


def _repository_arns(catalog: Catalog) -> set[str]:
    """The ECR repositories of all jobs' images, those of another account or region included."""
    uris = [image_uri(catalog, job.image) for service in catalog.services for job in service.jobs.values()]
    found = [re.match(limits.ECR_IMAGE_PATTERN, uri) for uri in uris]
    partition = catalog.stage.partition
    return {f"arn:{partition}:ecr:{image[2]}:{image[1]}:repository/{image[3]}" for image in found if image}


if __name__ == "__main__":
    sys.exit(main())
