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
FARGATE_LOG_DRIVERS = ("awslogs", "splunk", "awsfirelens")
# Options of awslogs: Batch's page has the first six, ECS, which is given them, the other two as well.
# https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html
AWSLOGS_OPTIONS = (
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "awslogs-datetime-format",
    "awslogs-multiline-pattern",
    "awslogs-create-group",
    "mode",
    "max-buffer-size",
)
FARGATE_REFUSED_LINUX = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")
ARCHITECTURES = ("X86_64", "ARM64")
OPERATING_SYSTEMS = (
    "WINDOWS_SERVER_2019_CORE",
    "WINDOWS_SERVER_2019_FULL",
    "WINDOWS_SERVER_2022_CORE",
    "WINDOWS_SERVER_2022_FULL",
    "LINUX",
)
# Members that Windows containers must not have.
# https://docs.aws.amazon.com/batch/latest/APIReference/API_RuntimePlatform.html
WINDOWS_REFUSED = ("linuxParameters", "privileged", "user", "ulimits", "readonlyRootFilesystem")
EPHEMERAL_STORAGE_GIB = (21, 200)
VOLUME_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
FILE_SYSTEM_ID = re.compile(r"fs-[0-9a-f]{8,40}")
ACCESS_POINT_ID = re.compile(r"fsap-[0-9a-f]{8,40}")
ROOT_DIRECTORY_CHARACTERS = 4096
# https://docs.aws.amazon.com/batch/latest/APIReference/API_Ulimit.html
ULIMITS = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice"),
    *("nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
)
# https://docs.aws.amazon.com/batch/latest/APIReference/API_Tmpfs.html; mode=1777 and the like have a value
TMPFS_OPTIONS = (
    *("defaults", "ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async", "dirsync"),
    *("remount", "mand", "nomand", "atime", "noatime", "diratime", "nodiratime", "bind", "rbind", "unbindable"),
    *("runbindable", "private", "rprivate", "shared", "rshared", "slave", "rslave", "relatime", "norelatime"),
    *("strictatime", "nostrictatime", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"),
)
CONTAINERS_PER_TASK = (1, 10)
CONTAINER_SECONDS = (2, 120)  # startTimeout and stopTimeout; only on Fargate is there a most
CONTAINER_CONDITIONS = ("START", "COMPLETE", "SUCCESS")
NODES = (1, 1000)
NODE_RANGES_MAXIMUM = 5
# Processes at a time, whatever the compute environments allow: this is one machine.
MAXIMUM_PROCESSES = 50
