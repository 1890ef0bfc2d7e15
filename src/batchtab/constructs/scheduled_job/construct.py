"""One recurring job: a job definition, a rule or schedule that submits it, and the roles of both."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Unpack
from weakref import WeakKeyDictionary

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.arguments import read
from batchtab.constructs._terraform.aws import (
    BatchJobDefinition,
    BatchJobDefinitionTimeout,
    IamRolePolicy,
)
from batchtab.constructs._terraform.documents import Conditional
from batchtab.constructs._terraform.expressions import (
    Expression,
    all_of,
    any_of,
    as_list,
    as_map,
    as_number,
    choose,
    hcl,
    is_expression,
    is_made,
    is_set,
    literals,
    negate,
    not_empty,
    one_of,
)
from batchtab.constructs._terraform.framework import TerraformStack
from batchtab.constructs._terraform.log_groups import log_group
from batchtab.constructs._terraform.naming import namespaced, shorten
from batchtab.constructs._terraform.policies import allow, policy
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource, local
from batchtab.constructs._terraform.roles import RoleSettings
from batchtab.constructs.scheduled_job import chain, container, grants, retries, roles, rules, sidecars, trigger_rules
from batchtab.constructs.scheduled_job.crontab import Crontab
from batchtab.constructs.scheduled_job.inputs import Inputs
from batchtab.constructs.scheduled_job.job_arguments import JobArgumentsDict
from batchtab.constructs.scheduled_job.metrics import Metric, metric_of_end
from batchtab.constructs.scheduled_job.queue_arn import QueueArn
from batchtab.constructs.scheduled_job.timing import Timing
from batchtab.constructs.scheduled_job.triggers import Triggers, rule_name
from batchtab.declarations import job_rules
from batchtab.declarations.job_arguments import JobArguments
from batchtab.declarations.table import Fault, is_given
from batchtab.errors import InvalidArgumentError

_JOB_NAME, _POLICY = limits.RUNNER_VARIABLES["job_name"], limits.RUNNER_VARIABLES["concurrency_policy"]
_RUN_POLICY = limits.RUN_VARIABLES["run_policy"]
# Asking a construct for its path costs two messages to jsii, so that only a refusal does it.
_jobs: WeakKeyDictionary[TerraformStack, dict[str, ScheduledJob]] = WeakKeyDictionary()


class ScheduledJob(BatchtabConstruct):
    """A container job that AWS Batch runs on a schedule: an image that exists, a command, and when.

    A change registers a new revision of the job definition; the trigger names the definition without a revision, so
    it always submits the newest. Without a `schedule` the job is run manually or by another job's end.

    The definition's retry strategy always ends with a rule that exits, because Batch retries what no rule matches.
    The trigger never sets attempts, because that would replace the strategy.

    See https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html
    """

    def __init__(self, scope: Construct, id_: str, **arguments: Unpack[JobArgumentsDict]) -> None:
        """Makes the job.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            arguments: The job; see `JobArgumentsDict`. A value may be a Terraform expression.

        Raises:
            InvalidArgumentError: What is wrong with the values that are known, in the words of `batchtab check`.
        """
        super().__init__(scope, id_)
        queue = arguments.get("job_queue_arn")
        job = read(self, JobArguments, arguments, partial(_faults, queue))
        self.name, self._namespace = job.name, job.namespace
        self._know(job)
        self._job_queue_arn = job.job_queue_arn
        self._grants = 0
        self._metrics: dict[str, Metric] = {}
        tags, description = literals(job.tags) or None, literals(job.description)
        on_fargate = one_of(job.capacity, limits.FARGATE_CAPACITIES)
        crontab = Crontab(self, job.schedule)
        #: When it runs, and by what.
        self.timing = timing = Timing.of(self, job, crontab.expression)
        ends_matter = any_of(one_of(job.concurrency_policy, ["replace", "queue"]), job.pause_on_failure)
        waits_for_all = not_empty(job.after_all)
        decides = any_of(ends_matter, not_empty(job.except_))
        follows = any_of(not_empty(job.after), waits_for_all)
        # A rule's target knows no share, and has variables only for the one container of a job.
        says_more = any_of(decides, waits_for_all, is_set(job.share), is_set(job.nodes), sidecars.has_task(job))
        needs_function = all_of(any_of(timing.is_scheduled, follows), says_more)
        # Only with forbid does it matter at all whether there is a function: asked otherwise, its ARN may be unknown.
        forbids = one_of(job.concurrency_policy, ["forbid"])
        is_managed = local(
            self, "is_managed", any_of(needs_function, choose(forbids, is_set(job.submit_function_arn), False))
        )
        guards = choose(forbids, negate(is_set(job.submit_function_arn)), False)
        #: What the job definition is called, and what the names of the rule and the roles begin with.
        self.full_name = local(self, "full_name", namespaced(job.namespace, job.name))
        maker = roles.RoleMaker(self, self.full_name, job.job_queue_arn, RoleSettings.of(job, tags))

        self._account = maker.account
        #: The log group that is made; it may be absent, as the following may.
        self.log_group = log_group(
            self,
            f"/aws/batch/{namespaced(job.namespace, job.name, '/')}",
            retention_days=job.log_retention_days,
            kms_key_arn=job.kms_key_arn,
            tags=tags,
            when=negate(is_set(job.log_group_name)),
        )
        #: The log group's name, made here or not.
        self.log_group_name = choose(is_set(job.log_group_name), job.log_group_name, self.log_group.get("name"))
        self.job_role = maker.job_role(job, lists_jobs=guards)
        #: The job role's ARN, made here or not; likewise the execution role's, None where none is needed.
        self.job_role_arn = choose(is_set(job.job_role_arn), job.job_role_arn, self.job_role.get("arn"))
        #: Whether something is secret, which the execution role reads.
        self.reads_secrets = sidecars.reads_secrets(job)
        needs_execution_role = any_of(
            is_made(job.execution_role_arn), on_fargate, self.reads_secrets, grants.is_any_cached(job)
        )
        self.execution_role = maker.execution_role(
            all_of(negate(is_set(job.execution_role_arn)), needs_execution_role), job, self.log_group_name
        )
        self.execution_role_arn = choose(
            is_set(job.execution_role_arn), job.execution_role_arn, self.execution_role.get("arn")
        )
        documents = container.Containers(
            job=job,
            own_environment=[
                Conditional(guards, {_JOB_NAME: job.name, _POLICY: job.concurrency_policy}),
                Conditional(ends_matter, {_RUN_POLICY: job.concurrency_policy}),
            ],
            job_role_arn=self.job_role_arn,
            execution_role_arn=self.execution_role_arn,
            has_execution_role=any_of(is_set(job.execution_role_arn), needs_execution_role),
            log_group_name=self.log_group_name,
            on_fargate=on_fargate,
        )
        self.job_definition = create_resource(
            self,
            BatchJobDefinition,
            "job_definition",
            name=self.full_name,
            platform_capabilities=as_list(choose(on_fargate, ["FARGATE"], ["EC2"])),
            parameters=as_map(literals(job.parameters) or None),
            propagate_tags=True,
            scheduling_priority=as_number(job.priority),
            timeout=BatchJobDefinitionTimeout(attempt_duration_seconds=as_number(job.timeout_seconds)),
            tags=as_map(tags),
            **documents.arguments(self),
            **retries.strategy(job.attempts, job.evaluate_on_exit),
        )
        retries.add_rules(self, self.job_definition, job.evaluate_on_exit)
        rules.add_preconditions(self.job_definition, job, self.full_name)

        trigger_rules.add_preconditions(
            self.job_definition,
            job,
            timing,
            crontab.rules(),
            follows=follows,
            decides=decides,
            needs_function=needs_function,
            is_managed=is_managed,
        )

        # A rule asks the function by the function's own policy.
        takes_role = any_of(timing.by_schedule, all_of(any_of(timing.by_rule, follows), negate(is_managed)))
        self.trigger_role = maker.trigger_role(
            all_of(negate(is_set(job.trigger_role_arn)), takes_role),
            rules={rule_name(self.full_name): timing.by_rule, chain.rule_name(self.full_name): follows},
            by_schedule=timing.by_schedule,
            schedule_group_name=job.schedule_group_name,
            is_managed=is_managed,
            submit_function_arn=job.submit_function_arn,
            dead_letter_queue_arn=job.dead_letter_queue_arn,
        )
        #: The trigger role's ARN, made here or not.
        self.trigger_role_arn = choose(is_set(job.trigger_role_arn), job.trigger_role_arn, self.trigger_role.get("arn"))
        triggers = Triggers(
            scope=self,
            full_name=self.full_name,
            timing=timing,
            inputs=Inputs(job, self.job_definition["name"], timing.expression),
            account=maker.account,
            is_managed=is_managed,
            submit_function_arn=job.submit_function_arn,
            role_arn=self.trigger_role_arn,
            dead_letter_queue_arn=job.dead_letter_queue_arn,
            maximum_event_age_seconds=job.maximum_event_age_seconds,
            tags=tags,
        )
        self.rule = triggers.rule(description)
        if self.rule.when is not False:
            triggers.deliver("target", self.rule)
        self.schedule = triggers.schedule(description, job.schedule_group_name)
        self.upstream_rule = chain.rule(
            self,
            follows,
            full_name=self.full_name,
            namespace=job.namespace,
            account=maker.account,
            after=_upstream(job),
            after_status=job.after_status,
            state=timing.state,
            tags=tags,
        )
        if follows is not False:
            triggers.deliver("upstream_delivery", self.upstream_rule, upstream=True)

    def _know(self, job: JobArguments) -> None:
        """Refuses a second job of a name in the stack, whose definition would be one with the first's.

        Raises:
            InvalidArgumentError: The name is taken.
        """
        if not any(map(is_expression, (job.namespace, job.name))):
            full = namespaced(job.namespace, job.name)  # job x-y of namespace a, and job y of a-x
            other = _jobs.setdefault(self._stack, {}).setdefault(full, self)
            if other is not self:
                problem = f"name: '{job.name}' is the name of {other.node.path} too"
                if (other.name, other._namespace) != (job.name, job.namespace):
                    problem = f"name: '{job.name}' makes the definition's name {full}, which {other.node.path} has too"
                raise InvalidArgumentError(self.node.path, [problem])

    @property
    def job_definition_name(self) -> str:
        """The definition's name; submitted by it, Batch takes the newest revision."""
        return self.job_definition["name"]

    @property
    def job_definition_arn(self) -> str:
        """The definition's ARN, with its revision."""
        return self.job_definition["arn"]

    def grant_submit(self, role_name: str) -> None:
        """Lets a role submit the job, in any revision of its definition.

        See https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html

        Args:
            role_name: The role's name: `role.name` of a binding.
        """
        self._grants += 1
        label = "submit_policy" if self._grants == 1 else f"submit_policy_{self._grants}"
        definition = self._account.arn("batch", f"job-definition/{self.full_name}")
        create_resource(
            self,
            IamRolePolicy,
            label,
            name=shorten(f"submit-{self.full_name}", limits.ROLE_NAME_MAX),
            role=role_name,
            policy=policy([allow(["batch:SubmitJob"], [self._job_queue_arn, definition, f"{definition}:*"])]),
        )

    def metric_failed(self) -> Metric:
        """How often the job failed, after its last attempt. `metric.alarm(job, "failed")` makes an alarm of it."""
        return self._metric("FAILED")

    def metric_succeeded(self) -> Metric:
        """How often the job succeeded."""
        return self._metric("SUCCEEDED")

    def _metric(self, status: str) -> Metric:
        if status not in self._metrics:
            prefix = f"{self._account.arn('batch', f'job-definition/{self.full_name}')}:"
            self._metrics[status] = metric_of_end(self, self.full_name, prefix, status)
        return self._metrics[status]


