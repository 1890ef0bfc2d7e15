"""What AWS allows and what Batchtab assumes, as data: the one place.

The checks of jobs.yaml, the JSON Schema, the constructs' argument checks and the Terraform modules' `validation`
blocks all read these values, so that one meaning has one wording at every door. Patterns are written for
Python's `re` and Terraform's RE2 alike: no look-around, no back-references. Only the standard library is imported, and
the shapes of schedules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from batchtab import choices
from batchtab.schedules import shapes

_BATCH_API = "https://docs.aws.amazon.com/batch/latest/APIReference"
_BATCH_GUIDE = "https://docs.aws.amazon.com/batch/latest/userguide"
_EVENTS_API = "https://docs.aws.amazon.com/eventbridge/latest/APIReference"
_SCHEDULER_API = "https://docs.aws.amazon.com/scheduler/latest/APIReference"
_SCHEDULER_GUIDE = "https://docs.aws.amazon.com/scheduler/latest/UserGuide"


#: The greatest number that AWS's APIs take as an integer, where they name no bound of their own.
API_INTEGER_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """A number with a lower and an upper bound; both may be used."""

    minimum: int
    maximum: int
    unit: str
    source_url: str
    default: int | None = None

    def describe(self) -> str:
        """What is allowed, for people: `60 to 86400 (seconds)`."""
        bounds = f"{self.minimum} to {self.maximum}"
        return f"{bounds} ({self.unit})" if self.unit else bounds

    def refusal(self, value: float) -> str | None:
        """Why `value` is outside: `is too short: 60 or more (seconds)`; None if it is inside."""
        low, high = ("short", "long") if self.unit in {"seconds", "days"} else ("small", "large")
        if value < self.minimum:
            return f"is too {low}: {self.describe()}"
        if value > self.maximum:
            return f"is too {high}: {self.describe()}"
        return None


@dataclass(frozen=True, slots=True)
class Text:
    """A string with an alphabet and a greatest length; `pattern` is anchored at both ends."""

    pattern: str
    maximum: int
    meaning: str
    source_url: str

    def describe(self) -> str:
        """What is allowed, for people: `letters and digits (at most 128 characters)`."""
        return f"{self.meaning} (at most {self.maximum} characters)"

    def refusal(self, value: str) -> str | None:
        """Why `value` is not allowed; None if it is."""
        if len(value) > self.maximum:
            return f"is {len(value)} characters long: {self.describe()}"
        if re.match(self.pattern, value) is None or value.endswith("\n"):  # `$` lets a final newline pass
            return f"is not allowed: {self.describe()}"
        return None


@dataclass(frozen=True, slots=True)
class Lines(Text):
    """A text of several lines, which may end with the end of one."""

    def refusal(self, value: str) -> str | None:
        """Why `value` is not allowed; None if it is."""
        return Text.refusal(self, value.removesuffix("\n"))


@dataclass(frozen=True, slots=True)
class Moment(Text):
    """A moment of the calendar, in UTC."""

    def refusal(self, value: str) -> str | None:
        """Why `value` is not allowed; None if it is."""
        refusal = Text.refusal(self, value)
        if refusal is None:
            try:
                datetime.fromisoformat(value)
            except ValueError:
                return f"is not allowed: {self.describe()}"
        return refusal


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few fixed values."""

    values: tuple[str | int, ...]
    source_url: str

    def describe(self) -> str:
        """What is allowed, for people: `EC2, SPOT, FARGATE or FARGATE_SPOT`."""
        *most, last = map(str, self.values)
        return f"{', '.join(most)} or {last}" if most else last

    def refusal(self, value: object) -> str | None:
        """Why `value` is not allowed; None if it is."""
        allowed = any(value == known and isinstance(value, type(known)) for known in self.values)
        allowed = allowed and not isinstance(value, bool)
        return None if allowed else f"is not allowed: {self.describe()}"


@dataclass(frozen=True, slots=True)
class Unlike:
    """A string that must not match a pattern; `meaning` says why such a one is not allowed, `hint` what to do."""

    pattern: str
    meaning: str
    hint: str
    source_url: str

    def refusal(self, value: str) -> str | None:
        """Why `value` is not allowed; None if it is."""
        return self.meaning if re.match(self.pattern, value) else None


@dataclass(frozen=True, slots=True)
class Withdrawn(Choice):
    """A choice with values that AWS has withdrawn: they are refused with what AWS says of them."""

    withdrawn: tuple[str, ...]
    reason: str

    def refusal(self, value: object) -> str | None:
        """Why `value` is not allowed; None if it is."""
        if value in self.withdrawn:
            return f"is withdrawn: {self.reason}; use {self.describe()}"
        return Choice.refusal(self, value)


@dataclass(frozen=True, slots=True)
class Quota:
    """How many of a kind an account may have, mostly in each region; most are raised when the account's owner asks.

    Attributes:
        noun: The kind, in the plural.
        maximum: By default.
        source_url: AWS's page.
        code: In Service Quotas; empty where AWS never raises it.
        is_global: Whether all regions count together.
        regional: The default of regions that have another.
    """

    noun: str
    maximum: int
    source_url: str
    code: str = ""
    is_global: bool = False
    regional: Mapping[str, int] = field(default_factory=dict)


