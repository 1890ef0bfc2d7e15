"""The compute environment, its job queues, and the roles and logs that jobs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.aws import (
    BatchComputeEnvironment,
    BatchComputeEnvironmentComputeResources,
    BatchJobQueue,
    BatchJobQueueComputeEnvironmentOrder,
    CloudwatchLogGroup,
)
from batchtab.constructs._terraform.dead_letters import dead_letter_queue
from batchtab.constructs._terraform.expressions import (
    Expression,
    as_list,
    as_map,
    as_number,
    choose,
    hcl,
    is_expression,
    is_set,
    merged,
    negate,
    not_empty,
    one_of,
    pick,
)
from batchtab.constructs._terraform.framework import NAME, TerraformResourceLifecycle
from batchtab.constructs._terraform.module_stack import ModuleStack
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs.batch_environment import launch_template, roles

_ALLOCATION_STRATEGIES = {"EC2": "BEST_FIT_PROGRESSIVE", "SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED"}
#: Version 6 of the provider, for which the fork's bindings are, renamed the argument.
_NAME_PREFIX = {"cdktf": "compute_environment_name_prefix", "cdktn": "name_prefix"}
#: job_alerts may read the triggers' dead-letter queue, with a function that runs two minutes at most; Lambda wants six
#: times that: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBILITY_TIMEOUT_SECONDS = 720
#: Why a job may be stuck at the head of a queue; Batch wants these strings exactly.
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_JobStateTimeLimitAction.html
_STUCK_REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)


class BatchEnvironment(BatchtabConstruct):
    """Where jobs run: a managed compute environment, job queues on it, roles, a log group.

    On-demand EC2 by default, because a job that must not be interrupted is the common case. The compute environment has
    a generated name, so that Terraform can make its successor before it deletes it; in a stack the name begins with the
    namespace. Batch's own service-linked role and an allocation strategy other than BEST_FIT let most changes happen in
    place. Instances of EC2 and SPOT get IMDSv2 only and an encrypted root volume. Jobs on one instance trust each
    other: on EC2 their containers share the host's network and can reach the instance's credentials. FARGATE and
    FARGATE_SPOT keep jobs apart.

    A job that cannot be placed would wait in RUNNABLE for ever: after `runnable_timeout_seconds` at the head of its
    queue it is cancelled, and so told as a failure.

    See https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        subnet_ids: Sequence[str] | Expression,
        security_group_ids: Sequence[str] | Expression,
        capacity: str = limits.ENVIRONMENT_DEFAULTS["capacity"],
        instance_types: Sequence[str] | Expression = limits.ENVIRONMENT_DEFAULTS["instance_types"],
        min_vcpus: int | Expression = limits.ENVIRONMENT_DEFAULTS["min_vcpus"],
        max_vcpus: int | Expression = limits.ENVIRONMENT_DEFAULTS["max_vcpus"],
        queues: Mapping[str, int] | Expression = limits.ENVIRONMENT_DEFAULTS["queues"],
        queue_name_prefix: str | None = None,
        runnable_timeout_seconds: int | Expression | None = limits.ENVIRONMENT_DEFAULTS["runnable_timeout_seconds"],
        root_volume_gib: int | Expression = limits.ROOT_VOLUME_GIB.minimum,
        image_repository_arns: Sequence[str] | Expression = (),
        log_retention_days: int | Expression = limits.STAGE_DEFAULTS["log_retention_days"],
        kms_key_arn: str | None = None,
        alarm_topic_arns: Sequence[str] | Expression = (),
        permissions_boundary_arn: str | None = None,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the environment.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: Names begin with it, and the trigger role is limited to rules, schedule groups and job
                definitions whose names do.
            subnet_ids: Where containers or instances run; private ones with a NAT gateway or endpoints, as a rule.
            security_group_ids: At least one; Fargate refuses none.
            capacity: EC2, SPOT, FARGATE or FARGATE_SPOT. A change makes a new compute environment first.
            instance_types: For EC2 and SPOT; `optimal` lets Batch choose.
            min_vcpus: Kept running, and billed, even when no job runs. For EC2 and SPOT.
            max_vcpus: All running jobs together.
            queues: Name to priority; a higher one is served first.
            queue_name_prefix: In front of the queues' names; None is `<namespace>-`. The empty text lets queues that
                were there before keep theirs.
            runnable_timeout_seconds: None leaves stuck jobs waiting.
            root_volume_gib: Of each instance, for EC2 and SPOT.
            image_repository_arns: What Fargate's execution role may pull; by default every ECR repository of this
                account and region.
            log_retention_days: How long CloudWatch keeps the jobs' output.
            kms_key_arn: Encrypts the log group and the dead-letter queue instead of AWS's own keys.
            alarm_topic_arns: SNS topics that are told when a trigger could not submit its job.
            permissions_boundary_arn: For every role made here.
            tags: On everything; see also the provider's default_tags.

        Raises:
            ValueError: a known value is outside what AWS allows.
        """
        super().__init__(scope, id_)
        check("namespace", namespace, limits.NAMESPACE_ANY)
        check("queue_name_prefix", queue_name_prefix, limits.QUEUE_NAME_PREFIX)
        check("capacity", capacity, limits.CAPACITY)
        check("min_vcpus", min_vcpus, limits.MIN_VCPUS)
        check("max_vcpus", max_vcpus, limits.MAX_VCPUS)
        check("runnable_timeout_seconds", runnable_timeout_seconds, limits.RUNNABLE_TIMEOUT_SECONDS)
        check("root_volume_gib", root_volume_gib, limits.ROOT_VOLUME_GIB)
        check("log_retention_days", log_retention_days, limits.LOG_RETENTION_DAYS)
        for name, ids in (("subnet_ids", subnet_ids), ("security_group_ids", security_group_ids)):
            if not_empty(ids) is False:
                raise ValueError(f"{name} is empty: name at least one")
        if not isinstance(queues, Expression):
            if not queues:
                raise ValueError("queues is empty: name at least one, such as {'default': 5}")
            for name, priority in queues.items():
                check("a queue's name", name, limits.QUEUE_NAME)
                check(f"the priority of queue {name}", priority, limits.QUEUE_PRIORITY)
        self.namespace = namespace
        self.capacity = capacity
        account = Account.of(self)
        on_fargate = one_of(capacity, limits.FARGATE_CAPACITIES)
        on_hosts = negate(on_fargate)
        numbers_known = not any(map(is_expression, (capacity, min_vcpus, max_vcpus)))
        if numbers_known and on_hosts is True and int(min_vcpus) > int(max_vcpus):
            raise ValueError(f"min_vcpus: {min_vcpus} is more than max_vcpus, {max_vcpus}")

        self.log_group = create_resource(
            self,
            CloudwatchLogGroup,
            "log_group",
            name=f"/aws/batch/{namespace}",
            retention_in_days=as_number(log_retention_days),
            kms_key_id=kms_key_arn,
            tags=as_map(tags),
        )
        instance_role = roles.instance_role(self, namespace, on_hosts, permissions_boundary_arn, tags)
        self.instance_role = instance_role.role
        hosts = launch_template.launch_template(self, namespace, on_hosts, root_volume_gib, tags)
        # Of a module, which is written once for two versions of the provider, Terraform makes the whole name: they call
        # this argument differently. An environment that was there before keeps its name, and is not replaced for it.
        prefix: dict[str, Any] = {} if isinstance(self._stack, ModuleStack) else {_NAME_PREFIX[NAME]: f"{namespace}-"}
        self.compute_environment = create_resource(
            self,
            BatchComputeEnvironment,
            "compute_environment",
            type="MANAGED",
            state="ENABLED",
            compute_resources=BatchComputeEnvironmentComputeResources(
                type=capacity,
                subnets=as_list(subnet_ids),
                security_group_ids=as_list(security_group_ids),
                max_vcpus=as_number(max_vcpus),
                min_vcpus=as_number(choose(on_hosts, min_vcpus, None)),
                instance_type=as_list(choose(on_hosts, instance_types, None)),
                instance_role=instance_role.profile.get("arn"),
                allocation_strategy=pick(capacity, _ALLOCATION_STRATEGIES),
            ),
            tags=as_map(merged(tags, {"Name": namespace})),
            blocks=launch_template.blocks(on_hosts, hosts),
            # Batch itself moves desired_vcpus; a policy that goes before the environment leaves it stuck in DELETING.
            lifecycle=TerraformResourceLifecycle(
                create_before_destroy=True, ignore_changes=["compute_resources[0].desired_vcpus", *prefix]
            ),
            **prefix,
            depends_on=[instance_role.attachment.address] if on_hosts is not False else [],
        )
        if not numbers_known:
            least, most = hcl(min_vcpus), hcl(max_vcpus)
            rule = {
                "condition": Expression.of(f"({hcl(on_fargate)}) || {least} <= {most}"),
                "error_message": f"min_vcpus: ${{{least}}} is more than max_vcpus, ${{{most}}}.",
            }
            self.compute_environment.element.add_override("lifecycle.precondition", [rule])
        reasons = choose(is_set(runnable_timeout_seconds), list(_STUCK_REASONS), [])
        self.job_queue = create_resource(
            self,
            BatchJobQueue,
            "job_queue",
            for_each=queues if isinstance(queues, Expression) else dict(sorted(queues.items())),
            name=f"{choose(is_set(queue_name_prefix), queue_name_prefix, f'{namespace}-')}${{each.key}}",
            priority=as_number(Expression.of("each.value")),
            state="ENABLED",
            compute_environment_order=[
                BatchJobQueueComputeEnvironmentOrder(order=1, compute_environment=self.compute_environment["arn"])
            ],
            blocks={
                "job_state_time_limit_action": (
                    reasons,
                    {
                        "action": "CANCEL",
                        "max_time_seconds": runnable_timeout_seconds,
                        "reason": Expression.of("job_state_time_limit_action.value"),
                        "state": "RUNNABLE",
                    },
                )
            },
            tags=as_map(tags),
        )
        self.trigger_dead_letter_queue = dead_letter_queue(
            self,
            "trigger_dead_letter",
            name=f"{namespace}-trigger-dead-letter",
            sender="events.amazonaws.com",
            source_arn=account.arn("events", f"rule/{namespace}-*"),
            description=f"A trigger of {namespace} could not submit its job: the event lies in the queue.",
            kms_key_arn=kms_key_arn,
            alarm_topic_arns=alarm_topic_arns,
            tags=tags,
            visibility_timeout_seconds=_VISIBILITY_TIMEOUT_SECONDS,
        )
        self.trigger_role = roles.trigger_role(
            self,
            namespace,
            self.job_queue_arns,
            self.trigger_dead_letter_queue,
            kms_key_arn,
            permissions_boundary_arn,
            tags,
        )
        self.execution_role = roles.execution_role(
            self, namespace, on_fargate, image_repository_arns, self.log_group, permissions_boundary_arn, tags
        )

    @property
    def job_queue_arns(self) -> Expression:
        """The queues' ARNs by their short names: a map."""
        return Expression.of(f"{{ for name, queue in {self.job_queue.address} : name => queue.arn }}")

    @property
    def job_queue_names(self) -> Expression:
        """The queues' whole names by their short names: a map."""
        return Expression.of(f"{{ for name, queue in {self.job_queue.address} : name => queue.name }}")

    def job_queue_arn(self, name: str) -> Any:
        """One queue's ARN, by its short name."""
        return Expression.of(f'{self.job_queue.address}["{name}"].arn')
