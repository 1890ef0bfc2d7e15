"""Reasons as AWS and local AWS give them for the end of a job, read from DescribeJobs, and the cause that each is."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from tests.unit.run_story.situations import ID, NAME, declared, facts

import batchtab
from batchtab.run_story import Cause, story_of, stuck
from batchtab.run_story.batch_job import read
from job_alerts import words

LOCAL_AWS = Path(batchtab.__file__).parent / "local_aws"


def said_by(file: str, name: str) -> str:
    """A text of local AWS, which is not imported: it needs packages of its own."""
    for node in ast.parse((LOCAL_AWS / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{file} has no {name}")


ENDED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"
MS = 1_763_974_800_000


def described(status_reason: str, reason: str = "", exit_code: int | None = None, **others: Any) -> dict[str, Any]:
    """A failed job, as DescribeJobs answers."""
    end: dict[str, Any] = {"reason": reason} if reason else {}
    end |= {} if exit_code is None else {"exitCode": exit_code}
    return {
        "jobId": ID,
        "jobName": NAME,
        "jobQueue": "arn:aws:batch:ap-northeast-2:123456789012:job-queue/batchtab-prod-default",
        "status": "FAILED",
        "statusReason": status_reason,
        "createdAt": MS,
        "startedAt": MS + 5000,
        "stoppedAt": MS + 9000,
        "attempts": [{"statusReason": status_reason, "startedAt": MS + 5000, "stoppedAt": MS + 9000, "container": end}],
        "container": {
            **end,
            "image": "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/reports:7",
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
        },
        "timeout": {"attemptDurationSeconds": 600},
        **others,
    }


def cause(status_reason: str, reason: str = "", exit_code: int | None = None, **others: Any) -> Cause:
    job = read(described(status_reason, reason, exit_code, **others))
    found = story_of(facts(job=declared(), at=None, batch=job)).cause
    assert found is not None
    return found


SECRET_ARN = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:reports/db"
UNABLE = "ResourceInitializationError: unable to pull secrets or registry auth"
DENIED = (
    "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/batchtab-prod-execution/x is not authorized to"
    f" perform: secretsmanager:GetSecretValue on resource: {SECRET_ARN} because no identity-based policy allows it"
)

REASONS: dict[str, tuple[tuple[str, str, int | None], str, str]] = {
    # --- the program
    "an error": ((ENDED, "", 1), "exit", "exit code 1: the program reported an error"),
    "another code": ((ENDED, "", 42), "exit", "exit code 42"),
    "no such command in a shell": ((ENDED, "", 127), "exit", "exit code 127: the command was not found"),
    "killed": ((ENDED, "", 137), "exit", "exit code 137: killed (SIGKILL), often because memory ran out"),
    "crashed": ((ENDED, "", 139), "exit", "exit code 139: the program crashed (SIGSEGV)"),
    "a signal": ((ENDED, "", 136), "exit", "exit code 136: ended by a signal (SIGFPE)"),
    "memory, AWS": (
        (ENDED, "OutOfMemoryError: Container killed due to memory usage", 137),
        "memory",
        "out of memory: killed at its limit of 512 MiB",
    ),
    "memory, local AWS": (
        (said_by("batch/attempt.py", "ENDED_BY_ITSELF"), said_by("containers/run.py", "OUT_OF_MEMORY"), 137),
        "memory",
        "out of memory",
    ),
    # --- time and capacity
    "timeout": (("Job attempt duration exceeded timeout", "", 137), "timeout", "timed out after 10 min"),
    "timeout, local AWS": ((said_by("batch/attempt.py", "TIMED_OUT"), "", 143), "timeout", "timed out after 10 min"),
    "Spot on EC2": (
        ("Host EC2 (instance i-0abc1234) terminated.", "", None),
        "host",
        "its host was taken away: Host EC2 (instance i-0abc1234) terminated.",
    ),
    "Spot on Fargate": (("Your Spot Task was interrupted.", "", 143), "host", "its host was taken away"),
    "stuck, as AWS says": (
        (
            "Job canceled by JobStateTimeLimitAction due to reason: MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
            "",
            None,
        ),
        "stuck",
        "it could not be placed, and Batch cancelled it: the compute environment is too small for the job",
    ),
    "stuck, local AWS, too small": (
        (f"Canceled by JobStateTimeLimitAction: {said_by('batch/placement.py', 'TOO_SMALL')}", "", None),
        "stuck",
        "the compute environment is too small for the job",
    ),
    "stuck, local AWS, no instance": (
        (f"Canceled by JobStateTimeLimitAction: {said_by('batch/placement.py', 'NO_INSTANCE')}", "", None),
        "stuck",
        "no instance type of the environment has the job's vCPUs or memory",
    ),
    "stuck without a reason": (("Canceled by JobStateTimeLimitAction", "", None), "stuck", "not placed in time"),
    # --- other jobs
    "dependency, AWS": (("Dependent Job failed", "", None), "dependency", "a job that it depends on failed"),
    "dependency, local AWS": (
        (said_by("batch/states.py", "DEPENDENCY_FAILED"), "", None),
        "dependency",
        "a job that it depends on failed",
    ),
    # --- images
    "image not there": (
        (
            NOT_STARTED,
            "CannotPullContainerError: Error response from daemon: manifest for reports:7 not found: manifest unknown",
            None,
        ),
        "image",
        "the image could not be pulled: 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/reports:7: there is no such",
    ),
    "image denied": (
        (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref x: "
            "pulling from host x failed with status code [manifests 7]: 403 Forbidden",
            "",
            None,
        ),
        "image",
        "the registry denies it",
    ),
    "image without a network": (
        (
            NOT_STARTED,
            "CannotPullContainerError: The task cannot pull x from the registry: dial tcp 10.0.0.1:443: i/o timeout",
            None,
        ),
        "image",
        "the registry was not reached",
    ),
    "image for another architecture": (
        (
            NOT_STARTED,
            "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/amd64'",
            None,
        ),
        "image",
        "it has no build for the host's architecture",
    ),
    "image pulled too often": (
        (NOT_STARTED, "CannotPullContainerError: toomanyrequests: You have reached your pull rate limit", None),
        "image",
        "the registry refuses so frequent pulls",
    ),
    "image, and the disk is full": (
        (NOT_STARTED, "CannotPullContainerError: write /var/lib/docker/x: no space left on device", None),
        "image",
        "the host's disk is full",
    ),
    "image, local AWS": (
        (
            said_by("batch/attempt.py", "NOT_STARTED"),
            "CannotPullContainerError: no container engine here has reports:7, and local AWS knows no folder for it;"
            " add 'reports: <folder>' under local.images in config/local.yaml",
            None,
        ),
        "image",
        "there is no such image",
    ),
    # --- secrets
    "secret denied, AWS": (
        (
            f"{UNABLE}: execution resource retrieval failed: unable to retrieve secret from asm: service call has been"
            f" retried 1 time(s): failed to fetch secret {SECRET_ARN} from secrets manager: {DENIED}",
            "",
            None,
        ),
        "secrets",
        "a secret could not be read: the execution role may not read it",
    ),
    "secret not there, AWS": (
        (
            f"{UNABLE}: execution resource retrieval failed: unable to retrieve secret from asm:"
            " ResourceNotFoundException: Secrets Manager can't find the specified secret.",
            "",
            None,
        ),
        "secrets",
        "a secret could not be read: it does not exist",
    ),
    "secret without a network": (
        (
            f"{UNABLE}: unable to retrieve secret from asm: There is a connection issue between the task and AWS"
            " Secrets Manager: RequestCanceled: request context canceled caused by: context deadline exceeded",
            "",
            None,
        ),
        "secrets",
        "Secrets Manager was not reached",
    ),
    "secret not there, local AWS": (
        (
            said_by("batch/attempt.py", "NOT_STARTED"),
            f"{UNABLE}: unable to retrieve secret from asm: {SECRET_ARN}: Secrets Manager can't find the"
            " specified secret.",
            None,
        ),
        "secrets",
        "it does not exist",
    ),
    "secret denied, local AWS": (
        (
            said_by("batch/attempt.py", "NOT_STARTED"),
            f"{UNABLE}: unable to retrieve secret from asm: failed to fetch secret {SECRET_ARN} from secrets manager:"
            f" {DENIED}",
            None,
        ),
        "secrets",
        "the execution role may not read it",
    ),
    "parameter not there": (
        (NOT_STARTED, f"{UNABLE}: unable to fetch secrets from ssm: invalid ssm parameter: /reports/db", None),
        "secrets",
        "it does not exist",
    ),
    "registry credentials": (
        (NOT_STARTED, f"{UNABLE}: unable to get registry auth from asm: {DENIED}", None),
        "secrets",
        "the registry's credentials could not be read",
    ),
    # --- other things that a start needs
    "log": (
        (
            NOT_STARTED,
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times:"
            f" failed to create Cloudwatch log stream: {DENIED}",
            None,
        ),
        "logs",
        "its log may not be written",
    ),
    "role": (
        (
            "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/batchtab-prod-execution' that was"
            " provided for this task. Please verify that the role being passed has the proper trust relationship",
            "",
            None,
        ),
        "role",
        "ECS could not assume the role batchtab-prod-execution",
    ),
    "file system": (
        (
            "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: mount.nfs4: access"
            " denied by server while mounting 127.0.0.1:/",
            "",
            None,
        ),
        "file_system",
        "a file system could not be mounted: access was denied",
    ),
    "command not in the image": (
        (
            NOT_STARTED,
            'CannotStartContainerError: OCI runtime create failed: exec: "nope": executable file not found in $PATH',
            127,
        ),
        "command",
        "the container's command was not found in its image",
    ),
    "container not created": (
        (NOT_STARTED, "CannotCreateContainerError: invalid mount config", None),
        "start",
        "the container could not be started: invalid mount config",
    ),
    "docker did not answer": (
        (NOT_STARTED, "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s", None),
        "start",
        "the container could not be started: Could not transition to started",
    ),
    "sidecar": (
        (NOT_STARTED, "dependency graph: container proxy took longer than its startTimeout", None),
        "start",
        "the container could not be started: container proxy took longer",
    ),
    "network interface": (
        ("Timeout waiting for network interface provisioning to complete.", "", None),
        "network",
        "the container's network interface could not be made",
    ),
    "not followed, local AWS": (
        (said_by("batch/attempt.py", "NOT_FOLLOWED"), "CannotInspectContainerError: the engine does not answer", None),
        "lost",
        "the container engine stopped answering",
    ),
    "something new": (("A reason of the year 2030", "", None), "other", "A reason of the year 2030"),
}


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_is_a_cause(name: str) -> None:
    (status_reason, reason, exit_code), kind, text = REASONS[name]
    found = cause(status_reason, reason, exit_code)
    assert (found.kind, text in found.text) == (kind, True), found


def test_who_stops_a_job_may_say_what_looks_like_another_reason() -> None:
    # GIVEN a person who stops a job with a reason that has ECS's words in it
    said = "CannotPullContainerError again: I push the image first"
    found = cause(said, isTerminated=True)
    # THEN it is stopped, in that person's words
    assert (found.kind, found.text) == ("stopped", f"stopped: {said}")


def test_a_job_that_was_cancelled_says_that_it_had_not_started() -> None:
    found = cause("not today", isCancelled=True, startedAt=None, attempts=[])
    assert found.text == "stopped before it started: not today"


def test_of_several_containers_the_one_that_failed_says_why() -> None:
    # GIVEN a task whose proxy failed, so that ECS stopped the main container
    ends = [
        {"name": "main", "exitCode": 143},
        {"name": "proxy", "exitCode": 3},
    ]
    task = {"containers": [{"name": "main", "essential": True}, {"name": "proxy"}]}
    attempts = [{"statusReason": ENDED, "taskProperties": [{"containers": ends}]}]
    others: dict[str, Any] = {"container": None, "attempts": attempts, "ecsProperties": {"taskProperties": [task]}}
    # THEN its exit code counts
    assert cause(ENDED, **others).text == "exit code 3"


def test_the_alerts_know_the_same_reasons_of_a_blocked_queue() -> None:
    assert set(stuck.REASONS) == set(words._STUCK) == set(words._ADVICE)


def test_sizes_are_those_of_all_containers_on_all_nodes() -> None:
    def of(vcpus: str) -> dict[str, Any]:
        return {"resourceRequirements": [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": "1024"}]}

    task = {"containers": [{"name": "main", **of("2")}, {"name": "proxy", **of("0.5")}]}
    one = read({"jobId": "1", "ecsProperties": {"taskProperties": [task]}})
    nodes = read({"jobId": "1", "nodeProperties": {"numNodes": 3, "nodeRangeProperties": [{"container": of("4")}]}})
    assert (one.vcpus, one.memory_mib) == (2.5, 2048)
    assert (nodes.vcpus, nodes.memory_mib) == (12.0, 3072)