# What an account may have. How many it has is not known here, so `batchtab check` notes what is beyond, and goes on.
_BATCH_QUOTAS = f"{_BATCH_GUIDE}/service_limits.html"
RULES_QUOTA = Quota(
    "EventBridge rules",
    300,  # on each event bus; all of ours are on the default one
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
    "L-244521F2",
    regional=MappingProxyType({"af-south-1": 100, "eu-south-1": 100}),
)
ROLES_QUOTA = Quota(
    "IAM roles",
    1000,  # 5,000 at most, when asked
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
    "L-FE177D64",
    is_global=True,
)
_SCHEDULER_QUOTAS = f"{_SCHEDULER_GUIDE}/scheduler-quotas.html"
SCHEDULES_QUOTA = Quota("schedules", 10_000_000, _SCHEDULER_QUOTAS, "L-EE5D6FF0")
SCHEDULE_GROUPS_QUOTA = Quota("schedule groups", 500, _SCHEDULER_QUOTAS, "L-A632CD40")
QUEUES_QUOTA = Quota("job queues", 50, _BATCH_QUOTAS)
COMPUTE_ENVIRONMENTS_QUOTA = Quota("compute environments", 50, _BATCH_QUOTAS)
# Of an account, in a region; AWS never raises it.
SUBMIT_JOB_PER_SECOND = 50  # https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
# Beyond these seconds a minute's jobs are noted: half of the minute for which a job of each minute is delivered.
SUBMIT_JOB_BURST_SECONDS = 30

# Names. A job definition is called <namespace>-<stage>-<service>-<job>, so the parts share JOB_NAME_MAX.
JOB_NAME_MAX = 128
JOB_NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]*$"
_NAME_WORDS = "letters, digits, '-' and '_', beginning with a letter or digit"
JOB_NAME = Text(JOB_NAME_PATTERN, JOB_NAME_MAX, _NAME_WORDS, f"{_BATCH_API}/API_SubmitJob.html")
QUEUE_NAME_MAX = 128
QUEUE_NAME_PATTERN = JOB_NAME_PATTERN
QUEUE_NAME = Text(QUEUE_NAME_PATTERN, QUEUE_NAME_MAX, _NAME_WORDS, f"{_BATCH_API}/API_CreateJobQueue.html")
QUEUE_NAME_PREFIX = Text(
    "^([A-Za-z0-9][A-Za-z0-9_-]*)?$", 64, f"nothing, or {_NAME_WORDS}", f"{_BATCH_API}/API_CreateJobQueue.html"
)
# Ours are narrower, because they also begin names of buckets, roles and log groups.
_LOWER_WORDS = "lower-case letters, digits and single '-', beginning with a letter"
_OURS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
NAMESPACE_PATTERN = STAGE_NAME_PATTERN = SERVICE_NAME_PATTERN = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
NAMESPACE = Text(NAMESPACE_PATTERN, 30, _LOWER_WORDS, _OURS)
# What a construct or module takes: <namespace>-<stage> in one.
NAMESPACE_ANY = Text(NAMESPACE_PATTERN, 51, _LOWER_WORDS, _OURS)
# Of an environment, whose launch template is called by it and '-', and then by Terraform.
LAUNCH_TEMPLATE_NAMESPACE_MIN = (
    2  # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
)
STAGE_NAME = Text(STAGE_NAME_PATTERN, 20, _LOWER_WORDS, _OURS)
SERVICE_NAME = Text(SERVICE_NAME_PATTERN, 64, _LOWER_WORDS, f"{_BATCH_API}/API_RegisterJobDefinition.html")
# A service's or stage's name that the roles for workflows have: <namespace>-<stage>-ci-plan, and states below ci/.
RESERVED_NAME = "ci"
# IAM's own alphabet of names and paths: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
ROLE_NAME_SUFFIX = Text(
    "^[A-Za-z0-9+=,.@_-]*$",
    24,
    "letters, digits and any of +=,.@_-",
    "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
)
ROLE_PATH = Text(
    "^/([!-.0-~]+/)*$",
    512,
    "a path that begins and ends with '/', such as /batch/",
    "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html",
)
# Shorter than a job definition's name: constructs must shorten or generate these.
RULE_NAME_MAX = 64  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
ROLE_NAME_MAX = 64  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
TOPIC_ARN = Text(
    "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?$",
    2048,
    "an SNS topic's ARN",
    "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
)
STANDARD_TOPIC_ARN = Text(
    "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$",
    2048,
    "the ARN of an SNS topic that is not a FIFO topic",
    "https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html",
)
FUNCTION_NAME = Text(
    "^[a-zA-Z0-9_-]+$",
    64,
    "letters, digits, '-' and '_'",
    "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
)
BUCKET_NAME = Text("^[a-z0-9][a-z0-9.-]+[a-z0-9]$", 63, "lower-case letters, digits, '.' and '-', 3 or more", _OURS)
JOB_QUEUE_ARN = Text(
    "^arn:aws[a-z-]*:batch:[a-z0-9-]+:[0-9]{12}:job-queue/[A-Za-z0-9][A-Za-z0-9_-]*$",
    215,
    "a job queue's ARN, such as 'arn:aws:batch:ap-northeast-2:123456789012:job-queue/default'",
    f"{_BATCH_API}/API_JobQueueDetail.html",
)
ACCOUNT_ID = Text(
    "^[0-9]{12}$",
    12,
    "12 digits, in quotes",
    "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html",
)
REGION = Text(
    "^[a-z]{2,4}(-[a-z]+)+-[0-9]$",
    25,
    "a region's code, such as 'ap-northeast-2'",
    "https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html",
)
_ECR_API = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference"
REPOSITORY_NAME = Text(
    "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$",
    256,
    "lower-case letters and digits, joined by '.', '_', '-' or '/'",
    f"{_ECR_API}/API_CreateRepository.html",
)
# An image in ECR, by an address of IPv4, of both IPs, or of FIPS: account, region, repository.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
ECR_IMAGE_PATTERN = (
    "^([0-9]{12})[.]dkr[.-]ecr(?:-fips)?[.]([a-z0-9-]+)"
    "[.](?:amazonaws[.](?:com(?:[.]cn)?|eu)|on[.](?:aws|amazonwebservices[.]com[.]cn))/([^:@]+)"
)
# Another registry's image: a host with a dot or a port, then the path.
REGISTRY_REPOSITORY = Text(
    "^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+$",
    255,
    "a registry's host, '/' and a path",
    f"{_BATCH_API}/API_ContainerProperties.html",
)
IMAGE_TAG_MUTABILITY = Choice(("IMMUTABLE", "MUTABLE"), f"{_ECR_API}/API_PutImageTagMutability.html")
_ECR_LIFECYCLE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"
KEEP_TAGGED_IMAGES = Range(1, API_INTEGER_MAX, "images", _ECR_LIFECYCLE)
UNTAGGED_DAYS = Range(1, API_INTEGER_MAX, "days", _ECR_LIFECYCLE)
IMAGE_TAG = Text(
    "^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
    128,
    "letters, digits, '_', '.' and '-', beginning with a letter, digit or '_'",
    f"{_ECR_API}/API_PutImage.html",
)
IMAGE_DIGEST = Text(
    "^sha256:[0-9a-f]{64}$",
    71,
    "'sha256:' and 64 hexadecimal digits",
    f"{_ECR_API}/API_ImageIdentifier.html",
)
INSTANCE_TYPE = Text(
    "^[a-z0-9][a-z0-9._-]*$",
    64,
    "'optimal', 'default_x86_64', 'default_arm64', a family such as 'm6i' or a type such as 'm6i.large'",
    f"{_BATCH_API}/API_ComputeResource.html",
)

