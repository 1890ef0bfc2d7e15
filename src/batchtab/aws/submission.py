"""The CLI's calls that start a run: the submit function's, which knows the job's policy, or SubmitJob."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from batchtab.aws.client import Aws
from batchtab.aws.job_logs import is_throttled
from batchtab.aws.runs import Answer, FunctionError, Runs

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

# SubmitJob takes no token: a call whose answer was lost is not made again, or there might be two jobs.
_ONCE = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
_PAUSES_SECONDS = (2.0, 5.0)
_REFUSED = "Batch refuses it"  # by which the function says that trying again does not help
_UNKNOWN_EVENT = "is missing"


class OlderFunctionError(Exception):
    """The deployed submit function does not know what it is asked."""


def ask(runs: Runs, event: Mapping[str, Any], sleep: Callable[[float], None]) -> Answer:
    """Asks the submit function for a run, up to three times: it submits one run once, however often it is asked.

    Raises:
        LookupError: there is no such function.
        OlderFunctionError: it is older than this program.
        FunctionError: it failed again and again.
        ClientError: AWS does not let it be called.
    """
    for pause in (*_PAUSES_SECONDS, None):
        try:
            return runs.ask(event)
        except FunctionError as error:
            cause, text = error.__cause__, str(error)
            if isinstance(cause, ClientError) and not is_throttled(cause):
                raise cause from None
            if f"trigger.scheduled_time {_UNKNOWN_EVENT}" in text:
                raise OlderFunctionError(text) from error
            if pause is None or text.startswith(_REFUSED):
                raise
            sleep(pause)
    raise AssertionError


def submit(aws: Aws, arguments: Mapping[str, Any], sleep: Callable[[float], None]) -> str:
    """Submits a job and returns its id; three calls at most, where AWS throttles.

    Raises:
        ClientError: Batch refuses it.
    """
    batch: BatchClient = aws.client("batch", _ONCE)
    for pause in (*_PAUSES_SECONDS, None):
        try:
            return batch.submit_job(**arguments)["jobId"]
        except ClientError as error:
            if pause is None or not is_throttled(error):
                raise
            sleep(pause)
    raise AssertionError
