"""The function that decides which runs are submitted, and the table in which it remembers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform import job_events
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.arguments import check
from batchtab.constructs._terraform.aws import LambdaFunctionEventInvokeConfig, LambdaPermission
from batchtab.constructs._terraform.expressions import Expression, choose, hcl, is_expression, is_set
from batchtab.constructs._terraform.functions import python_function
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs._terraform.tables import table

_PACKAGE = "submit_run"
_TIMEOUT_SECONDS = 30  # below the 45 seconds of a claim's lease: whoever finds it expired knows that its owner is dead
_MEMORY_MIB = 512  # memory buys processor: what starts cold imports twice as fast, at the same price
_RETRIES = 2  # Lambda's most, after one and two minutes
_EVENT_AGE_SECONDS = 3600  # how long a throttled run waits for its turn; as long as a trigger tries to deliver it
# A run's record and its job's state are written in one transaction, which AWS allows by the writes in it.
_TABLE_ACTIONS = ("dynamodb:BatchGetItem", "dynamodb:PutItem")
# Batch repeats a container's literal environment in its events. An array's children end before the array does.
# Of a job on several nodes each node's end is told as well, and the function leaves those alone.
_TOLD = {"environment": {"name": [limits.RUN_VARIABLES["run_policy"]]}}
_ENDED = {
    "status": ["FAILED", "SUCCEEDED"],
    "$or": [
        {"container": _TOLD},
        {"ecsProperties": {"taskProperties": {"containers": _TOLD}}},
        {"nodeProperties": {"numNodes": [{"exists": True}]}},
    ],
    "arrayProperties": {"index": [{"exists": False}]},
}


class JobRuns(BatchtabConstruct):
    """Decides which runs of some queues' jobs are submitted: each scheduled time once, and no two that must not meet.

    The triggers of jobs with a `concurrency_policy`, `except` or `pause_on_failure` invoke a Lambda function, which
    claims the run in a table and submits it, lets it wait, or notes why it is not run. The function is told of the ends
    of such runs, so that the next one starts. Idle, all of it costs nothing.

    A run is not lost without a word: what the function fails on three times goes into the dead-letter queue of the
    triggers, as does what EventBridge could not deliver.

    See https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        namespace: str,
        job_queue_arns: Sequence[str] | Expression,
        trigger_dead_letter_queue_arn: str,
        history_days: int | Expression = limits.STAGE_DEFAULTS["history_days"],
        log_retention_days: int | Expression = limits.STAGE_DEFAULTS["log_retention_days"],
        kms_key_arn: str | None = None,
        permissions_boundary_arn: str | None = None,
        tags: Mapping[str, str] | Expression | None = None,
    ) -> None:
        """Makes function and table.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            namespace: Names begin with it, and those of the rules that may invoke the function and of the job
                definitions that it may submit.
            job_queue_arns: Where it may submit, and whose jobs' ends it is told. How many there are must be known when
                Terraform plans.
            trigger_dead_letter_queue_arn: An environment's; keeps a run that could not be decided.
            history_days: How long a run is remembered, and so for how long it is not submitted a second time.
            log_retention_days: How long CloudWatch keeps the function's log.
            kms_key_arn: Encrypts log group, table and the function's environment instead of AWS's own keys, and the
                dead-letter queue if that is encrypted by a key. Its policy must let logs use it.
            permissions_boundary_arn: For the function's role.
            tags: On everything.

        Raises:
            ValueError: a known value is outside what AWS allows.
        """
        super().__init__(scope, id_)
        check("namespace", namespace, limits.NAMESPACE_ANY)
        check("history_days", history_days, limits.HISTORY_DAYS)
        check("log_retention_days", log_retention_days, limits.LOG_RETENTION_DAYS)
        if not is_expression(job_queue_arns):
            if not job_queue_arns:
                raise ValueError("job_queue_arns is empty: name at least one queue")
            for arn in job_queue_arns:
                check("job_queue_arns", arn, limits.JOB_QUEUE_ARN)
        account = Account.of(self)
        self.table = table(self, name=f"{namespace}-job-runs", keys=("job", "item"), kms_key_arn=kms_key_arn, tags=tags)
        definitions = [account.arn("batch", f"job-definition/{namespace}-*")]
        made = python_function(
            self,
            name=f"{namespace}-submit-run",
            package=_PACKAGE,
            description=f"Decides which runs of {namespace} are submitted.",
            environment={
                "RUNS_TABLE": self.table["name"],
                "RUNS_NAMESPACE": namespace,
                "RUNS_HISTORY_DAYS": (
                    Expression.of(f"tostring({hcl(history_days)})")
                    if is_expression(history_days)
                    else str(history_days)
                ),
            },
            may=[
                (_TABLE_ACTIONS, [self.table["arn"]]),
                # SubmitJob asks for a permission on the queue and on the definition.
                (["batch:SubmitJob"], job_queue_arns),
                (["batch:SubmitJob"], definitions),
                # A job's ARN says neither its queue nor its name.
                (["batch:TerminateJob"], [account.arn("batch", "job/*")]),
                # AWS knows no resource for these. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
                (["batch:DescribeJobs", "batch:ListJobs"], ["*"]),
                (["sqs:SendMessage"], [trigger_dead_letter_queue_arn]),
                # What a key of the customer's encrypts is of use only to those who may use the key.
                (["kms:Decrypt", "kms:GenerateDataKey"], choose(is_set(kms_key_arn), [kms_key_arn], [])),
            ],
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            log_retention_days=log_retention_days,
            kms_key_arn=kms_key_arn,
            permissions_boundary_arn=permissions_boundary_arn,
            tags=tags,
            dead_letter_queue_arn=trigger_dead_letter_queue_arn,
        )
        self.function, self.log_group, self.role = made.function, made.log_group, made.role
        create_resource(
            self,
            LambdaFunctionEventInvokeConfig,
            "event_invoke_config",
            function_name=self.function["function_name"],
            maximum_event_age_in_seconds=_EVENT_AGE_SECONDS,
            maximum_retry_attempts=_RETRIES,
        )
        # One for all rules of the namespace, the one below among them: a job brings no permission of its own.
        permission = create_resource(
            self,
            LambdaPermission,
            "permission",
            statement_id="rules",
            action="lambda:InvokeFunction",
            function_name=self.function["function_name"],
            principal="events.amazonaws.com",
            source_arn=account.arn("events", f"rule/{namespace}-*"),
        )
        self.rule = job_events.rules_on_jobs(
            self,
            "run_ended",
            namespace=namespace,
            job_queue_arns=job_queue_arns,
            kind="Batch Job State Change",
            detail=_ENDED,
            description="Runs that ended, and after which another may start.",
            tags=tags,
        )
        job_events.deliver(
            self,
            "target",
            self.rule,
            self.function,
            trigger_dead_letter_queue_arn,
            depends_on=[permission.address],
        )
