from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch_logs

from batchtab.local_aws.batch import multiline
from batchtab.local_aws.batch.job import Job
from batchtab.local_aws.batch.roles import RoleError, TaskRoles
from batchtab.local_aws.batch.store import name_of
from batchtab.local_aws.batch.task import Container
from batchtab.local_aws.clock import Clock

DEFAULT_GROUP = "/aws/batch/job"
# CloudWatch Logs takes 256 KiB an event, 26 bytes of which are its own; a character has at most 4 bytes.
_LONGEST_LINE = (262_144 - 26) // 4


class LogGroupMissingError(Exception):
    """The log group that a job's definition names does not exist."""


class LogStream:
    """Where a job's attempt writes: the group and stream that its definition asks for.

    https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
    """

    def __init__(self, job: Job, container: Container, task_id: str, clock: Clock) -> None:
        configuration = container.properties.get("logConfiguration") or {}
        options = configuration.get("options") or {}
        # Another driver than awslogs has no place here; what it would have sent is dropped, as on AWS.
        self.kept = configuration.get("logDriver", "awslogs") == "awslogs"
        self.group = options.get("awslogs-group", DEFAULT_GROUP)
        definition = name_of(job.record["jobDefinition"]).partition(":")[0]
        self.name = f"{options.get('awslogs-stream-prefix', definition)}/{container.name}/{task_id}"
        self._create_group = self.group == DEFAULT_GROUP or options.get("awslogs-create-group") == "true"
        region = options.get("awslogs-region", job.region)
        self._scope = (job.account_id, region)
        self._arn = f"arn:aws:logs:{region}:{job.account_id}:log-group:{self.group}"
        self._clock = clock
        self._starts = multiline.pattern(options)
        self._begun: list[str] = []

    def open(self, roles: TaskRoles) -> None:
        """Make the stream, and the group where the definition asks for it, as the role that may do so.

        Raises:
            LogGroupMissingError: The group does not exist.
            RoleError: The stream may not be made. Where only its lines may not be written, they are lost, as on AWS.
        """
        if not self.kept:
            return
        stream = f"{self._arn}:log-stream:{self.name}"
        try:
            if self._create_group and self.group != DEFAULT_GROUP:
                roles.check("logs:CreateLogGroup", f"{self._arn}:log-stream:")
            roles.check("logs:CreateLogStream", stream)
        except RoleError as error:
            raise RoleError(
                "Error response from daemon: failed to initialize logging driver:"
                f" failed to create Cloudwatch log stream: {error}"
            ) from error
        with request_scope(*self._scope):
            if self._create_group:
                cloudwatch_logs._create_log_group({"logGroupName": self.group})
            status, _, body = cloudwatch_logs._create_log_stream(
                {"logGroupName": self.group, "logStreamName": self.name}
            )
        if status != 200:
            raise LogGroupMissingError(json.loads(body).get("message", "the log stream can't be made"))
        try:
            roles.check("logs:PutLogEvents", stream)
        except RoleError:
            self.kept = False

    def write(self, lines: list[str]) -> None:
        """Append lines, each an event of now, or with a pattern all up to the next line that has it."""
        if self._starts is None:
            self._put(lines)
            return
        whole = []
        for line in lines:
            if self._begun and self._starts.search(line):
                whole.append("\n".join(self._begun))
                self._begun = []
            self._begun.append(line)
        self._put(whole)

    def close(self) -> None:
        """Append what waits for the next line that has the pattern."""
        rest, self._begun = self._begun, []
        if rest:
            self._put(["\n".join(rest)])

    def _put(self, lines: list[str]) -> None:
        if not self.kept or not lines:
            return
        now = self._clock.now_ms()
        events: list[dict[str, Any]] = [
            {"timestamp": now, "message": line[start : start + _LONGEST_LINE]}
            for line in lines
            for start in range(0, max(len(line), 1), _LONGEST_LINE)
            if line
        ]
        with request_scope(*self._scope):
            cloudwatch_logs._put_log_events(
                {"logGroupName": self.group, "logStreamName": self.name, "logEvents": events}
            )
