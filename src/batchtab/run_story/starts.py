"""Why a container did not start: what ECS says of images, secrets, logs, roles and file systems.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from batchtab.run_story.batch_job import BatchJob
from batchtab.run_story.story import Cause

_DENIED = re.compile(r"denied|not authorized|no basic auth|\b403\b|unauthorized|AccessDenied", re.IGNORECASE)
_ABSENT = re.compile(
    r"not found|manifest unknown|does not exist|can't find|no such|name unknown|invalid ssm parameter|has no key"
    r"|local AWS knows no folder|has no SecretString|ResourceNotFound",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"i/o timeout|dial tcp|deadline exceeded|Client\.Timeout|connection refused|no route to host|could not connect"
    r"|RequestCanceled|no such host|timed out",
    re.IGNORECASE,
)
_PLATFORM = re.compile(r"platform|no matching manifest|exec format", re.IGNORECASE)
_RATE = re.compile(r"toomanyrequests|too many requests|rate limit|429", re.IGNORECASE)
_DISK = re.compile(r"no space left", re.IGNORECASE)


def cause_of(job: BatchJob) -> Cause | None:
    """Why a job's container was not started; None if Batch does not say that it was not."""
    words = job.words
    return next((build(job, words) for pattern, build in _KINDS if re.search(pattern, words, re.IGNORECASE)), None)


def _image(job: BatchJob, words: str) -> Cause:
    name = job.image or "its image"
    if _RATE.search(words):
        why, fix = "the registry refuses so frequent pulls", "take the image from ECR, or give registry_credentials"
    elif _DISK.search(words):
        why, fix = "the host's disk is full", "raise root_volume_gib of the environment, or ephemeral_storage_gib"
    elif _PLATFORM.search(words):
        why, fix = "it has no build for the host's architecture", "build the image for it, or change cpu_architecture"
    elif _ABSENT.search(words):
        why, fix = "there is no such image", "push the image, or correct image in the job's file, and deploy"
    elif _DENIED.search(words):
        why = "the registry denies it"
        fix = "let the execution role (Fargate) or the instance role (EC2) pull it, or give registry_credentials"
    elif _NETWORK.search(words):
        why, fix = "the registry was not reached", "give the subnets a way to it: NAT, or endpoints of ECR and S3"
    else:
        why, fix = "ECS gives the reason above", "check the image's name and tag, and the role that pulls it"
    return Cause("image", f"the image could not be pulled: {name}: {why}", fix)


def _secrets(_: BatchJob, words: str) -> Cause:
    what = "the registry's credentials" if "registry auth from asm" in words else "a secret"
    if _ABSENT.search(words):
        why, fix = "it does not exist", "create it, or correct its name in the job's file, and deploy"
    elif _DENIED.search(words):
        why = "the execution role may not read it, or it does not exist"
        fix = "check its name; deploy, which grants it; secrets_kms_key_arns of the stage for keys of your own"
    elif _NETWORK.search(words):
        why, fix = "Secrets Manager was not reached", "give the subnets a way to it: NAT, or an endpoint"
    else:
        why, fix = "ECS gives the reason above", "check the secret and the execution role"
    return Cause("secrets", f"{what} could not be read: {why}", fix)


def _logs(_: BatchJob, words: str) -> Cause:
    why = "may not be written" if _DENIED.search(words) else "could not be opened"
    fix = "deploy: the execution role and the log group are the stage's"
    return Cause("logs", f"the container did not start because its log {why}", fix)


def _role(_: BatchJob, words: str) -> Cause:
    role = re.search(r"role/([\w+=,.@/-]+)", words)
    name = f" {role[1]}" if role else ""
    return Cause("role", f"ECS could not assume the role{name}", "let ecs-tasks.amazonaws.com assume it, and deploy")


def _file_system(_: BatchJob, words: str) -> Cause:
    why = "access was denied" if _DENIED.search(words) else "it was not reached or is not there"
    fix = "check the file system's mount targets, security groups and the job role"
    return Cause("file_system", f"a file system could not be mounted: {why}", fix)


def _command(_: BatchJob, __: str) -> Cause:
    return Cause("command", "the container's command was not found in its image", "correct command, and deploy")


def _network(_: BatchJob, __: str) -> Cause:
    return Cause("network", "the container's network interface could not be made", "check the subnets' free addresses")


def _container(_: BatchJob, words: str) -> Cause:
    found = re.search(
        r"(Cannot\w+Error|DockerTimeoutError|ResourceInitializationError|dependency graph):? ?(.*)", words
    )
    said = f": {found[2].strip()}" if found and found[2].strip() else ""
    return Cause("start", f"the container could not be started{said}", "check command, image and volumes of the job")


def _unfollowed(_: BatchJob, __: str) -> Cause:
    return Cause("lost", "the container engine stopped answering, so how the job ended is not known")


_KINDS: tuple[tuple[str, Callable[[BatchJob, str], Cause]], ...] = (
    (r"unable to assume the role", _role),
    (r"CannotInspectContainerError|could not follow the job", _unfollowed),
    (r"CannotPull|pull image|ImagePull|PullImage", _image),
    (r"pull secrets or registry auth|retrieve(d)? secret|fetch secrets", _secrets),
    (r"validate logger args|Cloudwatch log stream|logging driver|log group does not exist", _logs),
    (r"EFS|mount\.nfs|mount failed|elasticfilesystem|s3files", _file_system),
    (r"executable file not found|exec: .*no such file|definition has no command", _command),
    (r"network interface|RunTask.*ENI", _network),
    (
        r"ResourceInitializationError|Cannot\w+Error|DockerTimeoutError|Task failed to start|dependency graph",
        _container,
    ),
)
