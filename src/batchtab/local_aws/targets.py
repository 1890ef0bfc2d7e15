"""How each kind of target takes an event, and when it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import eventbridge, lambda_svc, sns, sqs

from batchtab.local_aws import permissions
from batchtab.local_aws.batch.errors import ClientError
from batchtab.local_aws.batch.model import recase, service_model, to_model_case
from batchtab.local_aws.faults import Faults

Record = dict[str, Any]
Submit = Callable[[Record], Record]

UNIVERSAL_SUBMIT = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
# Kinds of target that ministack delivers to, once it is known that they are there and may be used: what that takes.
_ACTIONS = {
    "events": "events:PutEvents",
    "states": "states:StartExecution",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
}


class DeliveryError(Exception):
    """A target did not take an event.

    Attributes:
        code: As in the dead-letter message's ERROR_CODE.
        retried: Whether AWS tries again: not where the target is gone or may not be used.
    """

    def __init__(self, code: str, message: str, *, retried: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.retried = retried


@dataclass
class Delivery:
    """An event on its way to one target."""

    target: Record
    event: Record
    rule: Record
    scope: tuple[str, str]
    first_try: float
    attempts: int = 0

    @property
    def scheduled(self) -> bool:
        """Whether a schedule of EventBridge Scheduler sends it, and not a rule."""
        return "ScheduleExpressionTimezone" in self.rule


class Targets:
    """Hands events to targets."""

    def __init__(self, submit: Submit, original: Callable[..., None], faults: Faults) -> None:
        self._submit = submit
        self._faults = faults
        self._original = original

    def deliver(self, delivery: Delivery, view: Any = None) -> None:
        """Hand an event to its target.

        Raises:
            DeliveryError: The target is not there, may not be used or did not take it.
        """
        target = delivery.target
        arn = target.get("Arn", "")
        if arn == UNIVERSAL_SUBMIT:
            self._call_submit(delivery, to_model_case("SubmitJob", _json_object(payload(delivery, view), arn)))
            return
        try:
            service = parse_arn(arn).service
        except ArnParseError as error:
            raise DeliveryError("INVALID_TARGET", f"{arn} is not an ARN", retried=False) from error
        if service == "batch":
            self._call_submit(delivery, _from_batch_parameters(delivery, view))
        elif service == "lambda":
            self._check_away("lambda", "Invoke")
            _invoke_function(delivery, view)
        elif service in _ACTIONS:
            _check_target(delivery, service)
            handed = {**target, "Input": payload(delivery, view)} if service in ("sqs", "sns") else target
            self._original(handed, delivery.event, delivery.rule, view)
        else:
            raise DeliveryError("UNSUPPORTED_TARGET", f"local AWS does not deliver to {arn}", retried=False)

    def _check_away(self, service: str, operation: str) -> None:
        if self._faults.refuses(service, operation):
            raise DeliveryError("SERVICE_UNAVAILABLE", f"{service} is away: a fault was asked for")

    def _call_submit(self, delivery: Delivery, request: Record) -> None:
        _check_submission(delivery, request)
        self._check_away("batch", "SubmitJob")
        try:
            self._submit(request)
        except ClientError as error:
            # A job queue that is not there is a target that is gone; anything else may pass.
            gone = "no such job queue" in str(error)
            raise DeliveryError("RESOURCE_NOT_FOUND" if gone else error.code, str(error), retried=not gone) from error


def payload(delivery: Delivery, view: Any = None) -> str:
    """Return what a target gets: its input, a part of the event, or the event."""
    target = delivery.target
    view = view or eventbridge._pattern_event_view(delivery.event)
    if target.get("InputTransformer"):
        return str(eventbridge._apply_input_transformer(target["InputTransformer"], delivery.rule, view))
    if target.get("Input"):
        text = str(target["Input"])
        return text.replace("<aws.scheduler.attempt-number>", str(delivery.attempts)) if delivery.scheduled else text
    event = view.event_with_detail()
    if target.get("InputPath"):
        return json.dumps(_at_path(event, target["InputPath"]))
    return json.dumps(event)


def _check_role(delivery: Delivery, check: Callable[[str], str | None]) -> None:
    """Refuse a delivery whose role may not be taken, or may not do what `check` asks of it."""
    role = delivery.target.get("RoleArn") or ""
    if delivery.scheduled:
        refused = permissions.role_refusal(
            role, "scheduler.amazonaws.com", *permissions.schedule_sources(delivery.rule)
        )
    else:
        refused = permissions.role_refusal(role, "events.amazonaws.com", delivery.rule.get("Arn", ""))
    if refused is None:
        refused = check(role)
    if refused is not None:
        arn = delivery.target["Arn"]
        raise DeliveryError("NO_PERMISSIONS", f"Not authorized to invoke {arn}: {refused}", retried=False)


def _check_action(delivery: Delivery, action: str) -> None:
    """Refuse a delivery whose role may not be taken, or lacks an action on the target."""
    arn = delivery.target["Arn"]
    _check_role(delivery, lambda role: permissions.action_refusal(role, action, arn))


def _check_submission(delivery: Delivery, request: Record) -> None:
    """Refuse a delivery whose role may not submit the job, as a request of the role itself would need it."""
    _check_role(delivery, lambda role: permissions.request_refusal(role, "batch", "SubmitJob", request))


def _check_target(delivery: Delivery, service: str) -> None:
    """Refuse a delivery to a queue, topic, bus or state machine that is not there or may not be used.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    arn = delivery.target["Arn"]
    if service == "sqs" and sqs._queue_by_arn(arn) is None:
        raise DeliveryError("RESOURCE_NOT_FOUND", f"The specified queue does not exist: {arn}", retried=False)
    if service == "sns" and arn not in sns._topics:
        raise DeliveryError("RESOURCE_NOT_FOUND", f"Topic does not exist: {arn}", retried=False)
    if delivery.scheduled or service in ("events", "states"):
        _check_action(delivery, _ACTIONS[service])
        return
    found = sqs.queue_policy_for_arn(arn) if service == "sqs" else sns.topic_policy_for_arn(arn)
    _check_lets_in(delivery, found[0] if found else None, _ACTIONS[service])


