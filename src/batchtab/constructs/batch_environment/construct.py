"""The compute environment, its job queues, and the roles and logs that jobs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Unpack

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.arguments import check, check_each
from batchtab.constructs._terraform.dead_letters import dead_letter_queue
from batchtab.constructs._terraform.expressions import (
    Expression,
    any_of,
    choose,
    is_expression,
    is_set,
    literals,
    one_of,
)
from batchtab.constructs._terraform.log_groups import log_group
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef
from batchtab.constructs._terraform.roles import ROOT_PATH, RoleSettings
from batchtab.constructs.batch_environment import roles
from batchtab.constructs.batch_environment.jobs import (
    JobPlace,
    PlaceArns,
    is_managed,
    needs_own_role,
    refuse_place,
    takes_schedule,
    unknown_queue,
)
from batchtab.constructs.batch_environment.queue_resources import job_queue, scheduling_policy
from batchtab.constructs.batch_environment.queues import Further, Queue, Queues
from batchtab.constructs.compute_environment import ComputeEnvironment
from batchtab.constructs.job_alerts import JobAlerts
from batchtab.constructs.job_runs import JobRuns
from batchtab.constructs.schedule_group import ScheduleGroup
from batchtab.constructs.scheduled_job import ScheduledJob
from batchtab.constructs.scheduled_job.job_arguments import JobOverrides
from batchtab.constructs.scheduled_job.queue_arn import QueueArn

_DEFAULTS = limits.ENVIRONMENT_DEFAULTS
_NONE: Mapping[str, Any] = MappingProxyType({})
#: job_alerts may read the triggers' dead-letter queue, with a function that runs two minutes at most; Lambda wants six
#: times that: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBILITY_TIMEOUT_SECONDS = 720


class BatchEnvironment(BatchtabConstruct):
    """Where jobs run: a managed compute environment, job queues on it, roles, a log group.

    Of the compute environment see `ComputeEnvironment`; a queue can try several of them in an order, such as Spot first
    and on demand behind it.

    A job that cannot be placed would wait in RUNNABLE for ever: after `runnable_timeout_seconds` at the head of its
    queue it is cancelled, and so reported as a failure.

    See https://docs.aws.amazon.com/batch/latest/userguide/job_queues.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        subnet_ids: Sequence[str] | Expression,
        security_group_ids: Sequence[str] | Expression,
        capacity: str = _DEFAULTS["capacity"],
        instance_types: Sequence[str] | Expression = _DEFAULTS["instance_types"],
        min_vcpus: int | Expression = _DEFAULTS["min_vcpus"],
        max_vcpus: int | Expression = _DEFAULTS["max_vcpus"],
        state: str = _DEFAULTS["state"],
        allocation_strategy: str | None = None,
        bid_percentage: int | Expression | None = None,
        root_volume_gib: int | Expression = _DEFAULTS["root_volume_gib"],
        user_data: str | None = None,
        launch_template_id: str | None = None,
        launch_template_version: int | Expression | None = None,
        image_type: str | None = None,
        image_id: str | None = None,
        instance_profile_arn: str | None = None,
        job_execution_timeout_minutes: int | Expression = _DEFAULTS["job_execution_timeout_minutes"],
        terminate_jobs_on_update: bool | Expression = _DEFAULTS["terminate_jobs_on_update"],
        further_compute_environments: Mapping[str, ComputeEnvironment | Mapping[str, str]] | Expression = _NONE,
        queues: Mapping[str, int | Queue] | Expression = _DEFAULTS["queues"],
        queue_settings: Mapping[str, Mapping[str, Any]] | Expression = _NONE,
        queue_name_prefix: str | None = None,
        runnable_timeout_seconds: int | Expression | None = _DEFAULTS["runnable_timeout_seconds"],
        image_repository_arns: Sequence[str] | Expression = (),
        log_retention_days: int | Expression = limits.STAGE_DEFAULTS["log_retention_days"],
        kms_key_arn: str | None = None,
        alarm_topic_arns: Sequence[str] | Expression = (),
        permissions_boundary_arn: str | None = None,
        role_path: str = ROOT_PATH,
        role_name_suffix: str = "",
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the environment.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: Names begin with it, and the trigger role is limited to rules, schedule groups and job
                definitions whose names do.
            subnet_ids: Of the environment's own compute environment, called `default` in queues; so are the following.
                It is not made where each queue is known to name others.
            security_group_ids: See `ComputeEnvironment`.
            capacity: See `ComputeEnvironment`. A change makes a new compute environment first.
            instance_types: See `ComputeEnvironment`.
            min_vcpus: See `ComputeEnvironment`.
            max_vcpus: See `ComputeEnvironment`.
            state: See `ComputeEnvironment`.
            allocation_strategy: See `ComputeEnvironment`.
            bid_percentage: See `ComputeEnvironment`.
            root_volume_gib: See `ComputeEnvironment`.
            user_data: See `ComputeEnvironment`.
            launch_template_id: See `ComputeEnvironment`.
            launch_template_version: See `ComputeEnvironment`.
            image_type: See `ComputeEnvironment`.
            image_id: See `ComputeEnvironment`.
            instance_profile_arn: See `ComputeEnvironment`.
            job_execution_timeout_minutes: See `ComputeEnvironment`.
            terminate_jobs_on_update: See `ComputeEnvironment`.
            further_compute_environments: By names for `compute_environments` of queues: a `ComputeEnvironment`, or the
                `arn` and `capacity` of one that is made elsewhere.
            queues: Name to priority (the higher number goes first), or to a `Queue`.
            queue_settings: What a `Queue` says beside its priority, by the queues' names: for expressions.
            queue_name_prefix: In front of the queues' names; None is `<namespace>-`. The empty text lets queues that
                were there before keep theirs.
            runnable_timeout_seconds: None leaves stuck jobs waiting.
            image_repository_arns: What Fargate's execution role may pull; by default every ECR repository of this
                account and region.
            log_retention_days: How long CloudWatch keeps the jobs' output.
            kms_key_arn: Encrypts the log group and the dead-letter queue instead of AWS's own keys.
            alarm_topic_arns: SNS topics to notify when a trigger could not submit its job.
            permissions_boundary_arn: For every role made here.
            role_path: Of every role made here.
            role_name_suffix: Of their names, which are the whole account's: for the same namespace in a second region.
            tags: On everything; see also the provider's default_tags.

        Raises:
            ValueError: a known value is outside what AWS allows.
        """
        super().__init__(scope, id_)
        tags = literals(tags)
        check("namespace", namespace, limits.NAMESPACE_ANY)
        check_each("image_repository_arns", image_repository_arns, limits.REPOSITORY_ARN)
        check_each("alarm_topic_arns", alarm_topic_arns, limits.TOPIC_ARN)
        check("kms_key_arn", kms_key_arn, limits.KMS_KEY_ARN)
        check("queue_name_prefix", queue_name_prefix, limits.QUEUE_NAME_PREFIX)
        check("runnable_timeout_seconds", runnable_timeout_seconds, limits.RUNNABLE_TIMEOUT_SECONDS)
        check("log_retention_days", log_retention_days, limits.LOG_RETENTION_DAYS)
        self.namespace = namespace
        self.capacity = capacity
        self._roles = RoleSettings(permissions_boundary_arn, role_path, role_name_suffix, tags)
        self._runs: JobRuns | None = None
        self._schedule_group: ScheduleGroup | None = None
        further = Further(_further(further_compute_environments))
        self._queues = Queues(queues, queue_settings)
        has_own = self._queues.need_own
        capacities = further.values("capacity", capacity if has_own else None)
        self._queues.check(capacities)

        self.log_group = log_group(
            self, f"/aws/batch/{namespace}", retention_days=log_retention_days, kms_key_arn=kms_key_arn, tags=tags
        )
        #: Where all of it is.
        self.account = account = Account.of_arn(self, self.log_group["arn"])
        own = None
        if has_own:
            own = ComputeEnvironment(
                self,
                "Default",
                namespace=namespace,
                name="",
                subnet_ids=subnet_ids,
                security_group_ids=security_group_ids,
                capacity=capacity,
                instance_types=instance_types,
                min_vcpus=min_vcpus,
                max_vcpus=max_vcpus,
                state=state,
                allocation_strategy=allocation_strategy,
                bid_percentage=bid_percentage,
                root_volume_gib=root_volume_gib,
                user_data=user_data,
                launch_template_id=launch_template_id,
                launch_template_version=launch_template_version,
                image_type=image_type,
                image_id=image_id,
                instance_profile_arn=instance_profile_arn,
                job_execution_timeout_minutes=job_execution_timeout_minutes,
                terminate_jobs_on_update=terminate_jobs_on_update,
                tags=tags,
                **self._roles.arguments,
            )
        #: The environment's own compute environment, and what its instances have; each may be absent.
        self.compute_environment = own.resource if own else ResourceRef("aws_batch_compute_environment", False)
        self.instance_role = own.instance_role if own else ResourceRef("aws_iam_role", False)
        self.instance_profile = own.instance_profile if own else ResourceRef("aws_iam_instance_profile", False)
        self.launch_template = own.launch_template if own else ResourceRef("aws_launch_template", False)
        arns = further.values("arn", self.compute_environment.get("arn"))
        self._capacities = capacities
        #: What the queues are called, with `each.key` in it.
        self.queue_name = name = f"{choose(is_set(queue_name_prefix), queue_name_prefix, f'{namespace}-')}${{each.key}}"
        #: Fair shares, by the short names of their queues.
        self.scheduling_policy = scheduling_policy(self, self._queues.policies, name, tags)
        self.job_queue = job_queue(
            self,
            self._queues,
            name=name,
            arns=arns,
            capacities=capacities,
            scheduling_policy=self.scheduling_policy,
            runnable_timeout_seconds=runnable_timeout_seconds,
            tags=tags,
        )
        self.trigger_dead_letter_queue, self.trigger_dead_letter_alarm = dead_letter_queue(
            self,
            "trigger_dead_letter",
            name=f"{namespace}-trigger-dead-letter",
            sender="events.amazonaws.com",
            source_arn=account.arn("events", f"rule/{namespace}-*"),
            description=f"A trigger of {namespace} could not submit its job: the event is in the queue.",
            kms_key_arn=kms_key_arn,
            alarm_topic_arns=alarm_topic_arns,
            tags=tags,
            visibility_timeout_seconds=_VISIBILITY_TIMEOUT_SECONDS,
            account=account,
        )
        self.trigger_role = roles.trigger_role(
            self,
            account,
            namespace,
            self.job_queue_arns,
            self.trigger_dead_letter_queue,
            kms_key_arn,
            self._roles,
        )
        self.execution_role = roles.execution_role(
            self,
            account,
            namespace,
            any_of(one_of(capacity, limits.FARGATE_CAPACITIES) if has_own else False, further.has_fargate),
            image_repository_arns,
            self.log_group,
            self._roles,
        )

    @property
    def job_queue_arns(self) -> Expression:
        """The queues' ARNs by their short names: a map."""
        return Expression.of(f"{{ for name, queue in {self.job_queue.address} : name => queue.arn }}")

    @property
    def job_queue_names(self) -> Expression:
        """The queues' whole names by their short names: a map."""
        return Expression.of(f"{{ for name, queue in {self.job_queue.address} : name => queue.name }}")

    @property
    def queue_capacities(self) -> Expression:
        """What each queue's jobs run on, by its short name: the capacity that is tried first; a map."""
        return self._queues.capacities(self._capacities)

    def job_queue_arn(self, name: str) -> QueueArn:
        """One queue's ARN, by its short name.

        Raises:
            InvalidArgumentError: The environment is known to have no such queue.
        """
        names = self._queues.names
        if names is not None and name not in names:
            raise unknown_queue(self.node.path, name, names)
        arn = QueueArn.of(f'{self.job_queue.address}["{name}"].arn')
        arn.namespace, arn.capacity = self.namespace, self._queues.capacity_of(name, self._capacities)
        policies = self._queues.policies
        arn.name, arn.shares = name, None if is_expression(policies) else name in policies
        return arn

    @property
    def trigger_role_arn(self) -> str:
        """Role that triggers submit jobs with."""
        return self.trigger_role["arn"]

    @property
    def log_group_name(self) -> str:
        """Log group of the jobs' output."""
        return self.log_group["name"]

    @property
    def trigger_dead_letter_queue_arn(self) -> str:
        """SQS queue that keeps events whose job could not be submitted."""
        return self.trigger_dead_letter_queue["arn"]

    @property
    def runs(self) -> JobRuns:
        """The function that decides about runs, made when a job first needs it."""
        if self._runs is None:
            self._runs = JobRuns(
                self._stack,
                f"{self._prefix}runs",
                namespace=self.namespace,
                job_queue_arns=self._all_queue_arns,
                trigger_dead_letter_queue_arn=self.trigger_dead_letter_queue_arn,
                **self._roles.arguments,
            )
        return self._runs

    @property
    def schedule_group(self) -> ScheduleGroup:
        """Group of the schedules of jobs that need EventBridge Scheduler, made when one first does."""
        if self._schedule_group is None:
            id_ = f"{self._prefix}schedule"
            self._schedule_group = ScheduleGroup(self._stack, id_, namespace=self.namespace, service="jobs")
        return self._schedule_group

    def add_job(
        self,
        name: str,
        *,
        queue: str = limits.JOB_DEFAULTS["queue"],
        scope: Construct | None = None,
        **job: Unpack[JobOverrides],
    ) -> ScheduledJob:
        """Makes a job that runs here, with the environment's roles, log group and dead-letter queue.

        Args:
            name: Its name, and its id.
            queue: One of the queues, by its short name.
            scope: Where to make it; by default in the environment's stack.
            job: The rest of it. With a concurrency policy, `except_`, `pause_on_failure`, `share`,
                `containers`, `grace_seconds` or `nodes` the function that
                decides about runs is made, once for all jobs.

        Raises:
            InvalidArgumentError: What is wrong, in the words of `batchtab check`.
        """
        arn = self.job_queue_arn(queue)
        given: dict[str, Any] = dict(job)
        own: dict[str, Any] = {
            "trigger_role_arn": self.trigger_role_arn,
            "log_group_name": self.log_group_name,
            "dead_letter_queue_arn": self.trigger_dead_letter_queue_arn,
            **self._roles.arguments,
        }
        if is_managed(given):
            own["submit_function_arn"] = self.runs.function["arn"]
        if arn.capacity in limits.FARGATE_CAPACITIES and not needs_own_role(given):
            own["execution_role_arn"] = self.execution_role["arn"]
        if takes_schedule(given):
            own["schedule_group_name"] = self.schedule_group.name
        place = {"name": name, "namespace": self.namespace, "job_queue_arn": arn, "capacity": arn.capacity}
        refuse_place((scope or self._stack).node.path, name, given, place)
        return ScheduledJob(scope or self._stack, name, **{**own, **given, **place})

    def add_alerts(self, id_: str = "alerts", **alerts: Any) -> JobAlerts:
        """Sends failures of this environment's jobs to Slack.

        Args:
            id_: Its id in the environment's stack.
            alerts: Arguments of `JobAlerts` that the environment does not know, such as `channel`.
        """
        return JobAlerts(
            self._stack,
            id_,
            **{
                "namespace": self.namespace,
                "job_queue_arns": self._all_queue_arns,
                "trigger_dead_letter_queue_arn": self.trigger_dead_letter_queue_arn,
                "runs_table_arn": self._runs.table["arn"] if self._runs else None,
                **self._roles.arguments,
                **alerts,
            },
        )

    @staticmethod
    def from_arns(*, namespace: str, capacity: str, queues: Mapping[str, str], **arns: Unpack[PlaceArns]) -> JobPlace:
        """An environment that exists already, for jobs in another app.

        Args:
            namespace: Its namespace.
            capacity: What its queues' jobs run on.
            queues: The queues' ARNs by their short names.
            arns: Its roles, log group, dead-letter queue and submit function, as far as it has them.
        """
        return JobPlace(namespace=namespace, capacity=capacity, queues=queues, **arns)

    @property
    def _all_queue_arns(self) -> Any:
        names = self._queues.names
        return (
            Expression.of(f"values({self.job_queue_arns.text})")
            if names is None
            else [self.job_queue_arn(name) for name in names]
        )


def _further(given: Mapping[str, ComputeEnvironment | Mapping[str, str]] | Expression) -> Any:
    """What is known of each; refuses names that mean two things to queues."""
    if isinstance(given, Expression):
        return given
    for name, each in given.items():
        check("further_compute_environments: a name", name, limits.COMPUTE_ENVIRONMENT_NAME)
        if name == limits.OWN_ENVIRONMENT:
            raise ValueError(f"further_compute_environments: {name} is what queues call the environment's own")
        if not isinstance(each, ComputeEnvironment):
            check(f"the capacity of {name}", each["capacity"], limits.CAPACITY)
    return {
        name: {"arn": each.arn, "capacity": each.capacity} if isinstance(each, ComputeEnvironment) else each
        for name, each in given.items()
    }