IMAGE = Text(
    "^[A-Za-z0-9][A-Za-z0-9._:/@-]*$",
    255,
    "an image's address, such as 'public.ecr.aws/docker/library/python:3.13', without spaces",
    f"{_BATCH_API}/API_ContainerProperties.html",
)
REPOSITORY_ARN = Text(
    "^arn:aws[a-z-]*:ecr:([a-z0-9-]+|[*]):([0-9]{12}|[*]):repository/[a-z0-9._/*-]+$",
    2048,
    "an ECR repository's ARN, such as 'arn:aws:ecr:ap-northeast-2:123456789012:repository/my-service'",
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html",
)

# Compute.
COMPUTE_ENVIRONMENT_ARN = Text(
    "^arn:aws[a-z-]*:batch:[a-z0-9-]+:[0-9]{12}:compute-environment/[A-Za-z0-9_-]+$",
    2048,
    "a compute environment's ARN, such as 'arn:aws:batch:ap-northeast-2:123456789012:compute-environment/spot'",
    f"{_BATCH_API}/API_ComputeEnvironmentDetail.html",
)
CAPACITIES = tuple(map(str, choices.Capacity))
CAPACITY = Choice(CAPACITIES, f"{_BATCH_API}/API_ComputeResource.html")
FARGATE_CAPACITIES = ("FARGATE", "FARGATE_SPOT")
FARGATE_SIZES_SOURCE_URL = f"{_BATCH_API}/API_ResourceRequirement.html"
FARGATE_SIZES: Mapping[float, tuple[int, ...]] = MappingProxyType(
    {  # vCPU -> MiB
        0.25: (512, 1024, 2048),
        0.5: tuple(range(1024, 4096 + 1, 1024)),
        1.0: tuple(range(2048, 8192 + 1, 1024)),
        2.0: tuple(range(4096, 16384 + 1, 1024)),
        4.0: tuple(range(8192, 30720 + 1, 1024)),
        8.0: tuple(range(16384, 61440 + 1, 4096)),
        16.0: tuple(range(32768, 122880 + 1, 8192)),
        32.0: (61440, 122880, 249856),
    }
)
EC2_VCPUS = Range(1, API_INTEGER_MAX, "whole vCPUs on EC2", f"{_BATCH_API}/API_ResourceRequirement.html")
MEMORY_MIB = Range(4, API_INTEGER_MAX, "MiB", f"{_BATCH_API}/API_ResourceRequirement.html", default=2048)
MIN_VCPUS = Range(0, API_INTEGER_MAX, "vCPUs", f"{_BATCH_API}/API_ComputeResource.html", default=2)
MAX_VCPUS = Range(1, API_INTEGER_MAX, "vCPUs", f"{_BATCH_API}/API_ComputeResource.html", default=16)
EPHEMERAL_STORAGE_GIB = Range(21, 200, "GiB", f"{_BATCH_API}/API_EphemeralStorage.html")
STATE = Choice(("ENABLED", "DISABLED"), f"{_BATCH_API}/API_CreateComputeEnvironment.html")
# BEST_FIT is left out: an environment that has it is replaced for each change.
# https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html
ALLOCATION_STRATEGY = Choice(
    ("BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED"),
    f"{_BATCH_GUIDE}/allocation-strategies.html",
)
# What is said where none is given. With SPOT_PRICE_CAPACITY_OPTIMIZED provider 5 replaces the environment for changes
# that AWS makes in place, and stops half-way when the launch template changes.
# https://github.com/hashicorp/terraform-provider-aws/issues/38695
ALLOCATION_STRATEGIES: Mapping[str, str] = MappingProxyType(
    {"EC2": "BEST_FIT_PROGRESSIVE", "SPOT": "SPOT_CAPACITY_OPTIMIZED"}
)
BID_PERCENTAGE = Range(1, 100, "percent of the price on demand", f"{_BATCH_API}/API_ComputeResource.html")
IMAGE_TYPE = Withdrawn(
    ("ECS_AL2023", "ECS_AL2023_NVIDIA"),
    f"{_BATCH_API}/API_Ec2Configuration.html",
    ("ECS_AL2", "ECS_AL2_NVIDIA"),
    # https://docs.aws.amazon.com/batch/latest/userguide/ecs-migration-2023.html
    "since June 30, 2026 AWS Batch makes no environment of Amazon Linux 2, whose support ended then",
)
IMAGE_ID = Text(
    "^ami-[0-9a-f]{8,17}$",
    21,
    "an image's id, such as 'ami-0123456789abcdef0'",
    f"{_BATCH_GUIDE}/create-batch-ami.html",
)
LAUNCH_TEMPLATE_ID = Text(
    "^lt-[0-9a-f]{8,17}$",
    20,
    "a launch template's id, such as 'lt-0123456789abcdef0'",
    f"{_BATCH_API}/API_LaunchTemplateSpecification.html",
)
# A number: $Latest and $Default count once, when the environment is made, and later changes of the template not.
LAUNCH_TEMPLATE_VERSION = Range(
    1, API_INTEGER_MAX, "the version's number", f"{_BATCH_API}/API_LaunchTemplateSpecification.html"
)
# Batch takes no other form: https://docs.aws.amazon.com/batch/latest/userguide/launch-templates.html
USER_DATA = Lines(
    "^(MIME-Version:|Content-Type: *multipart/)[\\s\\S]*$",
    16_384,
    "a MIME multi-part archive, beginning with 'MIME-Version:' or 'Content-Type: multipart/'",
    f"{_BATCH_GUIDE}/launch-templates.html#lt-user-data",
)
INSTANCE_PROFILE_ARN = Text(
    "^arn:aws[a-z-]*:iam::[0-9]{12}:instance-profile/[A-Za-z0-9+=,.@_/-]+$",
    2048,
    "an instance profile's ARN, such as 'arn:aws:iam::123456789012:instance-profile/my-profile'",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
)
JOB_EXECUTION_TIMEOUT_MINUTES = Range(1, 360, "minutes", f"{_BATCH_API}/API_UpdatePolicy.html", default=30)
# Terraform's addresses have its name in them, and the names of roles and templates.
COMPUTE_ENVIRONMENT_NAME = Text(
    "^[a-z][a-z0-9_]*$",
    30,
    "lower-case letters, digits and '_', beginning with a letter",
    f"{_BATCH_API}/API_CreateComputeEnvironment.html",
)
#: What queues call the environment that is made beside them.
OWN_ENVIRONMENT = "default"
ROOT_VOLUME_GIB = Range(
    30, 16_384, "GiB", "https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html", default=30
)
_VPC_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide"
SUBNET_ID = Text("^subnet-[0-9a-f]{8,17}$", 24, "a subnet's id, such as 'subnet-0123456789abcdef0'", _VPC_GUIDE)
SECURITY_GROUP_ID = Text("^sg-[0-9a-f]{8,17}$", 20, "a security group's id, such as 'sg-0123456789abcdef0'", _VPC_GUIDE)
VPC_PREFIX_LENGTH = Range(16, 24, "bits", f"{_VPC_GUIDE}/vpc-cidr-blocks.html")
NETWORK_CIDR = "10.20.0.0/16"
FARGATE_SUBNETS_MAX = 16  # https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
QUEUES_MAX = QUEUES_QUOTA.maximum
# The API reference gives no bounds; the console and the service refuse what is outside these.
QUEUE_PRIORITY = Range(0, 1000, "", f"{_BATCH_GUIDE}/create-job-queue.html")
RUNNABLE_TIMEOUT_SECONDS = Range(600, 86_400, "seconds", f"{_BATCH_API}/API_JobStateTimeLimitAction.html", default=3600)

