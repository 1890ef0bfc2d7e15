"""Dead letters: the queues of what triggers could not submit and of alerts that were not delivered are empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from batchtab.aws.checkup.check import Check, Question
from batchtab.aws.checkup.finding import Finding, fail, warn
from batchtab.aws.checkup.survey import Survey
from batchtab.errors import how_many

_NAME = "dead letters"
_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


def checks(survey: Survey) -> list[Check]:
    """Both queues."""
    stage = survey.stage
    alerts = f"batchtab alerts list --stage {stage.name}, then batchtab alerts redrive --stage {stage.name}"
    parts = {
        f"{stage.prefix}-trigger-dead-letter": (
            ("run", "could not be submitted, nor reported"),
            f"aws sqs receive-message --queue-url {{url}} {survey.where}, then batchtab backfill",
        ),
        f"{stage.prefix}-job-alerts-dead-letter": (("alert", "could not be delivered"), alerts),
    }
    questions = [Question(f"queue {name}", _queue(survey, name, *said)) for name, said in parts.items()]
    return [Check(_NAME, "no undelivered run or alert", questions)] if survey.is_deployed else []


def _queue(survey: Survey, name: str, what: tuple[str, str], fix: str) -> Callable[[], Iterator[Finding]]:
    def ask() -> Iterator[Finding]:
        sqs = survey.client("sqs")
        try:
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        except ClientError as error:
            if not error.response["Error"]["Code"].endswith(("NonExistentQueue", "QueueDoesNotExist")):
                raise
            yield fail(_NAME, f"queue {name}", "does not exist", survey.deploy)
            return
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)["Attributes"]
        number = sum(int(counts.get(each, 0)) for each in _COUNTS)
        if number:
            noun, text = what
            yield warn(_NAME, f"queue {name}", f"{how_many(number, noun)} {text}", fix.format(url=url))

    return ask
