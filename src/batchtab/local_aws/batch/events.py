from __future__ import annotations

import copy
import json
import logging
import queue
import threading
import uuid
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.clock import Clock

logger = logging.getLogger("batchtab.local_aws.batch")


class Events:
    """Sends what happens to jobs to EventBridge, in the order in which it happened, from a thread of its own.

    https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._loop, name="batch-events", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is waiting and stop."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    @property
    def pending(self) -> bool:
        """Whether an event is still on its way."""
        return self._queue.unfinished_tasks > 0

    def job_changed(self, job: Job) -> None:
        """Report that a job has another status."""
        self._put(job, "Batch Job State Change", [job.arn])

    def queue_blocked(self, job: Job) -> None:
        """Report that the job at the head of its queue cannot be placed."""
        self._put(job, "Batch Job Queue Blocked", [job.arn, job.record["jobQueue"]])

    def _put(self, job: Job, detail_type: str, resources: list[str]) -> None:
        self._queue.put(
            {
                "EventId": str(uuid.uuid4()),
                "Source": "aws.batch",
                "DetailType": detail_type,
                "Time": int(self._clock.now()),
                "EventBusName": "default",
                "Resources": resources,
                "Account": job.account_id,
                "Region": job.region,
                "Detail": copy.deepcopy(job.record),
            }
        )

    def _loop(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                with request_scope(event["Account"], event["Region"]):
                    event["Detail"] = json.dumps(event["Detail"])
                    eventbridge._ensure_default_bus()
                    view = eventbridge._pattern_event_view(event)
                    eventbridge._dispatch_event(event, view)
                    eventbridge._archive_event(event, view)
            except Exception:
                logger.exception("An event of Batch could not be dispatched")
            finally:
                self._queue.task_done()