ENVIRONMENTS_PER_QUEUE_MAX = 3  # https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
_FAIR_SHARE = f"{_BATCH_API}/API_FairsharePolicy.html"
SHARE_DECAY_SECONDS = Range(0, 604_800, "seconds", _FAIR_SHARE, default=0)
COMPUTE_RESERVATION = Range(0, 99, "percent", _FAIR_SHARE, default=0)
SHARES_MAX = 500  # https://docs.aws.amazon.com/batch/latest/APIReference/API_FairsharePolicy.html
SHARE_IDENTIFIER = Text(
    "^[A-Za-z0-9]+[*]?$",
    255,
    "letters and digits, with '*' at most at the end",
    f"{_BATCH_API}/API_ShareAttributes.html",
)
WEIGHT_FACTOR_MIN, WEIGHT_FACTOR_MAX = 0.0001, 999.9999


def weight_refusal(value: float) -> str | None:
    """Why a share's weight is not allowed; None if it is. A smaller one gets more.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_ShareAttributes.html
    """
    if WEIGHT_FACTOR_MIN <= value <= WEIGHT_FACTOR_MAX:
        return None
    return f"is not allowed: {WEIGHT_FACTOR_MIN} to {WEIGHT_FACTOR_MAX}, and a smaller one gets more"


