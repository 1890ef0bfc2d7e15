"""What AWS documents of Batch's names and sizes, as data.

Local AWS imports nothing of the rest of the project, so that it can judge it.
"""

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
SHARE_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-.]{0,254}")
# https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
EXIT_CODE_PATTERN = re.compile(r"(?=.{1,512}$)[0-9]*\*?")
REASON_PATTERN = re.compile(r"(?=.{1,512}$)[A-Za-z0-9.:\s]*\*?", re.DOTALL)
RETRY_ATTEMPTS = (1, 10)
ARRAY_SIZE = (2, 10_000)
TIMEOUT_SECONDS_MINIMUM = 60
EVALUATE_ON_EXIT_MAXIMUM = 5
DEPENDENCIES_MAXIMUM = 20
ENVIRONMENTS_PER_QUEUE_MAXIMUM = 3
IMAGES_MAXIMUM = 2  # of an environment: https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html
WITHDRAWN_IMAGE_TYPES = ("ECS_AL2", "ECS_AL2_NVIDIA")
SHARE_DECAY_SECONDS = (0, 604_800)
PRIORITY = (0, 1000)
SCHEDULING_PRIORITY = (0, 9999)
STATE_TIME_LIMIT_SECONDS = (600, 86_400)
STATE_TIME_LIMIT_REASONS = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
)
# https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
DEFINITION_KIB = 24
JOB_KIB = 30
OVERRIDES_CHARACTERS = (
    8192  # of a task: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
)
ENDED_JOBS_KEPT_SECONDS = 7 * 86_400
STOP_GRACE_SECONDS = 30  # between SIGTERM and SIGKILL

# Memory in MiB that Fargate offers with a number of vCPUs.
# https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
FARGATE_MEMORY_MIB: dict[float, tuple[int, ...]] = {
    0.25: (512, 1024, 2048),
    0.5: tuple(range(1024, 4096 + 1, 1024)),
    1: tuple(range(2048, 8192 + 1, 1024)),
    2: tuple(range(4096, 16_384 + 1, 1024)),
    4: tuple(range(8192, 30_720 + 1, 1024)),
    8: tuple(range(16_384, 61_440 + 1, 4096)),
    16: tuple(range(32_768, 122_880 + 1, 8192)),
    32: (61_440, 122_880, 249_856),
}
FARGATE_LOG_DRIVERS = ("awslogs", "splunk")
# Members of containerProperties that a Fargate job must not have.
FARGATE_REFUSED = ("privileged", "ulimits", "instanceType")
FARGATE_REFUSED_LINUX = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")
