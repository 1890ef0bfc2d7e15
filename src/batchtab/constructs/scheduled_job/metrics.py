"""Metrics of a job's ends, and alarms on them.

Batch has no metric of its own. A rule on the job's ends has one: how often it was triggered.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batchtab import limits
from batchtab.constructs._terraform.aws import CloudwatchEventRule, CloudwatchMetricAlarm
from batchtab.constructs._terraform.documents import document
from batchtab.constructs._terraform.expressions import Expression
from batchtab.constructs._terraform.naming import shorten
from batchtab.constructs._terraform.resources import BatchtabConstruct, ResourceRef, create_resource


@dataclass(frozen=True)
class Metric:
    """A CloudWatch metric.

    Attributes:
        namespace: AWS/Events.
        name: TriggeredRules.
        dimensions: The rule's name.
        statistic: How a period's values become one.
        period_seconds: The length of a period.
    """

    namespace: str
    name: str
    dimensions: dict[str, Any]
    statistic: str = "Sum"
    period_seconds: int = 300

    def alarm(
        self, scope: BatchtabConstruct, label: str, *, threshold: int = 1, topic_arns: Sequence[str] = ()
    ) -> ResourceRef:
        """Makes an alarm: ALARM while a period has at least `threshold`.

        Args:
            scope: A construct, such as the job.
            label: Part of its address and name.
            threshold: How many ends.
            topic_arns: SNS topics that get a message when it begins and when it is over.
        """
        (rule,) = self.dimensions.values()
        return create_resource(
            scope,
            CloudwatchMetricAlarm,
            f"{label}_alarm",
            alarm_name=f"{rule}-{label}",
            namespace=self.namespace,
            metric_name=self.name,
            dimensions=self.dimensions,
            statistic=self.statistic,
            period=self.period_seconds,
            evaluation_periods=1,
            threshold=threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=list(topic_arns) or None,
            ok_actions=list(topic_arns) or None,
        )


def metric_of_end(scope: BatchtabConstruct, full_name: Any, definition_arn_prefix: str, status: str) -> Metric:
    """The metric of a job's ends with a status, with the rule that counts them.

    Args:
        scope: The job.
        full_name: The job definition's name.
        definition_arn_prefix: The definition's ARN up to its revision.
        status: SUCCEEDED or FAILED.
    """
    label = status.lower()
    rule = create_resource(
        scope,
        CloudwatchEventRule,
        label,
        name=shorten(f"{full_name}.{label}", limits.RULE_NAME_MAX),
        description=f"Counts runs that {label}.",
        event_pattern=document(
            {
                "source": ["aws.batch"],
                "detail-type": ["Batch Job State Change"],
                "detail": {
                    "status": [status],
                    "jobDefinition": [{"prefix": definition_arn_prefix}],
                    "arrayProperties": {"index": [{"exists": False}]},
                    "nodeDetails": {"nodeIndex": [{"exists": False}]},
                },
            }
        ),
    )
    name: Expression = rule["name"]
    return Metric("AWS/Events", "TriggeredRules", {"RuleName": name})
