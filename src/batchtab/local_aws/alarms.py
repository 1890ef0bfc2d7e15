"""What ministack's CloudWatch lacks for alarms: their full description, their evaluation, and the metrics of SQS."""

from __future__ import annotations

import re
import time
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch, sqs

_SCALARS = (
    "AlarmDescription",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "TreatMissingData",
    "Unit",
    "EvaluateLowSampleCountPercentile",
)
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_MEMBER = re.compile(
    r"<member><AlarmName>([^<]*)</AlarmName>(?=<AlarmArn>[^<]*</AlarmArn><StateValue>[^<]*</StateValue><MetricName>)"
)
_LOOK_SECONDS = 2.0
_POINTS_KEPT = 600
_COMPARISONS: dict[str, Any] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def describe_alarms(original: Any, *arguments: Any, **named: Any) -> Any:
    """Add to the XML of DescribeAlarms what ministack leaves out, and Terraform's provider would set on every plan."""
    status, headers, body = original(*arguments, **named)
    text = body.decode() if isinstance(body, bytes) else body
    if status != 200 or not text.lstrip().startswith("<"):
        return status, headers, body
    return (
        status,
        headers,
        _MEMBER.sub(lambda match: match[0] + _missing(cloudwatch._alarms.get(match[1], {})), text).encode(),
    )


def _missing(alarm: dict[str, Any]) -> str:
    parts = [f"<{name}>{escape(str(alarm[name]))}</{name}>" for name in _SCALARS if alarm.get(name) not in (None, "")]
    parts.append(f"<ActionsEnabled>{str(alarm.get('ActionsEnabled', True)).lower()}</ActionsEnabled>")
    for name in _ACTIONS:
        members = "".join(f"<member>{escape(action)}</member>" for action in alarm.get(name) or [])
        parts.append(f"<{name}>{members}</{name}>")
    dimensions = "".join(
        f"<member><Name>{escape(each['Name'])}</Name><Value>{escape(each['Value'])}</Value></member>"
        for each in alarm.get("Dimensions") or []
    )
    parts.append(f"<Dimensions>{dimensions}</Dimensions>")
    return "".join(parts)


def evaluate_alarm(original: Any, alarm: dict[str, Any]) -> None:
    """Bring an alarm's state up to date: by its dimensions, period by period, missing data as it says."""
    metric, compare = alarm.get("MetricName"), _COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    if not metric or compare is None or alarm.get("Metrics"):
        original(alarm)  # metric math and anomaly bands: as ministack does
        return
    if alarm.get("Namespace") == "AWS/SQS":
        _note_queue(alarm)
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm.get("Namespace"), metric, dimensions)) or []
    period, periods = int(alarm.get("Period") or 60), int(alarm.get("EvaluationPeriods") or 1)
    wanted = int(alarm.get("DatapointsToAlarm") or periods)
    # The window slides, so that an alarm follows at once; CloudWatch's is aligned to the period.
    now = cloudwatch.time.time()
    verdicts: list[bool | None] = []
    for index in range(periods):
        end = now - index * period
        recent = [point for point in points if end - period < point["Timestamp"] <= end]
        verdicts.append(_verdict(alarm, recent, compare))
    treatment = alarm.get("TreatMissingData") or "missing"
    if all(verdict is None for verdict in verdicts) and treatment in ("missing", "ignore"):
        if treatment == "ignore" or not points:
            return
        _change(alarm, "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received")
        return
    filled = [treatment == "breaching" if verdict is None else verdict for verdict in verdicts]
    breaching = sum(filled)
    state = "ALARM" if breaching >= wanted else "OK"
    _change(alarm, state, f"Threshold Crossed: {breaching} of {periods} datapoints breached {alarm.get('Threshold')}")


def _verdict(alarm: dict[str, Any], points: list[dict[str, Any]], compare: Any) -> bool | None:
    stats = cloudwatch._calc_stats(points)
    if not stats:
        return None
    name = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    value = cloudwatch._stat_value(stats, name, points)
    return None if value is None else bool(compare(value, alarm.get("Threshold", 0)))


def _change(alarm: dict[str, Any], state: str, reason: str) -> None:
    before = alarm["StateValue"]
    if before == state:
        return
    alarm["StateValue"], alarm["StateReason"] = state, reason
    alarm["StateUpdatedTimestamp"] = int(cloudwatch.time.time())
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _note_queue(alarm: dict[str, Any]) -> None:
    """Note the depth of the SQS queue that an alarm watches, so that its alarm sees it as it is now."""
    name = cloudwatch._dims_from_list(alarm.get("Dimensions") or []).get("QueueName", "")
    queue = sqs._queue_by_arn(f"arn:aws:sqs:{get_region()}:{get_account_id()}:{name}")
    if queue is None:
        return
    now, wall, messages = cloudwatch.time.time(), time.time(), list(queue["messages"])
    visible = sum(message["visible_at"] <= wall for message in messages)
    figures = {
        "ApproximateNumberOfMessagesVisible": float(visible),
        "ApproximateNumberOfMessagesNotVisible": float(len(messages) - visible),
        "ApproximateAgeOfOldestMessage": max((wall - message["sent_at"] for message in messages), default=0.0),
    }
    for metric, value in figures.items():
        bucket = cloudwatch._metric_bucket(("AWS/SQS", metric, cloudwatch._dims_key({"QueueName": name})))
        bucket.append({"Timestamp": now, "Value": value, "Unit": "None", "Dimensions": {"QueueName": name}})
        del bucket[:-_POINTS_KEPT]


class AlarmWatch:
    """Evaluates all alarms every other second of real time, as nobody may ask for them. A source of the clock."""

    def __init__(self) -> None:
        self._looked = time.monotonic()

    def next_moment(self) -> float | None:
        """Nothing is due at a moment of the clock."""
        return None

    def run_due(self, _now: float) -> None:
        """Look, if it is some real time since the last look."""
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for account_id, region in {key[:2] for key in list(cloudwatch._alarms._data)}:
            with request_scope(account_id, region):
                cloudwatch._evaluate_all_alarms()

    def unsettled(self) -> bool:
        """Nothing to wait for."""
        return False
