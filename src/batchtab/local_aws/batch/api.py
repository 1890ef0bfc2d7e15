from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from batchtab.local_aws.batch import definitions, environments, jobs, policies, queues, tags
from batchtab.local_aws.batch.engine import Engine
from batchtab.local_aws.batch.errors import ClientError, UnknownOperationError
from batchtab.local_aws.batch.model import check_request, operations
from batchtab.local_aws.batch.paging import page
from batchtab.local_aws.batch.store import Record, Store, name_of
from batchtab.local_aws.batch.submit import submit
from batchtab.local_aws.clock import Clock

logger = logging.getLogger("batchtab.local_aws.batch")
_FRONT = 100  # https://docs.aws.amazon.com/batch/latest/APIReference/API_FrontOfQueueDetail.html
Response = tuple[int, dict[str, str], bytes]


class Api:
    """Serves Batch's requests, in ministack's place."""

    def __init__(self, store: Store, clock: Clock, engine: Engine) -> None:
        self._store = store
        self._clock = clock
        self._engine = engine
        self._handlers: dict[str, Callable[[Record], Record]] = {
            "createcomputeenvironment": self._then_look(environments.create),
            "updatecomputeenvironment": self._then_look(environments.update),
            "deletecomputeenvironment": self._with_store(environments.delete),
            "describecomputeenvironments": self._lister("environments", "computeEnvironments", "computeEnvironments"),
            "createjobqueue": self._then_look(queues.create),
            "updatejobqueue": self._then_look(queues.update),
            "deletejobqueue": self._delete_queue,
            "describejobqueues": self._lister("queues", "jobQueues", "jobQueues"),
            "getjobqueuesnapshot": self._snapshot,
            "createschedulingpolicy": self._with_store(policies.create),
            "updateschedulingpolicy": self._with_store(policies.update),
            "deleteschedulingpolicy": self._with_store(policies.delete),
            "describeschedulingpolicies": self._lister("policies", "arns", "schedulingPolicies"),
            "listschedulingpolicies": self._list_policies,
            "registerjobdefinition": self._with_store(definitions.register),
            "deregisterjobdefinition": self._with_store(definitions.deregister),
            "describejobdefinitions": self._with_store(definitions.describe),
            "submitjob": self.submit,
            "describejobs": self._with_store(jobs.describe),
            "listjobs": self._with_store(jobs.list_jobs),
            "canceljob": self._cancel,
            "terminatejob": self._terminate,
        }

    async def handle_request(
        self, method: str, path: str, _headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        """Serve a request in the scope (account and region) that ministack has set."""
        try:
            if path.startswith("/v1/tags/"):
                return _answer(self._serve_tags(method, unquote(path.removeprefix("/v1/tags/")), body, query))
            name = path.removeprefix("/v1/").rstrip("/")
            handler = self._handler(name)
            parameters = _parse(body)
            check_request(operations()[name], parameters)
            with self._store.lock:
                return _answer(handler(parameters))
        except ClientError as error:
            return _refusal(error.status, error.code, str(error))
        except Exception:
            logger.exception("A request to Batch failed: %s %s", method, path)
            return _refusal(500, "ServerException", "local AWS failed on this request; its log says why")

    def _handler(self, name: str) -> Callable[[Record], Record]:
        if name in self._handlers:
            return self._handlers[name]
        known = operations().get(name)
        raise UnknownOperationError(f"local AWS has no {known.name}" if known else f"Batch has no operation {name}")

    def submit(self, parameters: Record) -> Record:
        """Serve SubmitJob; called by EventBridge and Scheduler as well.

        Raises:
            ClientError: As Batch refuses.
        """
        check_request(operations()["submitjob"], parameters)
        with self._store.lock:
            answer, job = submit(self._store, self._clock, parameters)
            self._engine.submitted(job)
        return answer

    def _with_store(self, serve: Callable[[Store, Record], Record]) -> Callable[[Record], Record]:
        return lambda parameters: serve(self._store, parameters)

    def _then_look(self, serve: Callable[[Store, Record], Record]) -> Callable[[Record], Record]:
        def served(parameters: Record) -> Record:
            answer = serve(self._store, parameters)
            self._engine.changed()
            return answer

        return served

    def _lister(self, part: str, wanted: str, answered: str) -> Callable[[Record], Record]:
        def served(parameters: Record) -> Record:
            records = self._store.in_scope(getattr(self._store, part))
            names = {name_of(reference) for reference in parameters.get(wanted) or []}
            if names:
                records = [record for record in records if names & {name_of(v) for v in _names(record)}]
            shown, token = page(records, parameters)
            return {answered: shown, **token}

        return served

    def _list_policies(self, parameters: Record) -> Record:
        records = self._store.in_scope(self._store.policies)
        shown, token = page([{"arn": record["arn"]} for record in records], parameters)
        return {"schedulingPolicies": shown, **token}

    def _delete_queue(self, parameters: Record) -> Record:
        answer, orphans = queues.delete(self._store, parameters)
        for job in orphans:
            self._engine.terminate(job, "The job queue was deleted")
        return answer

    def _snapshot(self, parameters: Record) -> Record:
        """Serve GetJobQueueSnapshot: the first 100 RUNNABLE jobs."""
        front = self._engine.front(self._store.queue(parameters["jobQueue"])["jobQueueArn"])[:_FRONT]
        jobs = [{"jobArn": job.arn, "earliestTimeAtPosition": int(job.runnable_since * 1000)} for job in front]
        return {"frontOfQueue": {"jobs": jobs, "lastUpdatedAt": self._clock.now_ms()}}

    def _cancel(self, parameters: Record) -> Record:
        self._engine.cancel(self._store.job(parameters["jobId"]), _reason(parameters))
        return {}

    def _terminate(self, parameters: Record) -> Record:
        self._engine.terminate(self._store.job(parameters["jobId"]), _reason(parameters))
        return {}

    def _serve_tags(self, method: str, arn: str, body: bytes, query: dict[str, Any]) -> Record:
        with self._store.lock:
            current = tags.find(self._store, arn)
            if method == "GET":
                return {"tags": dict(current)}
            if method == "POST":
                given = _parse(body).get("tags") or {}
                tags.check_tags({**current, **given})
                current.update(given)
            elif method == "DELETE":
                keys = query.get("tagKeys") or []
                for key in [keys] if isinstance(keys, str) else keys:
                    current.pop(key, None)
            return {}


def _names(record: Record) -> list[str]:
    members = ("computeEnvironmentArn", "jobQueueArn", "arn")
    return [record[member] for member in members if member in record]


def _reason(parameters: Record) -> str:
    reason = str(parameters["reason"])
    if not reason:
        raise ClientError("reason must not be empty")
    return reason[:1024]


def _parse(body: bytes) -> Record:
    try:
        parameters = json.loads(body) if body else {}
    except ValueError as error:
        raise ClientError(f"The request's body is not JSON: {error}") from error
    if not isinstance(parameters, dict):
        raise ClientError("The request's body is not a JSON object")
    # Some SDKs send members that were not given as null.
    return {member: value for member, value in parameters.items() if value is not None}


def _answer(content: Record) -> Response:
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


def _refusal(status: int, code: str, message: str) -> Response:
    headers = {"Content-Type": "application/json", "x-amzn-errortype": code}
    return status, headers, json.dumps({"__type": code, "message": message}).encode()
