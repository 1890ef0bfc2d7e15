"""One recurring job: a job definition, a rule or schedule that submits it, and the roles of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.aws import BatchJobDefinition, BatchJobDefinitionTimeout, CloudwatchLogGroup
from batchtab.constructs._terraform.documents import Conditional
from batchtab.constructs._terraform.expressions import (
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
from batchtab.constructs._terraform.naming import namespaced
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource, local
from batchtab.constructs.scheduled_job import chain, container, retries, roles, rules, trigger_arguments, trigger_rules
from batchtab.constructs.scheduled_job.crontab import Crontab
from batchtab.constructs.scheduled_job.inputs import Inputs
from batchtab.constructs.scheduled_job.timing import Timing
from batchtab.constructs.scheduled_job.triggers import Triggers, rule_name

_JOB_NAME, _POLICY = limits.RUNNER_VARIABLES["job_name"], limits.RUNNER_VARIABLES["concurrency_policy"]
_RUN_POLICY = limits.RUN_VARIABLES["run_policy"]


class ScheduledJob(BatchtabConstruct):
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
        timezone: str | None = limits.JOB_DEFAULTS["timezone"],
        start: str | None = limits.JOB_DEFAULTS["start"],
        end: str | None = limits.JOB_DEFAULTS["end"],
        flexible_window_minutes: int | Expression | None = limits.JOB_DEFAULTS["flexible_window_minutes"],
        except_: Sequence[str] | Expression = limits.JOB_DEFAULTS["except_"],
        trigger: str | None = limits.JOB_DEFAULTS["trigger"],
        suspend: bool | Expression = limits.JOB_DEFAULTS["suspend"],
        after: Sequence[str] | Expression = limits.JOB_DEFAULTS["after"],
        after_status: str = limits.JOB_DEFAULTS["after_status"],
        concurrency_policy: str = limits.JOB_DEFAULTS["concurrency_policy"],
        queue_limit: int | Expression = limits.JOB_DEFAULTS["queue_limit"],
        starting_deadline_seconds: int | Expression | None = limits.JOB_DEFAULTS["starting_deadline_seconds"],
        pause_on_failure: bool | Expression = limits.JOB_DEFAULTS["pause_on_failure"],
        submit_function_arn: str | None = None,
        schedule_group_name: str | None = None,
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
        permissions: Sequence[Mapping[str, Any]] | Expression = (),
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
            schedule: `cron(…)`, `rate(…)` or `at(…)` as AWS takes them, crontab's five fields, or a word such as
                `@daily`; None makes no trigger. In UTC unless `timezone` says otherwise.
            timezone: Of the IANA database. With it, `start`, `end`, `flexible_window_minutes`, `except_` or `at(…)` an
                EventBridge Scheduler schedule starts the job, otherwise a rule.
            start: First moment, in UTC: `2026-12-01T00:00:00Z`. Scheduler refuses one that has passed, so it is sent
                only until then; the plan after that moment takes it out of the schedule.
            end: Last moment, in UTC. The plan after it takes the schedule away, and that of `at(…)` after its time:
                Scheduler refuses to make or change one whose last time has passed.
            flexible_window_minutes: Scheduler starts the run at any moment within so many minutes.
            except_: Dates, ranges `date/date` and cron expressions, in `timezone`, on which it does not run.
            trigger: rule or schedule, where the choice matters. A change that moves a job from one to the other makes
                and destroys triggers in no certain order: of a run that is due in these seconds, the submit function
                makes one if either trigger fires; without it there may be two, or none. Choose a quiet moment.
            suspend: Keeps the triggers but disables them.
            after: Names of jobs of this namespace, such as `my-service-extract`, at whose end this one starts. The
                ended job's id reaches it as BATCHTAB_UPSTREAM_JOB_ID.
            after_status: Which end counts: succeeded, failed or any. A run that gave way to another has succeeded.
            concurrency_policy: What becomes of a run that is due while another waits or runs. allow starts both. forbid
                skips it, replace ends the other first, queue lets it wait for its turn. All but allow need
                `submit_function_arn`; without one, forbid is left to the image's entrypoint, which must be the
                runner's (docs/runner.md).
            queue_limit: How many runs may wait with queue; the one that is due beyond them is dropped.
            starting_deadline_seconds: A run that could not start so long after its time is not started.
            pause_on_failure: After a run that failed, none is started until somebody resumes the job.
            submit_function_arn: The function of `JobRuns`, which decides about each run of a job with a policy, with
                `except_` or with `pause_on_failure`. Whether it is given must be known when Terraform plans a job with
                forbid.
            schedule_group_name: Where the schedule is made; None is Scheduler's `default`. An environment's trigger
                role works for groups whose names begin with `<namespace>-`.
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
            permissions: What the program may do, as `actions` and `resources`, in the job role that is made. What
                administers accounts and identities, such as `iam:*`, needs `allow_wide` beside them.
            read_only_root_filesystem: False lets the program write to its container's own disk.
            ephemeral_storage_gib: On Fargate; None is 20.
            assign_public_ip: On Fargate, for public subnets without a NAT gateway.
            job_role_arn: Used instead of a job role made here.
            execution_role_arn: Used instead of an execution role made here.
            trigger_role_arn: Used instead of a trigger role made here.
            log_group_name: Used instead of a log group made here.
            log_retention_days: Of the log group made here.
            dead_letter_queue_arn: Keeps events whose job could not be submitted.
            maximum_event_age_seconds: How long the trigger tries to submit; below the schedule's period, or a late run
                starts beside the next. Directly to Batch not beyond `starting_deadline_seconds`.
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
            environment=environment,
            secrets=secrets,
            permissions=permissions,
            log_retention_days=log_retention_days,
            after=after,
            after_status=after_status,
            concurrency_policy=concurrency_policy,
        )
        trigger_arguments.check_arguments(
            name=name,
            schedule=schedule,
            timezone=timezone,
            start=start,
            end=end,
            flexible_window_minutes=flexible_window_minutes,
            except_=except_,
            trigger=trigger,
            queue_limit=queue_limit,
            starting_deadline_seconds=starting_deadline_seconds,
            schedule_group_name=schedule_group_name,
        )
        check(f"{name}: maximum_event_age_seconds", maximum_event_age_seconds, limits.DELIVERY_RETRY_AGE_SECONDS)
        self.name = name
        on_fargate = one_of(capacity, limits.FARGATE_CAPACITIES)
        crontab = Crontab(self, schedule)
        timing = Timing.of(
            self,
            schedule=schedule,
            expression=crontab.expression,
            timezone=timezone,
            start=start,
            end=end,
            flexible_window_minutes=flexible_window_minutes,
            except_=except_,
            trigger=trigger,
            suspend=suspend,
        )
        ends_matter = any_of(one_of(concurrency_policy, ["replace", "queue"]), pause_on_failure)
        needs_function = any_of(ends_matter, not_empty(except_))
        # Only with forbid does it matter at all whether there is a function: asked otherwise, its ARN may be unknown.
        forbids = one_of(concurrency_policy, ["forbid"])
        is_managed = local(
            self, "is_managed", any_of(needs_function, choose(forbids, is_set(submit_function_arn), False))
        )
        guards = choose(forbids, negate(is_set(submit_function_arn)), False)
        #: What the job definition is called, and what the names of the rule and the roles begin with.
        self.full_name = local(self, "full_name", namespaced(namespace, name))
        maker = roles.RoleMaker(self, self.full_name, job_queue_arn, permissions_boundary_arn, tags)

        own_log_group = create_resource(
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
        self.job_role = maker.job_role(negate(is_set(job_role_arn)), permissions, lists_jobs=guards)
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
        self.job_definition = create_resource(
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
                own_environment=[
                    Conditional(guards, {_JOB_NAME: name, _POLICY: concurrency_policy}),
                    Conditional(ends_matter, {_RUN_POLICY: concurrency_policy}),
                ],
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

        follows = not_empty(after)
        trigger_rules.add_preconditions(
            self.job_definition,
            timing,
            crontab.rules(),
            name=name,
            namespace=namespace,
            concurrency_policy=concurrency_policy,
            queue_limit=queue_limit,
            starting_deadline_seconds=starting_deadline_seconds,
            follows=follows,
            submit_function_arn=submit_function_arn,
            needs_function=needs_function,
            is_managed=is_managed,
        )

        # A rule asks the function by the function's own policy.
        takes_role = any_of(timing.by_schedule, all_of(any_of(timing.by_rule, follows), negate(is_managed)))
        self.trigger_role = maker.trigger_role(
            all_of(takes_role, negate(is_set(trigger_role_arn))),
            rules={rule_name(self.full_name): timing.by_rule, chain.rule_name(self.full_name): follows},
            by_schedule=timing.by_schedule,
            schedule_group_name=schedule_group_name,
            is_managed=is_managed,
            submit_function_arn=submit_function_arn,
            dead_letter_queue_arn=dead_letter_queue_arn,
        )
        #: The trigger role's ARN, whoever made it.
        self.trigger_role_arn = choose(is_set(trigger_role_arn), trigger_role_arn, self.trigger_role.get("arn"))
        triggers = Triggers(
            scope=self,
            full_name=self.full_name,
            timing=timing,
            inputs=Inputs(
                name=name,
                job_queue_arn=job_queue_arn,
                job_definition=self.job_definition["name"],
                array_size=array_size,
                schedule=timing.expression,
                timezone=timezone,
                except_=except_,
                concurrency_policy=concurrency_policy,
                queue_limit=queue_limit,
                starting_deadline_seconds=starting_deadline_seconds,
                pause_on_failure=pause_on_failure,
            ),
            account=maker.account,
            is_managed=is_managed,
            submit_function_arn=submit_function_arn,
            role_arn=self.trigger_role_arn,
            dead_letter_queue_arn=dead_letter_queue_arn,
            maximum_event_age_seconds=maximum_event_age_seconds,
            tags=tags,
        )
        self.rule = triggers.rule(description)
        if self.rule.when is not False:
            triggers.deliver("target", self.rule)
        self.schedule = triggers.schedule(description, schedule_group_name)
        if follows is not False:
            upstream = chain.rule(
                self,
                follows,
                full_name=self.full_name,
                namespace=namespace,
                account=maker.account,
                after=after,
                after_status=after_status,
                state=timing.state,
                tags=tags,
            )
            triggers.deliver("upstream_delivery", upstream, upstream=True)

    @property
    def job_definition_name(self) -> Any:
        """The definition's name; submitted by it, Batch takes the newest revision."""
        return self.job_definition["name"]