def _check_lets_in(delivery: Delivery, policy: str | Record | None, action: str) -> None:
    """Refuse a rule's delivery that the target's own policy does not allow."""
    arn = delivery.target["Arn"]
    if not permissions.lets_in(policy, "events.amazonaws.com", action, arn, delivery.rule.get("Arn", "")):
        raise DeliveryError(
            "NO_PERMISSIONS", f"{arn} has no permission for events.amazonaws.com from this rule", retried=False
        )


def _invoke_function(delivery: Delivery, view: Any) -> None:
    arn = delivery.target["Arn"]
    record, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not record or not config:
        raise DeliveryError("RESOURCE_NOT_FOUND", f"Function not found: {name}", retried=False)
    if delivery.scheduled:
        _check_action(delivery, "lambda:InvokeFunction")
    else:
        _check_lets_in(delivery, record.get("policy"), "lambda:InvokeFunction")
    text = payload(delivery, view)
    try:
        content = json.loads(text)
    except ValueError:
        content = text
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(record, config), content)


def _from_batch_parameters(delivery: Delivery, view: Any) -> Record:
    """Return the SubmitJob request of a rule's Batch target.

    https://docs.aws.amazon.com/batch/latest/userguide/batch-cwe-target.html
    """
    target = delivery.target
    given = target.get("BatchParameters") or {}
    request: Record = {
        "jobName": given.get("JobName", ""),
        "jobQueue": target["Arn"],
        "jobDefinition": given.get("JobDefinition", ""),
    }
    if given.get("ArrayProperties"):
        request["arrayProperties"] = {"size": given["ArrayProperties"]["Size"]}
    if given.get("RetryStrategy"):
        request["retryStrategy"] = {"attempts": given["RetryStrategy"]["Attempts"]}
    if any(target.get(member) for member in ("Input", "InputPath", "InputTransformer")):
        content = _json_object(payload(delivery, view), target["Arn"])
        if content.get("Parameters"):
            request["parameters"] = content["Parameters"]
        if content.get("ContainerOverrides"):
            shape = service_model().shape_for("ContainerOverrides")
            request["containerOverrides"] = recase(shape, content["ContainerOverrides"])
    return request


def _json_object(text: str, target: str) -> Record:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DeliveryError("INVALID_INPUT", f"The input for {target} is not JSON: {error}", retried=False) from error
    if not isinstance(content, dict):
        raise DeliveryError("INVALID_INPUT", f"The input for {target} is not a JSON object", retried=False)
    return content


def _at_path(event: Any, path: str) -> Any:
    value = event
    for part in path.removeprefix("$").strip(".").split("."):
        if part:
            if not isinstance(value, dict) or part not in value:
                return event
            value = value[part]
    return value
