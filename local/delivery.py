"""Delivers events to targets: with the target's retry policy, and its dead-letter queue when that is exhausted."""

from __future__ import annotations

import heapq
import itertools
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge, lambda_svc, sns, sqs

from local.batch.errors import ClientError
from local.batch.model import recase, service_model, to_model_case
from local.clock import Clock

logger = logging.getLogger("local.delivery")
Record = dict[str, Any]
Submit = Callable[[Record], Record]

UNIVERSAL_SUBMIT = "arn:aws:scheduler:::aws-sdk:batch:submitJob"
# AWS says "exponential backoff" and no figures.
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 600.0
_DEFAULT_RETRIES = 185
_DEFAULT_AGE_SECONDS = 86_400


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


class Deliveries:
    """Replaces ministack's `_invoke_target`, which drops what a target does not take. A clock's source: retries."""

    def __init__(self, clock: Clock, submit: Submit, original: Callable[..., None]) -> None:
        self._clock = clock
        self._submit = submit
        self._original = original
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()

    def invoke_target(self, target: Record, event: Record, rule: Record, view: Any = None) -> None:
        """Deliver an event to a target; never raises. Bears ministack's signature."""
        delivery = Delivery(target, event, rule, (get_account_id(), get_region()), self._clock.now())
        self._try(delivery, view)

    def next_moment(self) -> float | None:
        """Return when the next retry is due."""
        with self._lock:
            return self._waiting[0][0] if self._waiting else None

    def run_due(self, now: float) -> None:
        """Try again what is due."""
        while True:
            with self._lock:
                if not self._waiting or self._waiting[0][0] > now:
                    return
                delivery = heapq.heappop(self._waiting)[2]
            with request_scope(*delivery.scope):
                self._try(delivery, None)

    def unsettled(self) -> bool:
        """Nothing to wait for: a delivery is made at once or has its moment."""
        return False

    def clear(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._waiting.clear()

    def _try(self, delivery: Delivery, view: Any) -> None:
        delivery.attempts += 1
        try:
            self._deliver(delivery, view)
        except DeliveryError as error:
            self._failed(delivery, error)
        except Exception as error:
            logger.exception("A delivery to %s failed", delivery.target.get("Arn"))
            self._failed(delivery, DeliveryError("INTERNAL_ERROR", str(error)))

    def _failed(self, delivery: Delivery, error: DeliveryError) -> None:
        policy = delivery.target.get("RetryPolicy") or {}
        retries = policy.get("MaximumRetryAttempts", _DEFAULT_RETRIES)
        age = policy.get("MaximumEventAgeInSeconds", _DEFAULT_AGE_SECONDS)
        delay = min(_FIRST_DELAY_SECONDS * 2 ** (delivery.attempts - 1), _LONGEST_DELAY_SECONDS)
        moment = self._clock.now() + delay
        exhausted = ""
        if error.retried:
            if delivery.attempts > retries:
                exhausted = "MaximumRetryAttempts"
            elif moment - delivery.first_try > age:
                exhausted = "MaximumEventAgeInSeconds"
            else:
                with self._lock:
                    heapq.heappush(self._waiting, (moment, next(self._numbers), delivery))
                self._clock.wake()
                return
        self._give_up(delivery, error, exhausted)

    def _give_up(self, delivery: Delivery, error: DeliveryError, exhausted: str) -> None:
        target, rule = delivery.target, delivery.rule
        logger.warning("%s: not delivered to %s: %s: %s", rule.get("Arn"), target.get("Arn"), error.code, error)
        queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue_arn:
            return
        if sqs._queue_by_arn(queue_arn) is None:
            logger.warning("%s: its dead-letter queue %s does not exist; the event is lost", rule.get("Arn"), queue_arn)
            return
        scheduled = "ScheduleExpressionTimezone" in rule
        attributes = {
            "SCHEDULE_ARN" if scheduled else "RULE_ARN": rule.get("Arn", ""),
            "TARGET_ARN": target.get("Arn", ""),
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error)[:1024],
            "RETRY_ATTEMPTS": str(delivery.attempts - 1),
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
        }
        body = self._payload(delivery, None) if scheduled else self._event_text(delivery)
        with request_scope(*delivery.scope):
            _send(queue_arn, body, attributes)

    def _deliver(self, delivery: Delivery, view: Any) -> None:
        target = delivery.target
        arn = target.get("Arn", "")
        if arn == UNIVERSAL_SUBMIT:
            self._call_submit(to_model_case("SubmitJob", _json_object(self._payload(delivery, view), arn)))
            return
        try:
            spec = parse_arn(arn)
        except ArnParseError as error:
            raise DeliveryError("INVALID_TARGET", f"{arn} is not an ARN", retried=False) from error
        if spec.service == "batch":
            self._call_submit(self._from_batch_parameters(delivery, view))
        elif spec.service == "lambda":
            record, config, name = lambda_svc._get_func_record_for_ref(arn)
            if not record or not config:
                raise DeliveryError("RESOURCE_NOT_FOUND", f"Function not found: {name}", retried=False)
            payload = self._payload(delivery, view)
            try:
                content = json.loads(payload)
            except ValueError:
                content = payload
            execution = lambda_svc._execution_record_for_config(record, config)
            lambda_svc.invoke_async_with_retry(execution, content)
        else:
            if spec.service == "sqs" and sqs._queue_by_arn(arn) is None:
                raise DeliveryError("RESOURCE_NOT_FOUND", f"The specified queue does not exist: {arn}", retried=False)
            if spec.service == "sns" and arn not in sns._topics:
                raise DeliveryError("RESOURCE_NOT_FOUND", f"Topic does not exist: {arn}", retried=False)
            self._original({**target, "Input": self._payload(delivery, view)}, delivery.event, delivery.rule, view)

    def _call_submit(self, request: Record) -> None:
        try:
            self._submit(request)
        except ClientError as error:
            # A job queue that is not there is a target that is gone; anything else may pass.
            gone = "no such job queue" in str(error)
            raise DeliveryError("RESOURCE_NOT_FOUND" if gone else error.code, str(error), retried=not gone) from error

    def _from_batch_parameters(self, delivery: Delivery, view: Any) -> Record:
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
            content = _json_object(self._payload(delivery, view), target["Arn"])
            if content.get("Parameters"):
                request["parameters"] = content["Parameters"]
            if content.get("ContainerOverrides"):
                shape = service_model().shape_for("ContainerOverrides")
                request["containerOverrides"] = recase(shape, content["ContainerOverrides"])
        return request

    def _payload(self, delivery: Delivery, view: Any) -> str:
        """Return what the target gets: its input, a part of the event, or the event."""
        target = delivery.target
        view = view or eventbridge._pattern_event_view(delivery.event)
        if target.get("InputTransformer"):
            return str(eventbridge._apply_input_transformer(target["InputTransformer"], delivery.rule, view))
        if target.get("Input"):
            text = str(target["Input"])
            if "<aws.scheduler.attempt-number>" in text:
                text = text.replace("<aws.scheduler.attempt-number>", str(delivery.attempts))
            return text
        event = view.event_with_detail()
        if target.get("InputPath"):
            return json.dumps(_at_path(event, target["InputPath"]))
        return json.dumps(event)

    @staticmethod
    def _event_text(delivery: Delivery) -> str:
        return json.dumps(eventbridge._pattern_event_view(delivery.event).event_with_detail())


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


def _send(queue_arn: str, body: str, attributes: dict[str, str]) -> None:
    eventbridge._dispatch_to_sqs(parse_arn(queue_arn), body)
    queue = sqs._queue_by_arn(queue_arn)
    if queue is not None:
        queue["messages"][-1]["message_attributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