def overlap(shares: Iterable[str]) -> tuple[str, str] | None:
    """Two of some share identifiers that are about the same share, as `ab` and `a*` are; None if there are none."""
    names = sorted(shares)
    wide = [name for name in names if name.endswith("*")]
    return next(((name, all_) for name in names for all_ in wide if name != all_ and name.startswith(all_[:-1])), None)


# One run. The clock of a timeout starts with the attempt, so waiting in RUNNABLE is not covered; a timed-out attempt is
# not retried. Only Fargate has an upper bound: its tasks may be stopped after 14 days.
TIMEOUT_SECONDS = Range(60, API_INTEGER_MAX, "seconds", f"{_BATCH_GUIDE}/job_timeouts.html", default=3600)
FARGATE_TIMEOUT_SECONDS = Range(60, 14 * 86_400, "seconds", f"{_BATCH_API}/API_SubmitJob.html", default=3600)
ATTEMPTS = Range(1, 10, "attempts", f"{_BATCH_API}/API_RetryStrategy.html", default=1)
ARRAY_SIZE = Range(2, 10_000, "children", f"{_BATCH_API}/API_ArrayProperties.html")

# If no rule matches, Batch retries. Therefore a list always ends with CATCH_ALL_EXIT, which counts as one of the five.
EVALUATE_ON_EXIT_RULES_MAX = 5  # https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html
EVALUATE_ON_EXIT_ACTIONS = ("RETRY", "EXIT")
EVALUATE_ON_EXIT_ACTION = Choice(EVALUATE_ON_EXIT_ACTIONS, f"{_BATCH_API}/API_EvaluateOnExit.html")
EVALUATE_ON_EXIT_CONDITIONS = ("on_exit_code", "on_reason", "on_status_reason")
# Batch's own example of the last rule; a failure of the infrastructure has a reason and no exit code.
CATCH_ALL_EXIT: Mapping[str, str] = MappingProxyType({"action": "EXIT", "on_reason": "*"})


def catches_all(rule: Mapping[str, Any]) -> bool:
    """Whether no failure gets past a rule of retries, so that none is needed behind it: at every door.

    `on_exit_code: "*"` does not: an attempt that ends with its host, or before its container starts, has no exit code.
    https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
    """
    reasons = [rule.get(name) for name in ("on_reason", "on_status_reason")]
    has_reason = any(reason == "*" for reason in reasons) and all(reason in (None, "*") for reason in reasons)
    return has_reason and rule.get("on_exit_code") is None


ON_EXIT_CODE = Text(
    "^([0-9]+\\*?|\\*)$", 512, "digits, with '*' at most at the end", f"{_BATCH_API}/API_EvaluateOnExit.html"
)
ON_REASON = Text(
    "^([A-Za-z0-9.: \\t]+\\*?|\\*)$",
    512,
    "letters, digits, '.', ':' and spaces, with '*' at most at the end",
    f"{_BATCH_API}/API_EvaluateOnExit.html",
)

