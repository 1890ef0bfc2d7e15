"""The function that decides which runs are submitted, and the table in which it records them."""

from __future__ import annotations

from typing import Unpack

from constructs import Construct

from batchtab import limits
from batchtab.constructs._terraform import job_events
from batchtab.constructs._terraform.account import Account
from batchtab.constructs._terraform.arguments import no_rules, read
from batchtab.constructs._terraform.aws import LambdaFunctionEventInvokeConfig, LambdaPermission
from batchtab.constructs._terraform.expressions import Expression, choose, hcl, is_expression, is_set, literals
from batchtab.constructs._terraform.functions import python_function
from batchtab.constructs._terraform.log_groups import log_group
from batchtab.constructs._terraform.resources import BatchtabConstruct, create_resource
from batchtab.constructs._terraform.roles import RoleSettings
from batchtab.constructs._terraform.tables import table
from batchtab.constructs.job_runs.runs_arguments import RunsArgumentsDict
from batchtab.declarations.runs_arguments import RunsArguments

_PACKAGE = "submit_run"
_TIMEOUT_SECONDS = 30  # below the 45 seconds of a claim's lease: an expired claim means that its owner is dead
_MEMORY_MIB = 512  # memory buys processor: what starts cold imports twice as fast, at the same price
_RETRIES = 2  # Lambda's most, after one and two minutes
_EVENT_AGE_SECONDS = 3600  # how long a throttled run waits for its turn; as long as a trigger tries to deliver it
# A run's record and its job's state are written in one transaction, which AWS allows by the writes in it.
_TABLE_ACTIONS = ("dynamodb:BatchGetItem", "dynamodb:PutItem")
# Batch repeats a container's literal environment in its events. An array's children end before the array does.
# For a job on several nodes Batch reports the end of each node too; the function ignores those.
_WITH_POLICY = {"environment": {"name": [limits.RUN_VARIABLES["run_policy"]]}}
_ENDED = {
    "status": ["FAILED", "SUCCEEDED"],
    "$or": [
        {"container": _WITH_POLICY},
        {"ecsProperties": {"taskProperties": {"containers": _WITH_POLICY}}},
        {"nodeProperties": {"numNodes": [{"exists": True}]}},
    ],
    "arrayProperties": {"index": [{"exists": False}]},
}


class JobRuns(BatchtabConstruct):
    """Decides which runs of some queues' jobs are submitted: each scheduled time once, as their policies allow.

    The triggers of jobs with a `concurrency_policy`, `except` or `pause_on_failure` invoke a Lambda function, which
    claims the run in a table and submits it, lets it wait, or notes why it is not run. The function gets the ends
    of such runs, so that the next one starts. Idle, all of it costs nothing.

    No run is lost silently: what the function fails on three times goes into the dead-letter queue of the
    triggers, as does what EventBridge could not deliver.

    See https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
    """

    def __init__(self, scope: Construct, id_: str, **arguments: Unpack[RunsArgumentsDict]) -> None:
        """Makes function and table.

        Args:
            scope: A stack or construct.
            id_: `Default` for addresses without a prefix.
            arguments: The runs; see `RunsArgumentsDict`. A value may be a Terraform expression.

        Raises:
            InvalidArgumentError: What is wrong with the values that are known, in the words of `batchtab check`.
        """
        super().__init__(scope, id_)
        runs = read(self, RunsArguments, arguments, no_rules)
        tags = literals(runs.tags) or None
        name = f"{runs.namespace}-submit-run"
        self.log_group = log_group(
            self, f"/aws/lambda/{name}", retention_days=runs.log_retention_days, kms_key_arn=runs.kms_key_arn, tags=tags
        )
        #: Where all of it is.
        self.account = account = Account.of_arn(self, self.log_group["arn"])
        self.table = table(
            self, name=f"{runs.namespace}-job-runs", keys=("job", "item"), kms_key_arn=runs.kms_key_arn, tags=tags
        )
        definitions = [account.arn("batch", f"job-definition/{runs.namespace}-*")]
        made = python_function(
            self,
            name=name,
            package=_PACKAGE,
            description=f"Decides which runs of {runs.namespace} are submitted.",
            environment={
                "RUNS_TABLE": self.table["name"],
                "RUNS_NAMESPACE": runs.namespace,
                "RUNS_HISTORY_DAYS": (
                    Expression.of(f"tostring({hcl(runs.history_days)})")
                    if is_expression(runs.history_days)
                    else str(runs.history_days)
                ),
            },
            may=[
                (_TABLE_ACTIONS, [self.table["arn"]]),
                # SubmitJob asks for a permission on the queue and on the definition.
                (["batch:SubmitJob"], runs.job_queue_arns),
                (["batch:SubmitJob"], definitions),
                # A job's ARN says neither its queue nor its name.
                (["batch:TerminateJob"], [account.arn("batch", "job/*")]),
                # AWS knows no resource for these. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
                (["batch:DescribeJobs", "batch:ListJobs"], ["*"]),
                (["sqs:SendMessage"], [runs.trigger_dead_letter_queue_arn]),
                # What a key of the customer's encrypts is of use only to those who may use the key.
                (["kms:Decrypt", "kms:GenerateDataKey"], choose(is_set(runs.kms_key_arn), [runs.kms_key_arn], [])),
            ],
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            kms_key_arn=runs.kms_key_arn,
            roles=RoleSettings.of(runs, tags),
            log_group=self.log_group,
            tags=tags,
            dead_letter_queue_arn=runs.trigger_dead_letter_queue_arn,
        )
        self.function, self.role = made.function, made.role
        create_resource(
            self,
            LambdaFunctionEventInvokeConfig,
            "event_invoke_config",
            function_name=self.function["function_name"],
            maximum_event_age_in_seconds=_EVENT_AGE_SECONDS,
            maximum_retry_attempts=_RETRIES,
        )
        # One for all rules of the runs.namespace, the one below among them: a job brings no permission of its own.
        permission = create_resource(
            self,
            LambdaPermission,
            "permission",
            statement_id="rules",
            action="lambda:InvokeFunction",
            function_name=self.function["function_name"],
            principal="events.amazonaws.com",
            source_arn=account.arn("events", f"rule/{runs.namespace}-*"),
        )
        self.rule = job_events.rules_on_jobs(
            self,
            "run_ended",
            namespace=runs.namespace,
            job_queue_arns=runs.job_queue_arns,
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
            runs.trigger_dead_letter_queue_arn,
            depends_on=[permission.address],
        )