def _upstream(job: JobArguments) -> Any:
    """The jobs that it comes after, any or all of them: only one of the two lists has entries."""
    if is_expression(job.after) or is_expression(job.after_all):
        return Expression.of(f"concat({hcl(job.after)}, {hcl(job.after_all)})")
    return job.upstream


def _faults(queue: object, job: JobArguments, unknown: set[str]) -> Iterator[Fault]:
    """What is wrong with the whole of a job, as far as it is known."""
    if isinstance(queue, QueueArn):
        for field in ("namespace", "capacity"):
            value, expected = getattr(job, field), getattr(queue, field)
            if field not in unknown and not is_expression(expected) and value != expected:
                hint = "environment.add_job(…) sets it"
                yield field, value, f"is not that of the queue's environment, '{expected}'", hint
        if queue.shares is not None and "share" not in unknown:
            yield from job_rules.share_faults(job, queue.name, shares=queue.shares)
    yield from job_rules.faults(job, unknown=unknown)
    if "capacity" not in unknown and not is_expression(job.capacity):
        yield from job_rules.capacity_faults(job, job.capacity, skip=unknown)
    started = job.schedule is not None or job.upstream or {"schedule", "after", "after_all"} & unknown
    if not started and "maximum_event_age_seconds" not in unknown and is_given(job, "maximum_event_age_seconds"):
        yield "maximum_event_age_seconds", job.maximum_event_age_seconds, job_rules.NO_TRIGGER, "leave it out"
    brings_log_group = job.log_group_name is not None or "log_group_name" in unknown
    if brings_log_group and "log_retention_days" in job.model_fields_set:
        yield "log_retention_days", job.log_retention_days, job_rules.NO_EFFECT_ON_LOG_GROUP, "leave it out"
    for field in ("after", "after_all"):
        if not {"name", field} & unknown and job.name in getattr(job, field):
            yield field, job.name, "is this job itself", ""
    if not {"name", "namespace"} & unknown:
        full = namespaced(job.namespace, job.name)
        if len(full) > limits.JOB_NAME_MAX:
            yield "name", None, f"makes the definition's name {full}: at most {limits.JOB_NAME_MAX} characters", ""