# What a job gets.
RESERVED_ENVIRONMENT_PREFIX = "AWS_BATCH"
ENVIRONMENT_NAME = Text(
    "^[A-Za-z_][A-Za-z0-9_.-]*$",
    255,
    "letters, digits, '_', '.' and '-', beginning with a letter or '_'",
    f"{_BATCH_API}/API_ContainerProperties.html",
)
RESERVED_VARIABLE = Unlike(
    "(?i)^AWS_BATCH",
    "is reserved: Batch sets the names that begin with AWS_BATCH",
    "",
    f"{_BATCH_API}/API_ContainerProperties.html",
)
EMPTY_VARIABLE = Unlike(
    "^$",
    "is empty, and Batch drops variables without a value",
    "leave it out",
    f"{_BATCH_API}/API_ContainerProperties.html",
)
PARAMETER_NAME = Text(
    "^[A-Za-z_][A-Za-z0-9_]*$",
    255,
    "letters, digits and '_', not beginning with a digit",
    f"{_BATCH_API}/API_RegisterJobDefinition.html",
)
_SECRET_ARNS = (
    "arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+",
    "arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+(:[^:]*:[^:]*:[^:]*)?",
)
SECRETS_MANAGER_ARN = Text(
    f"^{_SECRET_ARNS[1].removesuffix('(:[^:]*:[^:]*:[^:]*)?')}$",
    2048,
    "the ARN of a Secrets Manager secret",
    f"{_BATCH_API}/API_RepositoryCredentials.html",
)
SECRET_ARN = Text(
    f"^({'|'.join(_SECRET_ARNS)})$",
    2048,
    "the ARN of an SSM parameter or a Secrets Manager secret",
    f"{_BATCH_GUIDE}/specifying-sensitive-data.html",
)
# In jobs.yaml also a name, which each stage completes with its own region and account. A name alone could be the secret
# itself, so it begins with '/' or says where it is.
SECRET = Text(
    f"^({'|'.join(_SECRET_ARNS)}|/[A-Za-z0-9_./-]+|ssm:[A-Za-z0-9_.-]+"
    "|secretsmanager:[A-Za-z0-9/_+=.@!-]+(:[^:]*:[^:]*:[^:]*)?)$",
    2048,
    "the ARN of an SSM parameter or a Secrets Manager secret, or its name as '/team/token', 'ssm:token' or"
    " 'secretsmanager:token'",
    f"{_BATCH_GUIDE}/specifying-sensitive-data.html",
)
# Secrets Manager takes such a name for one with the six characters that it adds, and finds no secret.
AMBIGUOUS_SECRET = Unlike(
    "^secretsmanager:[^:]*-[A-Za-z0-9]{6}(:|$)",
    "ends like an ARN, with '-' and six characters, by which Secrets Manager finds nothing",
    "write the secret's whole ARN",
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen",
)
ROLE_ARN = Text(
    "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$",
    2048,
    "a role's ARN, such as 'arn:aws:iam::123456789012:role/my-role'",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MANAGED_POLICY_CHARACTERS = 6144
IAM_ACTION = Text(
    "^[a-z0-9-]+:[A-Za-z0-9*]+$",
    128,
    "a service, ':' and an operation, such as 's3:GetObject'; never '*' alone",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html",
)
RESOURCE_ARN = Text(
    "^([*]|arn:.+)$",
    2048,
    "an ARN, such as 'arn:aws:s3:::my-bucket/*', or '*'",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",
)
# An enterprise may have an issuer of its own.
# https://docs.github.com/en/enterprise-cloud@latest/actions/reference/security/oidc
OIDC_PROVIDER_ARN = Text(
    "^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[A-Za-z0-9._/-]+$",
    2048,
    "an OpenID Connect provider's ARN, such as"
    " 'arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com'",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
)
POLICY_ARN = Text(
    "^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$",
    2048,
    "a policy's ARN, such as 'arn:aws:iam::123456789012:policy/boundary'",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
)
# Actions that let a job give itself or others more than its permissions say: whatever administers accounts and
# identities, but for looking at them, and for passing or taking a role that is named. IAM does not look at the case.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
WIDE_ACTION_PATTERN = "(?i)^(account|iam|identitystore|organizations|sso|sso-directory|sts):"
HARMLESS_ACTION_PATTERN = (
    "(?i)^[a-z-]+:((Get|List|Describe|Simulate|Generate)[A-Za-z]*[*]?|DecodeAuthorizationMessage)$"
)
HARMLESS_IF_NAMED_PATTERN = "(?i)^(iam:PassRole|sts:(AssumeRole|SetSourceIdentity|TagSession))$"
WIDE = "lets the job give itself or others more than is said here"
# AWS's own policies by which a job may change who may do what.
WIDE_POLICIES = frozenset({"AdministratorAccess", "IAMFullAccess", "PowerUserAccess"})


def is_wide_policy(arn: str) -> bool:
    """Whether a managed policy lets a job give itself or others more than is said."""
    return arn.rpartition("/")[2] in WIDE_POLICIES


def only_looks(action: str) -> bool:
    """Whether an action only looks at accounts and identities."""
    return bool(re.match(WIDE_ACTION_PATTERN, action) and re.match(HARMLESS_ACTION_PATTERN, action))


def is_wide(action: str, resources: Iterable[str]) -> bool:
    """Whether an action on these resources lets a job give itself or others more than is said."""
    if not re.match(WIDE_ACTION_PATTERN, action) or only_looks(action):
        return False
    named = all(not set(resource) & set("*?") for resource in resources)
    return not (named and re.match(HARMLESS_IF_NAMED_PATTERN, action))


TAGS_MAX = 50  # https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html
TAG_KEY_MAX = 128
TAG_VALUE_MAX = 256
_TAGS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html"
AWS_TAG = Unlike("(?i)^aws:", "is reserved: AWS sets the tags that begin with aws:", "", _TAGS)
OWN_TAG = Unlike("(?i)^batchtab:", "is reserved: Batchtab sets the tags that begin with batchtab:", "", _TAGS)
# Said of two tags.
TAG_TWINS = "in case only, which IAM refuses"
# Of the characters that AWS refuses, those of ASCII; of all others `declarations.tag_rules` knows in a project's files.
_TAG_TEXT = "letters, digits, spaces and _ . : / = + - @"
_NO_TAG_CHARACTERS = "\\x00-\\x1f!\"#$%&'()*,;<>?\\[\\\\\\]^`{|}~\\x7f"
TAG_KEY = Text(f"^[^{_NO_TAG_CHARACTERS}]+$", TAG_KEY_MAX, _TAG_TEXT, _TAGS)
TAG_VALUE = Text(f"^[^{_NO_TAG_CHARACTERS}]*$", TAG_VALUE_MAX, _TAG_TEXT, _TAGS)
DESCRIPTION_MAX = 512  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
JOB_DEFINITION_PAYLOAD_BYTES = 24 * 1024  # https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
SUBMIT_JOB_PAYLOAD_BYTES = 30 * 1024

# When.
SCHEDULE_EXPRESSION_MAX = (
    shapes.EXPRESSION_MAX
)  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
# What modules check; batchtab.schedules.expression knows all of the syntax.
SCHEDULE_SHAPE = Text(
    "^((cron|rate|at)[(].+[)]|@[a-z]+( [0-9a-z]+)?|[^ ()]+( +[^ ()]+){4})$",
    SCHEDULE_EXPRESSION_MAX,
    "cron(minutes hours day-of-month month day-of-week year), rate(value unit), at(yyyy-mm-ddThh:mm:ss), five fields of"
    " crontab or a word such as @daily",
    f"{_SCHEDULER_GUIDE}/schedule-types.html",
)
# The forms that AWS itself takes in a rule.
RULE_SCHEDULE_SHAPE = Text(
    "^(cron|rate)[(].+[)]$",
    SCHEDULE_EXPRESSION_MAX,
    "cron(minutes hours day-of-month month day-of-week year) or rate(value unit)",
    f"{_EVENTS_API}/API_PutRule.html",
)
# And in a rule or a schedule.
AWS_SCHEDULE_SHAPE = Text(
    "^(cron|rate|at)[(].+[)]$",
    SCHEDULE_EXPRESSION_MAX,
    "cron(minutes hours day-of-month month day-of-week year), rate(value unit) or at(yyyy-mm-ddThh:mm:ss)",
    f"{_SCHEDULER_GUIDE}/schedule-types.html",
)
TIMEZONE = Text(
    shapes.ZONE_PATTERN,
    shapes.ZONE_MAX,
    "a name of the IANA time zone database, such as Asia/Seoul",
    f"{_SCHEDULER_API}/API_CreateSchedule.html",
)
# What modules check of `start` and `end`, which Scheduler takes in UTC; jobs.yaml takes wall-clock times too.
MOMENT = Moment(
    "^2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",  # Terraform's provider counts no further than 2262
    20,
    "a moment of the calendar in UTC before 2200, such as 2026-12-01T00:00:00Z",
    f"{_SCHEDULER_API}/API_CreateSchedule.html",
)
FLEXIBLE_WINDOW_MINUTES = Range(1, 1440, "minutes", f"{_SCHEDULER_API}/API_FlexibleTimeWindow.html")
TRIGGER = Choice(tuple(map(str, choices.Trigger)), f"{_SCHEDULER_GUIDE}/what-is-scheduler.html")
EXCEPT = Text(
    shapes.EXCLUSION_PATTERN,
    shapes.EXCLUSION_MAX,
    shapes.EXCLUSION_FORMS,
    f"{_SCHEDULER_GUIDE}/schedule-types.html",
)
EXCEPT_MAX = 30  # they are in the trigger's input, and a rule takes 8,192 characters of it
SCHEDULE_NAME_MAX = 64  # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
SCHEDULE_GROUP_NAME = Text(
    "^[0-9A-Za-z_.-]+$",
    SCHEDULE_NAME_MAX,
    "letters, digits, '.', '_' and '-'",
    f"{_SCHEDULER_API}/API_CreateScheduleGroup.html",
)
DELIVERY_RETRY_AGE_SECONDS = Range(60, 86_400, "seconds", f"{_EVENTS_API}/API_RetryPolicy.html")

# One after another, and no two at once.
AFTER_MAX = 8  # a rule's pattern has 2,048 characters, and the longest name's ARN takes about 210 of them
# The rules of alerts and runs are called so, behind their namespace: a job's own rule would be one with theirs.
RESERVED_JOB_NAME = Unlike(
    "^(alerts-sweep|(failed-job|blocked-queue|run-ended)-[0-9]+)$",
    "is the name of a rule that alerts or runs have",
    "give it another name",
    f"{_EVENTS_API}/API_PutRule.html",
)
WITHIN_SECONDS = Range(60, 31 * 86_400, "seconds", f"{_BATCH_GUIDE}/batch_job_events.html")
AFTER_STATUS = Choice(tuple(map(str, choices.AfterStatus)), f"{_BATCH_GUIDE}/batch_job_events.html")
# Kubernetes' words, and one more.
CONCURRENCY_POLICY = Choice(tuple(map(str, choices.ConcurrencyPolicy)), f"{_BATCH_API}/API_ListJobs.html")
QUEUE_LIMIT = Range(1, 100, "runs", f"{_BATCH_API}/API_ListJobs.html", default=10)
STARTING_DEADLINE_SECONDS = Range(60, 86_400, "seconds", f"{_EVENTS_API}/API_RetryPolicy.html")
USUAL_DURATION_SECONDS = Range(1, API_INTEGER_MAX, "seconds", f"{_BATCH_GUIDE}/job_timeouts.html")
HISTORY_DAYS = Range(2, 3650, "days", f"{_BATCH_API}/API_ListJobs.html", default=90)  # a delivery may be a day late
# What a run gets as environment variables; Batch itself sets the attempt, as AWS_BATCH_JOB_ATTEMPT.
RUN_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "scheduled_time": "BATCHTAB_SCHEDULED_TIME",
        "run_id": "BATCHTAB_RUN_ID",
        "run_policy": "BATCHTAB_RUN_POLICY",
    }
)
# With it begins the reason of a job that was ended for the next run; lambda/ says it by itself.
REPLACED_PREFIX = "Replaced by the run of "
UPSTREAM_JOB_ID_VARIABLE = "BATCHTAB_UPSTREAM_JOB_ID"
RETRY_OF_VARIABLE = "BATCHTAB_RETRY_OF"
RUN_MODE_VARIABLE = "BATCHTAB_RUN_MODE"  # `manual` of a run that `batchtab run` submits past the submit function
REASON_VARIABLE = "BATCHTAB_REASON"  # why it was run manually, for `batchtab history`
RUNNER_VARIABLES: Mapping[str, str] = MappingProxyType(
    {"job_name": "BATCHTAB_JOB_NAME", "concurrency_policy": "BATCHTAB_CONCURRENCY_POLICY"}
)

