"""The fields of alerts that a stage's file, the construct and the module share, and which do not go together."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import Field, Strict

from batchtab import limits
from batchtab.declarations.fields import Limit, StrictModel
from batchtab.declarations.table import Fault, Hidden

KEY_WITHOUT_SECRET = "is the key of webhook_secret_arn, which is not given"  # noqa: S105 - words
BESIDE_WEBHOOK = "cannot be used together with webhook_secret_arn"
WITHOUT_QUIET = "has no effect without quiet"
BESIDE_TOPIC = "cannot be used together with topic_arn"
_DEFAULTS = limits.ALERT_DEFAULTS


class AlertFields(StrictModel):
    """Where a failed job is reported, and by which function."""

    function_name: Annotated[str, Strict(), Limit(limits.FUNCTION_NAME)] = Field(
        default=_DEFAULTS["function_name"],
        description="Function of this account that takes a Slack message as JSON and sends it; it exists already.",
    )
    function_region: Annotated[str, Strict(), Limit(limits.REGION)] | None = Field(
        default=None, description="Region of that function. Default: the same as everything else."
    )
    webhook_secret_arn: Annotated[str, Strict(), Limit(limits.SECRET_ARN), Hidden()] | None = Field(
        default=None,
        description="Instead of the function: ARN of the secret or parameter with a webhook's address. It is read"
        " when it is needed and is in no state, setting or log.",
    )
    webhook_kms_key_arn: Annotated[str, Strict(), Limit(limits.KMS_KEY_ARN)] | None = Field(
        default=None, description="Key of that secret. Default: AWS's own."
    )
    topic_arn: Annotated[str, Strict(), Limit(limits.STANDARD_TOPIC_ARN)] | None = Field(
        default=None,
        description="Instead of the function: ARN of an SNS topic that gets each alert as plain text, for e-mail,"
        " PagerDuty, and Slack or Teams through Amazon Q. If a key encrypts it, its policy must let the function's role"
        " use it, and it must be `kms_key_arn`.",
    )
    channel: Annotated[str, Strict(), Limit(limits.SLACK_CHANNEL)] = Field(
        default=_DEFAULTS["channel"],
        description="Slack channel, with its `#`, in quotes. A webhook has a channel of its own.",
    )
    quiet: Annotated[bool, Strict()] = Field(
        default=_DEFAULTS["quiet"],
        description="Whether repeats, dependents and storms are grouped, with a table, and recoveries"
        " reported. jobs.yaml may then say `alerts`.",
    )
    repeat_seconds: Annotated[int, Strict(), Limit(limits.REPEAT_SECONDS)] = Field(
        default=_DEFAULTS["repeat_seconds"],
        description="How often a job that fails again and again is reported, if quiet. 0: each time.",
    )
    alarm_topic_arns: tuple[Annotated[str, Strict(), Limit(limits.TOPIC_ARN)], ...] = Field(
        default=(),
        description="SNS topics, in the same region, that get an alarm when an alert could not be delivered; those"
        " of a stage also when a trigger could not submit its job.",
    )


def faults(alerts: AlertFields, *, unknown: Collection[str] = ()) -> Iterator[Fault]:
    """What does not go together.

    Args:
        alerts: The alerts.
        unknown: Fields whose value only Terraform knows.
    """
    given = alerts.model_fields_set
    if "topic_arn" not in unknown and alerts.topic_arn is not None:
        for name in ("webhook_secret_arn", "function_name", "function_region", "stand_in"):
            if name in given and name not in unknown and getattr(alerts, name):
                yield name, None, BESIDE_TOPIC, "leave one of the two out"
    if "webhook_secret_arn" not in unknown:
        if alerts.webhook_secret_arn is None:
            if "webhook_kms_key_arn" not in unknown and alerts.webhook_kms_key_arn is not None:
                yield "webhook_kms_key_arn", None, KEY_WITHOUT_SECRET, ""
        else:
            for name in ("function_name", "function_region", "stand_in"):
                if name in given and name not in unknown and getattr(alerts, name):
                    yield name, None, BESIDE_WEBHOOK, "leave one of the two out"
    if "repeat_seconds" in given and not {"quiet", "repeat_seconds"} & set(unknown) and not alerts.quiet:
        yield "repeat_seconds", None, WITHOUT_QUIET, "quiet: true"
