"""Rules on failed jobs, the function that tells Slack of them, and what keeps an alert that did not arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.aws import LambdaFunctionEventInvokeConfig
from batchtab.constructs._terraform.dead_letters import dead_letter_queue
from batchtab.constructs._terraform.expressions import (
    Expression,
    all_of,
    choose,
    hcl,
    is_expression,
    is_set,
    literal,
    not_empty,
)
from batchtab.constructs._terraform.functions import python_function
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs._terraform.tables import table
from batchtab.constructs.job_alerts import alert_table, delivery, rules

_PACKAGE = "job_alerts"
_TIMEOUT_SECONDS = 120
_MEMORY_MIB = 256
_RETRIES = 2  # Lambda's most, after one and two minutes
_EVENT_AGE_SECONDS = 6 * 3600  # Lambda's most: how long a throttled event waits
_DEFAULTS = limits.ALERT_DEFAULTS


class JobAlerts(BatchtabConstruct):
    """Tells Slack of each job of some queues that failed, and of each job that blocks its queue.

    Batch says FAILED once, after the last attempt. The event goes to a Lambda function, which makes a message and waits
    until it is taken: by a function that exists, or by a webhook. An alert is not lost without a word: what EventBridge
    cannot deliver and what the function fails on three times goes into one dead-letter queue, whose alarm says so; both
    keep the event as it came, so that it can be given to the function again.

    Quiet alerts have a table: the same event is told once, jobs that fail again and again are counted and told once in
    `repeat_seconds`, a job that succeeds again is told, jobs that failed because of another are told with it, and a
    storm becomes a few messages that name every job. Where the table does not answer, all is told at once.

    See https://docs.aws.amazon.com/batch/latest/userguide/cloudwatch_event_stream.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        job_queue_arns: Sequence[str] | Expression,
        function_name: str = _DEFAULTS["function_name"],
        function_region: str | None = None,
        webhook_secret_arn: str | None = None,
        webhook_kms_key_arn: str | None = None,
        channel: str = _DEFAULTS["channel"],
        username: str = _DEFAULTS["username"],
        icon_emoji: str = _DEFAULTS["icon_emoji"],
        color: str = _DEFAULTS["color"],
        details: bool | Expression = _DEFAULTS["details"],
        stage: str = "",
        rerun_command: str = "",
        log_lines: int | Expression = _DEFAULTS["log_lines"],
        quiet: bool | Expression = _DEFAULTS["quiet"],
        repeat_seconds: int | Expression = _DEFAULTS["repeat_seconds"],
        gather_seconds: int | Expression = _DEFAULTS["gather_seconds"],
        give_up_seconds: int | Expression = _DEFAULTS["give_up_seconds"],
        routes: Mapping[str, Mapping[str, Any]] | Expression | None = None,
        schedules: Mapping[str, Mapping[str, Any]] | Expression | None = None,
        runs_table_arn: str | None = None,
        trigger_dead_letter_queue_arn: str | None = None,
        reserved_concurrent_executions: int | Expression | None = None,
        log_retention_days: int | Expression = limits.STAGE_DEFAULTS["log_retention_days"],
        kms_key_arn: str | None = None,
        alarm_topic_arns: Sequence[str] | Expression = (),
        permissions_boundary_arn: str | None = None,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes the alerts.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: Names begin with it, and the logs of jobs that may be read.
            job_queue_arns: Jobs of these queues are told. How many there are must be known when Terraform plans.
            function_name: Takes a Slack message as JSON and sends it; of this account.
            function_region: Its region; None is the region of the stack.
            webhook_secret_arn: Instead of the function: the ARN of the secret or parameter that holds a webhook's
                address. It is read when it is needed and stands in no state, setting or log.
            webhook_kms_key_arn: The key of that secret, if it is not AWS's own.
            channel: Slack channel, with its `#`. Webhooks of today's Slack apps have a channel of their own.
            username: Who seems to speak.
            icon_emoji: Their picture.
            color: Of the bar beside the text: `danger`, `warning`, `good` or a code such as `#cc0000`.
            details: Whether a message says more than its one sentence: what happened, when, the end of the log, links.
            stage: Shown in messages.
            rerun_command: What a message offers to run the job again; `{job}`, `{queue}`, `{definition}` and
                `{region}` are filled in. Empty: the AWS CLI's command.
            log_lines: How many of the job's last lines are shown, with what looks like a secret masked; 0: none.
            quiet: Whether repeats, dependents and storms are folded.
            repeat_seconds: How often a job that fails again and again is told.
            gather_seconds: How long a failure waits for what belongs to it; longer in a storm.
            give_up_seconds: After which what Slack did not take goes into the dead-letter queue.
            routes: By a service's or a job's name: `channel`, `mention`, `mute`. An empty one tells that there is a
                service of this name. What a job's leaves out is its service's, which is any route whose name the job's
                begins with; a job's that names its `service` is whole instead. For quiet alerts.
            schedules: By a job's full name, as it is submitted: `schedule` (in AWS's form), `job_queue_arn`,
                `late_after_seconds`, and where the job has them `timezone`, `start`, `end` (in UTC) and
                `flexible_window_minutes`. A run that is later than that is told. For quiet alerts.
            runs_table_arn: Of `JobRuns`: a run that the submit function let wait or decided against is not told as one
                that did not start. If a key encrypts that table, it must be `kms_key_arn`.
            trigger_dead_letter_queue_arn: An environment's; each of its messages is told as a run that did not start.
            reserved_concurrent_executions: At most so many of the function at once, two or more; other events wait in
                Lambda. Taken from the account's own limit, which new accounts have little of. None: no bound.
            log_retention_days: How long CloudWatch keeps the function's log.
            kms_key_arn: Encrypts log group, queue, table and the function's environment instead of AWS's own keys. Its
                policy must let events.amazonaws.com, sqs and logs use it.
            alarm_topic_arns: SNS topics that are told when an alert could not be delivered.
            permissions_boundary_arn: For the function's role.
            tags: On everything.

        Raises:
            ValueError: a known value is outside what AWS or Slack allows.
        """
        super().__init__(scope, id_)
        routes = {} if routes is None else routes
        schedules = {} if schedules is None else schedules
        _check(
            namespace=(namespace, limits.NAMESPACE_ANY),
            function_name=(function_name, limits.FUNCTION_NAME),
            function_region=(function_region, limits.REGION),
            webhook_secret_arn=(webhook_secret_arn, limits.SECRET_ARN),
            channel=(channel, limits.SLACK_CHANNEL),
            username=(username, limits.SLACK_USERNAME),
            icon_emoji=(icon_emoji, limits.SLACK_EMOJI),
            color=(color, limits.SLACK_COLOR),
            log_lines=(log_lines, limits.LOG_LINES),
            repeat_seconds=(repeat_seconds, limits.REPEAT_SECONDS),
            gather_seconds=(gather_seconds, limits.GATHER_SECONDS),
            give_up_seconds=(give_up_seconds, limits.GIVE_UP_SECONDS),
            reserved_concurrent_executions=(reserved_concurrent_executions, limits.ALERTS_AT_ONCE),
            log_retention_days=(log_retention_days, limits.LOG_RETENTION_DAYS),
        )
        if not is_expression(job_queue_arns):
            if not job_queue_arns:
                raise ValueError("job_queue_arns is empty: name at least one queue")
            for arn in job_queue_arns:
                check("job_queue_arns", arn, limits.JOB_QUEUE_ARN)
        alert_table.check_routes(routes, quiet)
        alert_table.check_schedules(schedules, quiet)
        name = f"{namespace}-job-alerts"
        account = Account.of(self)
        region = choose(is_set(function_region), function_region, account.region)

        statuses = choose(quiet, ["FAILED", "SUCCEEDED"], ["FAILED"])
        detail = {"status": statuses}
        self.rule = rules.on_jobs(self, "failed_job", namespace, job_queue_arns, "Batch Job State Change", detail, tags)
        self.blocked_rule = rules.on_jobs(
            self, "blocked_queue", namespace, job_queue_arns, "Batch Job Queue Blocked", {}, tags
        )
        self.dead_letter_queue = dead_letter_queue(
            self,
            "dead_letter",
            name=f"{name}-dead-letter",
            sender="events.amazonaws.com",
            source_arn=[account.arn("events", f"rule/{namespace}-{rule}") for rule in rules.NAMES],
            description=f"An alert of {namespace} was not delivered: its event lies in the queue.",
            kms_key_arn=kms_key_arn,
            alarm_topic_arns=alarm_topic_arns,
            tags=tags,
        )
        self.table = table(self, name=name, keys=("pk", "sk"), kms_key_arn=kms_key_arn, tags=tags, when=quiet)
        self.sender_function_arn = delivery.function_arn(account, region, function_name)
        streams = [account.arn("logs", f"log-group:/aws/batch/{namespace}{below}:*") for below in ("", "/*")]
        made = python_function(
            self,
            name=name,
            package=_PACKAGE,
            description=f"Tells Slack of failed jobs of {namespace}.",
            environment={
                "SLACK_CHANNEL": literal(channel),
                "SLACK_USERNAME": literal(username),
                "SLACK_ICON_EMOJI": literal(icon_emoji),
                "SLACK_COLOR": literal(color),
                "ALERT_NAMESPACE": namespace,
                "ALERT_DETAILS": _text(details),
                "ALERT_STAGE": literal(stage),
                "ALERT_RERUN_COMMAND": literal(rerun_command),
                "ALERT_LOG_LINES": _text(log_lines),
                **delivery.environment(function_name, region, webhook_secret_arn),
                **alert_table.environment(
                    self.table,
                    quiet,
                    {
                        "ALERT_REPEAT_SECONDS": _text(repeat_seconds),
                        "ALERT_GATHER_SECONDS": _text(gather_seconds),
                        "ALERT_GIVE_UP_SECONDS": _text(give_up_seconds),
                        "ALERT_DEAD_LETTER_QUEUE_URL": self.dead_letter_queue["url"],
                        "ALERT_RUNS_TABLE_ARN": choose(is_set(runs_table_arn), runs_table_arn, ""),
                    },
                ),
            },
            may=[
                *delivery.grants(self.sender_function_arn, webhook_secret_arn, webhook_kms_key_arn),
                (["logs:GetLogEvents"], streams),
                (["sqs:SendMessage"], [self.dead_letter_queue["arn"]]),
                (list(alert_table.ACTIONS), choose(quiet, [self.table.get("arn")], [])),
                # AWS knows no resource for it. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
                (["batch:ListJobs"], choose(not_empty(schedules), ["*"], [])),
                # Which runs there were is asked by their times, of which a rate's are nobody's to know.
                (
                    ["dynamodb:Query"],
                    choose(all_of(is_set(runs_table_arn), not_empty(schedules)), [runs_table_arn], []),
                ),
                *rules.trigger_grants(trigger_dead_letter_queue_arn),
                # What a key of the customer's encrypts is of use only to those who may use the key.
                (["kms:Decrypt", "kms:GenerateDataKey"], choose(is_set(kms_key_arn), [kms_key_arn], [])),
            ],
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            log_retention_days=log_retention_days,
            kms_key_arn=kms_key_arn,
            permissions_boundary_arn=permissions_boundary_arn,
            tags=tags,
            dead_letter_queue_arn=self.dead_letter_queue["arn"],
            reserved_concurrent_executions=reserved_concurrent_executions,
        )
        self.function, self.log_group, self.role = made.function, made.log_group, made.role
        alert_table.write_routes(self, self.table, routes, quiet)
        alert_table.write_schedules(self, self.table, schedules, quiet)
        alert_table.require_table(self.function, quiet, routes=routes, schedules=schedules)
        create_resource(
            self,
            LambdaFunctionEventInvokeConfig,
            "event_invoke_config",
            function_name=self.function["function_name"],
            maximum_event_age_in_seconds=_EVENT_AGE_SECONDS,
            maximum_retry_attempts=_RETRIES,
        )
        rules.connect(self, self.rule, "failed_job", self.function, self.dead_letter_queue)
        rules.connect(self, self.blocked_rule, "blocked_queue", self.function, self.dead_letter_queue)
        rules.sweep(self, namespace, quiet, self.function, tags)
        rules.on_triggers(self, trigger_dead_letter_queue_arn, self.function, made.role_policy.address, tags)


def _check(**values: tuple[Any, Any]) -> None:
    for name, (value, limit) in values.items():
        check(name, value, limit)


def _text(value: Any) -> Any:
    """A setting as an environment variable."""
    if is_expression(value):
        return Expression.of(f"tostring({hcl(value)})")
    return str(value).lower() if isinstance(value, bool) else str(value)