# Queues for what could not be delivered: EventBridge, Scheduler and Lambda take no FIFO queue.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
STANDARD_QUEUE_ARN = Text(
    "^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$",
    2048,
    "the ARN of a standard SQS queue, such as 'arn:aws:sqs:ap-northeast-2:123456789012:my-queue'; no FIFO queue",
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
)
FUNCTION_ARN = Text(
    "^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$",
    2048,
    "a Lambda function's ARN, such as 'arn:aws:lambda:ap-northeast-2:123456789012:function:batch-submit-run'",
    "https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html",
)
TABLE_ARN = Text(
    "^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$",
    2048,
    "a DynamoDB table's ARN, such as 'arn:aws:dynamodb:ap-northeast-2:123456789012:table/batch-job-runs'",
    "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html",
)

# Logs.
LOG_GROUP_NAME = Text(
    "^[A-Za-z0-9_/.#-]+$",
    512,
    "letters, digits, '_', '/', '.', '#' and '-'",
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
)
LOG_RETENTION_DAYS_ALLOWED = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
LOG_RETENTION_DAYS = Choice(
    LOG_RETENTION_DAYS_ALLOWED,
    "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
)

# Alerts.
_SLACK = "https://docs.slack.dev/reference"
SLACK_CHANNEL = Text(
    "^[^\\s]+$", 80, "a channel's name with its '#', or its id", f"{_SLACK}/objects/conversation-object"
)
SLACK_MENTION = Text(
    "^@?(here|channel|everyone|[UWS][A-Z0-9]{2,20})$",
    22,
    "here, channel, everyone, or the id of a user or a group, such as U024BE7LH",
    "https://docs.slack.dev/messaging/formatting-message-text",
)
SLACK_USERNAME = Text("^[^\\s].*$", 80, "a name", f"{_SLACK}/methods/chat.postMessage")
SLACK_EMOJI = Text(
    "^:[^:\\s]+:$", 100, "an emoji between colons, such as ':cloud:'", f"{_SLACK}/methods/chat.postMessage"
)
SLACK_COLOR = Text(
    "^(good|warning|danger|#[0-9A-Fa-f]{6})$",
    7,
    "good, warning, danger or a code such as '#cc0000'",
    "https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments",
)

