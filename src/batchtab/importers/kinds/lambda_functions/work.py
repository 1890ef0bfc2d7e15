"""A scheduled function on its way to a job: its size, limits and retries, and what starts it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from batchtab import limits
from batchtab.importers import sizes
from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.lambda_functions.fields import Fields
from batchtab.importers.node import Node
from batchtab.importers.options import Options

#: Lambda gives a whole vCPU at this size, and parts of it below.
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MIB_OF_ONE_VCPU = 1769
MINUTE = 60
STORAGE = "none: /tmp is writable, and a task of Fargate has 20 GiB; Lambda has at most 10"


@dataclass(frozen=True, slots=True)
class Names:
    """How a kind of source calls the fields that all have, and what it has by default."""

    memory: str
    timeout: str
    concurrency: str
    memory_mib: int
    timeout_seconds: int


@dataclass(slots=True)
class Work:
    """A function on its way to a job.

    Attributes:
        fields: The function's.
        names: How the source calls them.
        options: The command line's.
        recorder: Of the job.
        settings: The job's fields so far.
        memory_mib: What the function has.
        timeout_seconds: How long it may run.
    """

    fields: Fields
    names: Names
    options: Options
    recorder: Recorder
    settings: dict[str, Any] = field(default_factory=dict)
    memory_mib: int = 0
    timeout_seconds: int = 0

    def size(self) -> None:
        """`vcpus` and `memory_mib`."""
        given = self.fields.number(self.names.memory, "memory_mib")
        self.memory_mib = given or self.names.memory_mib
        vcpus = self.memory_mib / MIB_OF_ONE_VCPU
        fitted = sizes.fitted(vcpus, self.memory_mib, is_fargate=self.options.is_fargate)
        if fitted is None:
            why, todo = "no size of Fargate has so much memory", "choose vcpus and memory_mib"
            self.recorder.not_carried(self.fields.node.name(self.names.memory), self.memory_mib, why, todo)
            return
        self.settings["vcpus"], self.settings["memory_mib"] = fitted
        text = f"vcpus {fitted[0]:g} and memory_mib {fitted[1]}: Lambda gives {self.memory_mib} MB {vcpus:.2f} vCPU"
        self._changed(self.names.memory, given, self.memory_mib, text)

    def limit(self, *, is_by_handler: bool) -> None:
        """`timeout_seconds`.

        Args:
            is_by_handler: Whether the command ends the handler itself, so that Batch's limit is only a second one.
        """
        given = self.fields.number(self.names.timeout, "timeout_seconds")
        self.timeout_seconds = given or self.names.timeout_seconds
        if is_by_handler:
            seconds = self.timeout_seconds + MINUTE
            text = "--timeout-seconds of the command, which counts the handler alone and is retried as on Lambda;"
            text += f" timeout_seconds {seconds} for the whole container, a minute more"
        else:
            seconds = max(self.timeout_seconds, limits.TIMEOUT_SECONDS.minimum)
            text = f"timeout_seconds {seconds}; Lambda retries after a timeout, and Batch does not"
        self.settings["timeout_seconds"] = seconds
        self._changed(self.names.timeout, given, self.timeout_seconds, text)

    def concurrency(self, *, is_shared: bool) -> None:
        """`concurrency_policy`, or `suspend` for none at all.

        Args:
            is_shared: Whether the function has several schedules, which are several jobs.
        """
        key = self.names.concurrency
        node = self.fields.node
        given = self.fields.number(key, "concurrency_policy")
        if given == 0:
            self.settings["suspend"] = True
            node.change(key, "suspend: true: Lambda runs none")
        elif given == 1:
            # Lambda keeps an event that it cannot run yet for hours; it drops none, as `forbid` would.
            self.settings["concurrency_policy"] = "queue"
            todo = "the function's other jobs do not wait for this one: give them other times" if is_shared else ""
            node.change(key, "concurrency_policy: queue: Lambda retries an event that finds the function running", todo)
        elif given is not None:
            node.leave(key, "jobs.yaml limits the runs of a job to one (queue, forbid, replace) or not at all")

    def retries(self, fields: Fields, attempts: str, age: str) -> None:
        """`attempts` and `starting_deadline_seconds`, of what Lambda does with an event whose function failed."""
        given = fields.number(attempts, "attempts")
        retries = 2 if given is None else given
        self.settings["attempts"] = retries + 1
        text = f"attempts {retries + 1}, the first one included; Lambda waits minutes before a retry, Batch does not"
        if given is None:
            self.recorder.changed(fields.node.name(attempts), 2, f"{text}; Lambda's default")
        else:
            fields.node.change(attempts, text)
        seconds = fields.number(age, "starting_deadline_seconds")
        if seconds is not None:
            deadline = min(max(seconds, MINUTE), 86_400)
            self.settings["starting_deadline_seconds"] = deadline
            fields.node.change(age, f"starting_deadline_seconds {deadline}, of the first attempt")

    def _changed(self, key: str, given: object, value: object, how: str) -> None:
        node = self.fields.node
        if given is None:
            self.recorder.changed(node.name(key), value, f"{how}; the source's default")
        else:
            node.change(key, how)


@dataclass(slots=True)
class Start:
    """What starts a function.

    Attributes:
        expression: The source's text; empty if it is not known.
        timezone: Its zone.
        name: `rule/NAME` or `schedule/GROUP/NAME`, for the event.
        event: What the source gives the function; None: EventBridge's own event.
        start: ISO 8601 moment before which it does not start.
        end: Likewise, after which.
        window_minutes: By how much it starts later, at random.
        is_suspended: Whether it is switched off.
        description: The source's.
        flags: Fields of the source and the flags of the command that have them, if it runs the handler.
    """

    expression: str
    timezone: str
    name: str
    event: str | None = None
    start: str = ""
    end: str = ""
    window_minutes: int = 0
    is_suspended: bool = False
    description: str = ""
    flags: list[tuple[Node, str, str]] = field(default_factory=list)

    def flag(self, node: Node, key: str, flag: str) -> None:
        """Read a field that a flag has; its finding is recorded once the command is known."""
        node.take(key)
        if key in node:
            self.flags.append((node, key, flag))

    def settings(self) -> dict[str, Any]:
        """Fields of jobs.yaml."""
        found: dict[str, Any] = {"schedule": self.expression}
        if self.timezone not in {"UTC", "Etc/UTC"} and not self.expression.startswith("rate("):
            found["timezone"] = self.timezone
        if self.window_minutes:
            found["flexible_window_minutes"] = self.window_minutes
        return found | {key: value for key, value in (("start", self.start), ("end", self.end)) if value}


def event_text(value: object) -> str:
    """An event as JSON: a text is JSON already."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
