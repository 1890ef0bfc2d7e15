"""The fixed words of settings, as enumerations for Python; files and modules write the same words as text."""

from __future__ import annotations

from enum import StrEnum


class Capacity(StrEnum):
    """What a compute environment is made of. See https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html."""

    EC2 = "EC2"
    SPOT = "SPOT"
    FARGATE = "FARGATE"
    FARGATE_SPOT = "FARGATE_SPOT"


class ConcurrencyPolicy(StrEnum):
    """What happens to a run that is due while another waits or runs."""

    ALLOW = "allow"
    FORBID = "forbid"
    REPLACE = "replace"
    QUEUE = "queue"


class AfterStatus(StrEnum):
    """Which end of a job starts the jobs after it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ANY = "any"


class Trigger(StrEnum):
    """What starts a job: an EventBridge rule, or a schedule of EventBridge Scheduler."""

    RULE = "rule"
    SCHEDULE = "schedule"


class Architecture(StrEnum):
    """The processor that an image is made for."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


class LogDriver(StrEnum):
    """Where a container's output goes. See https://docs.aws.amazon.com/batch/latest/APIReference/API_LogConfiguration.html."""

    AWSLOGS = "awslogs"
    FLUENTD = "fluentd"
    GELF = "gelf"
    JOURNALD = "journald"
    JSON_FILE = "json-file"
    SPLUNK = "splunk"
    SYSLOG = "syslog"


class LogMode(StrEnum):
    """What a container does whose output the driver does not take fast enough: wait for it, or lose lines."""

    BLOCKING = "blocking"
    NON_BLOCKING = "non-blocking"


class ContainerCondition(StrEnum):
    """What a container waits for in another: that it has started, has ended, or has ended with 0."""

    START = "START"
    COMPLETE = "COMPLETE"
    SUCCESS = "SUCCESS"
