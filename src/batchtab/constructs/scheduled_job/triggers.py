"""What starts a job: a rule or a schedule, and the rule on the end of other jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.aws import (
    CloudwatchEventRule,
    CloudwatchEventTarget,
    CloudwatchEventTargetInputTransformer,
    CloudwatchEventTargetRetryPolicy,
    SchedulerSchedule,
    SchedulerScheduleFlexibleTimeWindow,
    SchedulerScheduleTarget,
    SchedulerScheduleTargetRetryPolicy,
)
from batchtab.constructs._terraform.expressions import (
    Condition,
    Expression,
    all_of,
    as_map,
    as_number,
    choose,
    hcl,
    is_expression,
    is_set,
)
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs._terraform.resources import SINGLE_BLOCK, BatchtabConstruct, ResourceRef, create_resource
from batchtab.constructs.scheduled_job.inputs import RULE_TIME, SCHEDULE_TIME, Inputs
from batchtab.constructs.scheduled_job.timing import Timing

_DELIVERY_ATTEMPTS = 185  # the most, of EventBridge and of Scheduler: the age ends the retries


@dataclass(frozen=True, kw_only=True)
class Triggers:
    """Makes the triggers of one job, which hand their events to Batch or to the submit function."""

    scope: BatchtabConstruct
    full_name: Any
    timing: Timing
    inputs: Inputs
    account: Account
    #: Whether the submit function decides about each run.
    is_managed: Condition
    submit_function_arn: Any
    role_arn: Any
    dead_letter_queue_arn: Any
    maximum_event_age_seconds: Any
    tags: Any

    def rule(self, description: Any) -> ResourceRef:
        """The rule, where one is enough. Its name is the job definition's."""
        return create_resource(
            self.scope,
            CloudwatchEventRule,
            "rule",
            when=self.timing.by_rule,
            name=rule_name(self.full_name),
            description=description,
            schedule_expression=self.timing.expression,
            state=self.timing.state,
            tags=as_map(self.tags),
        )

    def schedule(self, description: Any, group_name: Any) -> ResourceRef:
        """The schedule, where a rule can't say when.

        See https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
        """
        timing = self.timing
        if timing.by_schedule is False:
            return ResourceRef("", False)
        submit_job = f"arn:{self.account.partition}:scheduler:::aws-sdk:batch:submitJob"
        window = timing.flexible_window_minutes
        return create_resource(
            self.scope,
            SchedulerSchedule,
            "schedule",
            when=all_of(timing.by_schedule, timing.is_ahead),
            name=shorten(self.full_name, limits.SCHEDULE_NAME_MAX),
            group_name=group_name,
            description=description,
            schedule_expression=timing.expression,
            schedule_expression_timezone=timing.timezone,
            start_date=timing.start_date,
            end_date=timing.end,
            state=timing.state,
            flexible_time_window=SchedulerScheduleFlexibleTimeWindow(
                mode=choose(is_set(window), "FLEXIBLE", "OFF"), maximum_window_in_minutes=as_number(window)
            ),
            target=SchedulerScheduleTarget(
                arn=choose(self.is_managed, self.submit_function_arn, submit_job),
                role_arn=self.role_arn,
                input=choose(self.is_managed, self.inputs.event(SCHEDULE_TIME), self.inputs.request()),
                retry_policy=SchedulerScheduleTargetRetryPolicy(
                    maximum_event_age_in_seconds=as_number(self._event_age()),
                    maximum_retry_attempts=_DELIVERY_ATTEMPTS,
                ),
            ),
            blocks={"target.dead_letter_config": self._dead_letters()},
        )

    def deliver(self, label: str, rule: ResourceRef, *, upstream: bool = False) -> None:
        """Hands a rule's events on; Batch gets the run's variables as overrides, which keep the definition's own."""
        overrides = self.inputs.overrides(upstream)
        batch_target = {
            "job_definition": self.inputs.job_definition,
            "job_name": self.inputs.job.name,
            "array_size": self.inputs.job.array_size,
        }
        create_resource(
            self.scope,
            CloudwatchEventTarget,
            label,
            when=rule.when,
            rule=rule.get("name"),
            arn=choose(self.is_managed, self.submit_function_arn, self.inputs.job.job_queue_arn),
            # A function lets rules in by its own policy.
            role_arn=choose(self.is_managed, None, self.role_arn),
            input_transformer=CloudwatchEventTargetInputTransformer(
                input_paths=as_map(self.inputs.paths(upstream)),
                input_template=choose(self.is_managed, self.inputs.event(RULE_TIME, upstream), overrides),
            ),
            retry_policy=CloudwatchEventTargetRetryPolicy(
                maximum_event_age_in_seconds=as_number(self._event_age()),
                maximum_retry_attempts=_DELIVERY_ATTEMPTS,
            ),
            blocks={
                "batch_target": (
                    choose(self.is_managed, [], list(SINGLE_BLOCK)),
                    {key: value for key, value in batch_target.items() if value is not None},
                ),
                "dead_letter_config": self._dead_letters(),
            },
        )

    def _dead_letters(self) -> tuple[Any, dict[str, Any]]:
        return choose(is_set(self.dead_letter_queue_arn), list(SINGLE_BLOCK), []), {"arn": self.dead_letter_queue_arn}

    def _event_age(self) -> Any:
        """How long delivery is tried; of a run that Batch gets at once, not beyond its deadline."""
        age, deadline = self.maximum_event_age_seconds, self.inputs.job.starting_deadline_seconds
        if deadline is None:
            return age
        if is_expression(age) or is_expression(deadline):
            least: Any = Expression.of(f"min({hcl(age)}, coalesce({hcl(deadline)}, {hcl(age)}))")
        else:
            least = min(age, deadline)
        return choose(self.is_managed, age, least)


def rule_name(full_name: Any) -> str:
    """What the rule is called."""
    return shorten(full_name, limits.RULE_NAME_MAX)
