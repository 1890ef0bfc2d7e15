"""What DescribeJobs says of a job's attempts: of its one container, or of each container of its task."""

from __future__ import annotations

from batchtab.local_aws.batch.attempt import Attempt
from batchtab.local_aws.batch.member import Member
from batchtab.local_aws.batch.store import Record

_ENDED = ("exitCode", "reason", "logStreamName")


def note_start(record: Record, attempt: Attempt) -> None:
    """Note where an attempt runs and writes."""
    if "ecsProperties" not in record:
        record["container"] |= {**attempt.arns, "logStreamName": attempt.members[0].log.name}
        return
    task = record["ecsProperties"]["taskProperties"][0]
    task |= attempt.arns
    for container, member in zip(task["containers"], attempt.members, strict=True):
        if member.started:
            container["logStreamName"] = member.log.name


def note_end(record: Record, attempt: Attempt, now_ms: int) -> None:
    """Note how an attempt has ended, and add it to the job's attempts."""
    made: Record = {
        "container": {"networkInterfaces": []},
        "startedAt": attempt.started_at_ms or now_ms,
        "stoppedAt": now_ms,
        "statusReason": attempt.status_reason,
    }
    if "ecsProperties" in record:
        task = record["ecsProperties"]["taskProperties"][0]
        arns = attempt.arns if attempt.members else {}
        made |= {"container": {}, "taskProperties": [{**arns, "containers": _ended(attempt)}]}
        for container, ended in zip(task["containers"], made["taskProperties"][0]["containers"], strict=True):
            _note(container, ended)
    else:
        if attempt.started_at_ms is not None:
            made["container"] |= {**attempt.arns, "logStreamName": attempt.members[0].log.name}
        if attempt.exit_code is not None:
            made["container"]["exitCode"] = attempt.exit_code
        if attempt.reason:
            made["container"]["reason"] = attempt.reason
        _note(record["container"], made["container"])
    record["attempts"].append(made)


def _ended(attempt: Attempt) -> list[Record]:
    if attempt.members:
        return [_of_member(member) for member in attempt.members]
    # None could be prepared: the reason is the whole task's.
    names = [{"name": each.name, "networkInterfaces": []} for each in attempt.task.containers]
    return [{**each, "reason": attempt.reason} if attempt.reason else each for each in names]


def _of_member(member: Member) -> Record:
    made: Record = {"name": member.container.name, "networkInterfaces": []}
    if member.started:
        made["logStreamName"] = member.log.name
    if member.exit_code is not None:
        made["exitCode"] = member.exit_code
    if member.reason:
        made["reason"] = member.reason
    return made


def _note(container: Record, ended: Record) -> None:
    for member in _ENDED:
        container.pop(member, None)
        if member in ended:
            container[member] = ended[member]
