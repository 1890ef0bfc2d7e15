"""RunsArguments: how runs are recorded, as the construct and the Terraform module take it; and the stage's part."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel
from batchtab.declarations.function_arguments import FunctionArguments, KeyArn, QueueArn


class Runs(StrictModel):
    """How runs are recorded."""

    history_days: Annotated[int, Strict(), Limit(limits.HISTORY_DAYS)] = Field(
        default=limits.STAGE_DEFAULTS["history_days"],
        description="Days for which a run's record is kept: `batchtab history` shows it, and no scheduled time is run"
        " twice.",
    )


class RunsArguments(Runs, FunctionArguments):
    """The arguments of `JobRuns` and the variables of the module `job_runs`."""

    namespace: Annotated[str, Strict(), Limit(limits.NAMESPACE_ANY)] = Field(
        description="The environment's namespace; every name begins with it, and those of the rules that may invoke the"
        " function."
    )
    job_queue_arns: tuple[QueueArn, ...] = Field(
        min_length=1,
        description="ARNs of the queues that runs are submitted to.",
    )
    trigger_dead_letter_queue_arn: Annotated[str, Strict(), Limit(limits.STANDARD_QUEUE_ARN)] = Field(
        description="ARN of the environment's queue for what its triggers could not submit; it also gets a run that"
        " could not be decided."
    )
    kms_key_arn: KeyArn | None = Field(
        default=None,
        description="Key for the log group, the table and the function's environment, and of the queue if it has one."
        " Its policy must let logs use it. Default: AWS's own keys.",
    )
