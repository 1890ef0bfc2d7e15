"""One recurring job: a job definition, a rule that submits it, and the roles of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf_cdktf_provider_aws.batch_job_definition import BatchJobDefinition, BatchJobDefinitionTimeout
from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetBatchTarget,
    CloudwatchEventTargetRetryPolicy,
)
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

from jobs import limits

from .._core.arguments import check
from .._core.documents import When
from .._core.expressions import (
    Expression,
    all_of,
    any_of,
    as_list,
    as_map,
    as_number,
    choose,
    is_set,
    negate,
    not_empty,
    one_of,
)
from .._core.naming import namespaced, shorten
from .._core.resources import ONCE, Made, Unit, local, make
from . import chain, container, retries, roles, rules

_JOB_NAME, _POLICY = limits.RUNNER_VARIABLES["job_name"], limits.RUNNER_VARIABLES["concurrency_policy"]
_DELIVERY_ATTEMPTS = 185  # EventBridge's most: the age ends the retries


class ScheduledJob(Unit):
    """A container job that AWS Batch runs on a schedule: an image that exists, a command, and when.

    A change registers a new revision of the job definition; the trigger names the definition without a revision, so
    it always submits the newest. Without a `schedule` the job is run by hand or by another job's end.

    The definition's retry strategy always ends with a rule that exits, because Batch retries what no rule matches.
    The trigger never sets attempts, because that would replace the strategy.

    See https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        namespace: str | None,
        image: str,
        command: Sequence[str] | Expression,
        job_queue_arn: str,
        schedule: str | None = limits.JOB_DEFAULTS["schedule"],
        suspend: bool | Expression = limits.JOB_DEFAULTS["suspend"],
        after: Sequence[str] | Expression = limits.JOB_DEFAULTS["after"],
        after_status: str = limits.JOB_DEFAULTS["after_status"],
        concurrency_policy: str = limits.JOB_DEFAULTS["concurrency_policy"],
        description: str | None = None,
        capacity: str = limits.ENVIRONMENT_DEFAULTS["capacity"],
        vcpus: float | Expression = limits.JOB_DEFAULTS["vcpus"],
        memory_mib: int | Expression = limits.JOB_DEFAULTS["memory_mib"],
        timeout_seconds: int | Expression = limits.JOB_DEFAULTS["timeout_seconds"],
        attempts: int | Expression = limits.JOB_DEFAULTS["attempts"],
        evaluate_on_exit: Sequence[Mapping[str, str]] | Expression = (),
        array_size: int | Expression | None = None,
        environment: Mapping[str, str] | Expression | None = None,
        secrets: Mapping[str, str] | Expression | None = None,
        secrets_kms_key_arns: Sequence[str] | Expression = (),
        parameters: Mapping[str, str] | Expression | None = None,
        permissions: Sequence[Mapping[str, Sequence[str]]] | Expression = (),
        read_only_root_filesystem: bool | Expression = limits.JOB_DEFAULTS["read_only_root_filesystem"],
        ephemeral_storage_gib: int | Expression | None = None,
        assign_public_ip: bool | Expression = limits.JOB_DEFAULTS["assign_public_ip"],
        job_role_arn: str | None = None,
        execution_role_arn: str | None = None,
        trigger_role_arn: str | None = None,
        log_group_name: str | None = None,
        log_retention_days: int | Expression = limits.STAGE_DEFAULTS["log_retention_days"],
        dead_letter_queue_arn: str | None = None,
        maximum_event_age_seconds: int | Expression = limits.DELIVERY_RETRY_AGE_SECONDS.minimum,
        permissions_boundary_arn: str | None = None,
        num_nodes: int | None = None,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the job.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            name: The submitted jobs' name, such as `my-service-do-something`; the definition's is
                `<namespace>-<name>`.
            namespace: The environment's, whose trigger role knows definitions by it; None leaves names without it, for
                jobs that were there before.
            image: With a registry, and a tag or digest.
            command: As the image's CMD. Text is literal: `${HOME}` reaches the shell. `Ref::name` takes a parameter.
            job_queue_arn: Where the trigger submits to.
            schedule: `cron(…)` or `rate(…)` as EventBridge takes them, in UTC; None makes no trigger.
            suspend: Keeps the triggers but disables them.
            after: Names of jobs of this namespace, such as `my-service-extract`, at whose end this one starts. The
                ended job's id reaches it as BATCHTAB_UPSTREAM_JOB_ID.
            after_status: Which end counts: succeeded, failed or any. A run that gave way to another has succeeded.
            concurrency_policy: forbid lets a run give way while an earlier one of its name waits or runs in the
                queue. The image's entrypoint must be the runner's (docs/runner.md).
            description: Of the trigger.
            capacity: The environment's: EC2, SPOT, FARGATE or FARGATE_SPOT.
            vcpus: Whole on EC2; from 0.25 on Fargate, where only some pairs with memory exist.
            memory_mib: A hard limit.
            timeout_seconds: For each attempt, from its start. A timed-out attempt is not tried again.
            attempts: 1 is no retry.
            evaluate_on_exit: Rules with `action` and one or more of `on_exit_code`, `on_reason`, `on_status_reason`.
            array_size: Submits an array of this many children instead of one job.
            environment: Literal values; for secret ones see `secrets`.
            secrets: Environment names to ARNs of SSM parameters or Secrets Manager secrets. An execution role that may
                read just these is made unless one is given.
            secrets_kms_key_arns: The keys of secrets that AWS's own keys don't encrypt.
            parameters: Defaults for `Ref::name` in the command.
            permissions: What the program may do, as `actions` and `resources`, in the job role that is made.
            read_only_root_filesystem: False lets the program write to its container's own disk.
            ephemeral_storage_gib: On Fargate; None is 20.
            assign_public_ip: On Fargate, for public subnets without a NAT gateway.
            job_role_arn: Used instead of a job role made here.
            execution_role_arn: Used instead of an execution role made here.
            trigger_role_arn: Used instead of a trigger role made here.
            log_group_name: Used instead of a log group made here.
            log_retention_days: Of the log group made here.
            dead_letter_queue_arn: Keeps events whose job could not be submitted.
            maximum_event_age_seconds: How long EventBridge tries to submit; below the schedule's period, or a late run
                starts beside the next.
            permissions_boundary_arn: For every role made here.
            num_nodes: Refused: multi-node parallel jobs are not supported yet.
            tags: On everything, and on the running tasks.

        Raises:
            ValueError: a known value is outside what AWS allows.
        """
        super().__init__(scope, id_)
        if num_nodes is not None:
            raise ValueError(f"{name}: num_nodes: {num_nodes}: multi-node parallel jobs are not supported yet")
        rules.check_arguments(
            name=name,
            namespace=namespace,
            capacity=capacity,
            vcpus=vcpus,
            memory_mib=memory_mib,
            timeout_seconds=timeout_seconds,
            attempts=attempts,
            array_size=array_size,
            ephemeral_storage_gib=ephemeral_storage_gib,
            assign_public_ip=assign_public_ip,
            command=command,
            schedule=schedule,
            environment=environment,
            secrets=secrets,
            permissions=permissions,
            log_retention_days=log_retention_days,
            after=after,
            after_status=after_status,
            concurrency_policy=concurrency_policy,
        )
        check(f"{name}: maximum_event_age_seconds", maximum_event_age_seconds, limits.DELIVERY_RETRY_AGE_SECONDS)
        self.name = name
        on_fargate = one_of(capacity, limits.FARGATE_CAPACITIES)
        scheduled = is_set(schedule)
        #: What the job definition is called, and what the names of the rule and the roles begin with.
        self.full_name = local(self, "full_name", namespaced(namespace, name))
        maker = roles.RoleMaker(self, self.full_name, job_queue_arn, permissions_boundary_arn, tags)

        own_log_group = make(
            self,
            CloudwatchLogGroup,
            "log_group",
            when=negate(is_set(log_group_name)),
            name=f"/aws/batch/{namespaced(namespace, name, '/')}",
            retention_in_days=as_number(log_retention_days),
            tags=as_map(tags),
        )
        #: The log group's name, whoever made it.
        self.log_group_name = choose(is_set(log_group_name), log_group_name, own_log_group.get("name"))
        forbids = one_of(concurrency_policy, ["forbid"])
        self.job_role = maker.job_role(negate(is_set(job_role_arn)), permissions, lists_jobs=forbids)
        #: The job role's ARN, whoever made it; likewise the execution role's, None where none is needed.
        self.job_role_arn = choose(is_set(job_role_arn), job_role_arn, self.job_role.get("arn"))
        needs_execution_role = any_of(on_fargate, not_empty(secrets))
        self.execution_role = maker.execution_role(
            all_of(needs_execution_role, negate(is_set(execution_role_arn))),
            image=image,
            log_group_name=self.log_group_name,
            secrets=secrets,
            kms_key_arns=secrets_kms_key_arns,
        )
        self.execution_role_arn = choose(is_set(execution_role_arn), execution_role_arn, self.execution_role.get("arn"))
        self.job_definition = make(
            self,
            BatchJobDefinition,
            "job_definition",
            name=self.full_name,
            type="container",
            platform_capabilities=as_list(choose(on_fargate, ["FARGATE"], ["EC2"])),
            container_properties=container.properties(
                image=image,
                command=command,
                vcpus=vcpus,
                memory_mib=memory_mib,
                environment=environment,
                runner_environment=When(forbids, {_JOB_NAME: name, _POLICY: concurrency_policy}),
                secrets=secrets,
                job_role_arn=self.job_role_arn,
                execution_role_arn=self.execution_role_arn,
                has_execution_role=any_of(is_set(execution_role_arn), needs_execution_role),
                log_group_name=self.log_group_name,
                log_stream_prefix=name,
                read_only_root_filesystem=read_only_root_filesystem,
                on_fargate=on_fargate,
                ephemeral_storage_gib=ephemeral_storage_gib,
                assign_public_ip=assign_public_ip,
            ),
            parameters=as_map(parameters),
            propagate_tags=True,
            timeout=BatchJobDefinitionTimeout(attempt_duration_seconds=as_number(timeout_seconds)),
            tags=as_map(tags),
            **retries.strategy(name, attempts, evaluate_on_exit),
        )
        retries.add_rules(self.job_definition, evaluate_on_exit)
        rules.add_preconditions(
            self.job_definition,
            name=name,
            full_name=self.full_name,
            capacity=capacity,
            vcpus=vcpus,
            memory_mib=memory_mib,
            timeout_seconds=timeout_seconds,
            ephemeral_storage_gib=ephemeral_storage_gib,
            assign_public_ip=assign_public_ip,
            environment=environment,
            secrets=secrets,
        )

        rule_name = shorten(self.full_name, limits.RULE_NAME_MAX)
        self.rule = make(
            self,
            CloudwatchEventRule,
            "rule",
            when=scheduled,
            name=rule_name,
            description=description,
            schedule_expression=schedule,
            state=choose(suspend, "DISABLED", "ENABLED"),
            tags=as_map(tags),
        )
        follows = not_empty(after)
        self.after_rule = (
            chain.rule(
                self,
                follows,
                full_name=self.full_name,
                namespace=namespace,
                account=maker.account,
                after=after,
                after_status=after_status,
                suspend=suspend,
                tags=tags,
            )
            if follows is not False
            else Made("", False)
        )
        makes_trigger_role = all_of(any_of(scheduled, follows), negate(is_set(trigger_role_arn)))
        own_rules = {rule_name: scheduled, chain.rule_name(self.full_name): follows}
        self.trigger_role = maker.trigger_role(
            makes_trigger_role, [name for name, when in own_rules.items() if when is not False]
        )
        #: The trigger role's ARN, whoever made it.
        self.trigger_role_arn = choose(is_set(trigger_role_arn), trigger_role_arn, self.trigger_role.get("arn"))
        delivery: dict[str, Any] = {
            "arn": job_queue_arn,
            "role_arn": self.trigger_role_arn,
            "batch_target": CloudwatchEventTargetBatchTarget(
                job_definition=self.job_definition["name"], job_name=name, array_size=as_number(array_size)
            ),
            "retry_policy": CloudwatchEventTargetRetryPolicy(
                maximum_event_age_in_seconds=as_number(maximum_event_age_seconds),
                maximum_retry_attempts=_DELIVERY_ATTEMPTS,
            ),
            "blocks": {
                "dead_letter_config": (
                    choose(is_set(dead_letter_queue_arn), list(ONCE), []),
                    {"arn": dead_letter_queue_arn},
                )
            },
        }
        make(self, CloudwatchEventTarget, "target", when=scheduled, rule=self.rule.get("name"), **delivery)
        make(
            self,
            CloudwatchEventTarget,
            "upstream_delivery",
            when=follows,
            rule=self.after_rule.get("name"),
            input_transformer=chain.upstream_input(),
            **delivery,
        )

    @property
    def job_definition_name(self) -> Any:
        """The definition's name; submitted by it, Batch takes the newest revision."""
        return self.job_definition["name"]