# An alias says nothing in a policy's resources, and log groups take none.
KMS_KEY_ARN = Text(
    "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
    2048,
    "the ARN of a KMS key, not of an alias",
    "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN",
)
LOG_LINES = Range(
    0, 100, "lines", "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"
)
_SECONDS_OF_ALERTS = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"
REPEAT_SECONDS = Range(0, 7 * 86_400, "seconds", _SECONDS_OF_ALERTS)
GATHER_SECONDS = Range(0, 40, "seconds", _SECONDS_OF_ALERTS)  # the function may run two minutes
LATE_AFTER_SECONDS = Range(
    60, 86_400, "seconds", "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html"
)  # a rule fires within its minute
# One of them gathers while others bring their events.
ALERTS_AT_ONCE = Range(2, 1000, "", "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html")
GIVE_UP_SECONDS = Range(60, 86_400, "seconds", _SECONDS_OF_ALERTS)

# Ours. 1 vCPU with 2048 MiB is a size that EC2 and Fargate both take.
JOB_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "after": (),
        "after_all": (),
        "within_seconds": None,
        "after_status": "succeeded",
        "concurrency_policy": "allow",
        "queue_limit": QUEUE_LIMIT.default,
        "starting_deadline_seconds": None,
        "pause_on_failure": False,
        "timezone": None,
        "start": None,
        "end": None,
        "flexible_window_minutes": None,
        "except_": (),
        "trigger": None,
        "schedule": None,
        "queue": "default",
        "vcpus": 1.0,
        "memory_mib": MEMORY_MIB.default,
        "timeout_seconds": TIMEOUT_SECONDS.default,
        "attempts": ATTEMPTS.default,
        "read_only_root_filesystem": True,
        "assign_public_ip": False,
        "suspend": False,
    }
)
ENVIRONMENT_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "capacity": "EC2",
        "instance_types": ("optimal",),
        "min_vcpus": MIN_VCPUS.default,
        "max_vcpus": MAX_VCPUS.default,
        "queues": MappingProxyType({"default": 5, "continuously": 3}),
        "runnable_timeout_seconds": RUNNABLE_TIMEOUT_SECONDS.default,
        "state": "ENABLED",
        "root_volume_gib": ROOT_VOLUME_GIB.default,
        "job_execution_timeout_minutes": JOB_EXECUTION_TIMEOUT_MINUTES.default,
        "terminate_jobs_on_update": False,
    }
)
QUEUE_DEFAULTS: Mapping[str, Any] = MappingProxyType({"compute_environments": (OWN_ENVIRONMENT,), "state": "ENABLED"})
ALERT_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "function_name": "SendToSlack",
        "channel": "#cron-error",
        "username": "AWS Batch Job Failed Alert",
        "icon_emoji": ":cloud:",
        "color": "danger",
        "details": True,
        "log_lines": 20,
        "quiet": False,
        "repeat_seconds": 3600,
        "gather_seconds": 5,
        "give_up_seconds": 900,
    }
)
REPOSITORY_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"image_tag_mutability": "IMMUTABLE", "keep_tagged_images": 50, "untagged_days": 14}
)
STAGE_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "namespace": "batchtab",
        "timezone": "UTC",
        "history_days": HISTORY_DAYS.default,
        "log_retention_days": 30,
        "runner_repository": "batchtab-runner",
    }
)
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"job": JOB_DEFAULTS, "environment": ENVIRONMENT_DEFAULTS, "alerts": ALERT_DEFAULTS, "stage": STAGE_DEFAULTS}
)
LOCAL_ACCOUNT_ID = "000000000000"

# Sizes of what a job is made of.
OVERRIDES_CHARACTERS = 8192  # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
ROLE_POLICIES_CHARACTERS = 10_240  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
# Beside letters, digits and spaces: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
TAG_PUNCTUATION = "_.:/=+-@"
OWN_TAGS = ("batchtab:namespace", "batchtab:stack")
