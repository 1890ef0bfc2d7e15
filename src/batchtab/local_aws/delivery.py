"""Delivers events to targets: with the target's retry policy, and its dead-letter queue when that is exhausted."""

from __future__ import annotations

import heapq
import itertools
import json
import logging
import threading
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge, sqs

from batchtab.local_aws import permissions
from batchtab.local_aws.clock import Clock
from batchtab.local_aws.faults import Faults
from batchtab.local_aws.targets import Delivery, DeliveryError, Record, Targets, payload

logger = logging.getLogger("batchtab.local_aws.delivery")

# AWS says "exponential backoff" and no figures.
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 600.0
_DEFAULT_RETRIES = 185
_DEFAULT_AGE_SECONDS = 86_400


class Deliveries:
    """Replaces ministack's `_invoke_target`, which drops what a target does not take. A clock's source: retries."""

    def __init__(self, clock: Clock, targets: Targets, faults: Faults) -> None:
        self._clock = clock
        self._targets = targets
        self._faults = faults
        self._lock = threading.Lock()
        self._stopped = False
        self._waiting: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()

    def invoke_target(self, target: Record, event: Record, rule: Record, view: Any = None) -> None:
        """Deliver an event to a target; never raises. Bears ministack's signature."""
        scope, now = (get_account_id(), get_region()), self._clock.now()
        scheduled = Delivery(target, event, rule, scope, now).scheduled
        for _ in range(self._faults.deliveries("scheduler" if scheduled else "events")):
            self._try(Delivery(target, event, rule, scope, now), view)

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

    @property
    def waiting(self) -> int:
        """How many deliveries wait to be tried again."""
        with self._lock:
            return len(self._waiting)

    def stop(self) -> None:
        """Say nothing more of what fails: services are emptied at the end, also under a delivery that is being made."""
        self._stopped = True

    def clear(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._waiting.clear()

    def _try(self, delivery: Delivery, view: Any) -> None:
        delivery.attempts += 1
        try:
            self._targets.deliver(delivery, view)
        except DeliveryError as error:
            self._failed(delivery, error)
        except Exception as error:
            logger.exception("A delivery to %s failed", delivery.target.get("Arn"))
            self._failed(delivery, DeliveryError("INTERNAL_ERROR", str(error)))

    def _failed(self, delivery: Delivery, error: DeliveryError) -> None:
        if self._stopped:
            return
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
        scheduled = delivery.scheduled
        with request_scope(*delivery.scope):
            if not _may_send(delivery, queue_arn):
                logger.warning(
                    "%s: may not send to its dead-letter queue %s; the event is lost", rule.get("Arn"), queue_arn
                )
                return
        attributes = {
            "SCHEDULE_ARN" if scheduled else "RULE_ARN": rule.get("Arn", ""),
            "TARGET_ARN": target.get("Arn", ""),
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error)[:1024],
            "RETRY_ATTEMPTS": str(delivery.attempts - 1),
            **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
        }
        body = payload(delivery) if scheduled else self._event_text(delivery)
        with request_scope(*delivery.scope):
            send_letter(queue_arn, body, attributes)

    @staticmethod
    def _event_text(delivery: Delivery) -> str:
        return json.dumps(eventbridge._pattern_event_view(delivery.event).event_with_detail())


def _may_send(delivery: Delivery, queue_arn: str) -> bool:
    """Whether a dead-letter queue takes the event: by its policy from a rule, by the target's role from a schedule."""
    if delivery.scheduled:
        return permissions.role_allows(delivery.target.get("RoleArn") or "", "sqs:SendMessage", queue_arn)
    return permissions.lets_in(
        ((sqs._queue_by_arn(queue_arn) or {}).get("attributes") or {}).get("Policy"),
        "events.amazonaws.com",
        "sqs:SendMessage",
        queue_arn,
        delivery.rule.get("Arn", ""),
    )


def send_letter(queue_arn: str, body: str, attributes: dict[str, str]) -> None:
    """Put a message with attributes into a dead-letter queue of SQS."""
    eventbridge._dispatch_to_sqs(parse_arn(queue_arn), body)
    queue = sqs._queue_by_arn(queue_arn)
    if queue is not None:
        queue["messages"][-1]["message_attributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
