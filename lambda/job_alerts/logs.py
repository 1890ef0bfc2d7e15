"""The end of a job's log."""

from __future__ import annotations

from shared.clients import client, errors

from .job_event import JobEvent
from .text import log_lines

_END_LINES = 5
_RUNNER = '{"batchtab": '  # the job runner's own lines say nothing that the message does not
_RUNNER_LINES = 2


def tail(job: JobEvent, lines: int) -> tuple[list[str], str]:
    """Its last lines, masked, and a word where there are none. Never an error: an alert without a log is one still."""
    if lines < 1 or not job.log_stream:
        return [], ""
    try:
        read = _read(job, lines + _RUNNER_LINES)
    except errors() as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        return [], f"Its log could not be read ({code})."
    messages = [message for message in read if not message.startswith(_RUNNER)]
    shown = log_lines(messages)[-lines:] if messages else []
    return shown, "" if shown else "It logged nothing."


def gave_way(job: JobEvent) -> bool:
    """Whether the job runner's last line says that it gave way to another run, which is no success of the job."""
    if not job.log_stream:
        return False
    try:
        messages = _read(job, _END_LINES)
    except errors():
        return False
    return any('"batchtab": "end"' in message and '"skipped": true' in message for message in messages)


def _read(job: JobEvent, lines: int) -> list[str]:
    """See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html."""
    made = client("logs", region=job.region, connect_seconds=2, read_seconds=3, attempts=2)
    answer = made.get_log_events(
        logGroupName=job.log_group, logStreamName=job.log_stream, limit=lines, startFromHead=False
    )
    return [str(event.get("message", "")) for event in answer.get("events", [])]
