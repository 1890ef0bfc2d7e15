"""The settings of a job's container beside its image and command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, Strict, field_validator, model_validator
from pydantic_core import CoreSchema

from batchtab import choices, limits
from batchtab.declarations.fields import AllowUnquoted, Limit, StrictModel, invalid
from batchtab.declarations.table import Hidden, Only, Source
from batchtab.limits import Choice, Range, Text

_API = "https://docs.aws.amazon.com/batch/latest/APIReference"
_LINUX = f"{_API}/API_LinuxParameters.html"

_MOST = limits.API_INTEGER_MAX
# Said of what does not go together, at each door.
WITHOUT_EFS = "has no effect without efs_file_system_id"
BESIDE_EFS = "does not go with efs_file_system_id"
BESIDE_POINT = "does not go with access_point_id, which sets the folder"
SECRET_OPTION = "is a secret, and options are shown"  # noqa: S105
SET_OPTION = "is set by Batchtab, whose commands find logs by it"
ONLY_AWSLOGS = "has no effect without driver: awslogs"
MORE_THAN_HARD = "is more than hard"
MOUNTED_TWICE = "is the path of another mount too"
#: Options of log drivers that are secret, that have a field, and that Batchtab sets for awslogs.
SECRET_OPTIONS = ("splunk-token",)
FIELD_OF_OPTION: Mapping[str, str] = {"mode": "log.mode", "awslogs-multiline-pattern": "log.multiline_pattern"}
SET_OPTIONS = ("awslogs-group", "awslogs-stream-prefix", "awslogs-region")

#: Batchtab's own volume, for a writable /tmp beside a read-only root.
TMP_VOLUME = "batchtab-tmp"
VolumeName = Text("^[A-Za-z0-9_-]+$", 255, "letters, digits, '_' and '-'", f"{_API}/API_Volume.html")
FolderPath = Text("^/.*$", 4096, "an absolute path, such as '/data'", f"{_API}/API_MountPoint.html")
FileSystemId = Text(
    "^fs-[0-9a-f]{8,40}$",
    43,
    "an EFS file system's id, such as 'fs-0123456789abcdef0'",
    f"{_API}/API_EFSVolumeConfiguration.html",
)
AccessPointId = Text(
    "^fsap-[0-9a-f]{8,40}$",
    45,
    "an EFS access point's id, such as 'fsap-0123456789abcdef0'",
    f"{_API}/API_EFSAuthorizationConfig.html",
)
UlimitName = Choice(
    (
        *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice"),
        *("nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
    ),
    f"{_API}/API_Ulimit.html",
)
DevicePermission = Choice(("READ", "WRITE", "MKNOD"), f"{_API}/API_Device.html")
User = Text(
    "^([A-Za-z_][A-Za-z0-9_.-]*|[0-9]+)(:([A-Za-z_][A-Za-z0-9_.-]*|[0-9]+))?$",
    255,
    "a user or uid, and a group or gid after ':', such as '1000:1000'",
    f"{_API}/API_ContainerProperties.html",
)
PlatformVersion = Text(
    "^(LATEST|[0-9]+[.][0-9]+[.][0-9]+)$",
    32,
    "LATEST, or a version such as 1.4.0",
    f"{_API}/API_FargatePlatformConfiguration.html",
)
LogDriver = Choice(tuple(map(str, choices.LogDriver)), f"{_API}/API_LogConfiguration.html")
LogMode = Choice(tuple(map(str, choices.LogMode)), f"{_API}/API_LogConfiguration.html")
Mib = Annotated[int, Strict(), Limit(Range(1, _MOST, "MiB", _LINUX))]


class Volume(StrictModel):
    """A place for files: an EFS file system, a folder of the EC2 instance, or an empty folder.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_Volume.html
    """

    efs_file_system_id: Annotated[str, Strict(), Limit(FileSystemId)] | None = Field(
        default=None, description="The EFS file system, in the stage's account and region."
    )
    root_directory: Annotated[str, Strict(), Limit(FolderPath)] | None = Field(
        default=None, description="The folder in the file system that is mounted. Default: its root."
    )
    access_point_id: Annotated[str, Strict(), Limit(AccessPointId)] | None = Field(
        default=None, description="The EFS access point, which sets folder and user."
    )
    iam: Annotated[bool, Strict()] = Field(
        default=True, description="Whether EFS checks the job role, which gets the permission that it needs."
    )
    host_path: Annotated[str, Strict(), Limit(FolderPath)] | None = Field(
        default=None,
        description="The folder of the EC2 instance. Without it and without a file system: an empty folder.",
    )

    @model_validator(mode="after")
    def _validate_kind(self) -> Volume:
        if self.efs_file_system_id is None:
            for name in ("root_directory", "access_point_id"):
                if getattr(self, name) is not None:
                    raise invalid(WITHOUT_EFS, "leave it out", at=(name,))
        elif self.host_path is not None:
            raise invalid(BESIDE_EFS, "make two volumes", at=("host_path",))
        if self.root_directory not in (None, "/") and self.access_point_id is not None:
            raise invalid(BESIDE_POINT, "leave it out", at=("root_directory",))
        return self


class Mount(StrictModel):
    """Where a container sees a volume. See https://docs.aws.amazon.com/batch/latest/APIReference/API_MountPoint.html."""

    volume: Annotated[str, Strict(), Limit(VolumeName)] = Field(description="One of the job's volumes.")
    path: Annotated[str, Strict(), Limit(FolderPath)] = Field(description="The folder in the container.")
    read_only: Annotated[bool, Strict()] = Field(default=False, description="Whether the container only reads.")


class Ulimit(StrictModel):
    """A resource limit of the container's processes; a number alone is both."""

    soft: Annotated[int, Strict(), Limit(Range(-1, _MOST, "", f"{_API}/API_Ulimit.html"))] = Field(
        description="The most that a process may use before it asks for more. -1: no limit."
    )
    hard: Annotated[int, Strict(), Limit(Range(-1, _MOST, "", f"{_API}/API_Ulimit.html"))] = Field(
        description="The most that a process may ask for. -1: no limit."
    )


class _OrNumber:
    """Annotation of a limit in whose place a number may be written, which is both."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": -1}, handler(schema)]}


class Device(StrictModel):
    """A device of the EC2 instance. See https://docs.aws.amazon.com/batch/latest/APIReference/API_Device.html."""

    host_path: Annotated[str, Strict(), Limit(FolderPath)] = Field(description="The device on the instance.")
    container_path: Annotated[str, Strict(), Limit(FolderPath)] | None = Field(
        default=None, description="The device in the container. Default: the same path."
    )
    permissions: tuple[Annotated[str, Strict(), Limit(DevicePermission)], ...] = Field(
        default=(), description="READ, WRITE and MKNOD. Default: all three."
    )


class Log(StrictModel):
    """Where a container's output goes.

    See https://docs.aws.amazon.com/batch/latest/APIReference/API_LogConfiguration.html
    """

    driver: Annotated[str, Strict(), Limit(LogDriver)] = Field(
        default="awslogs", description="The log driver. Fargate has awslogs and splunk."
    )
    mode: Annotated[str, Strict(), Limit(LogMode)] = Field(
        default="blocking",
        description="What happens when lines come faster than the driver takes them: `blocking` makes the container"
        " wait, `non-blocking` loses lines.",
    )
    multiline_pattern: Annotated[str, Strict()] | None = Field(
        default=None, description="With awslogs: a regular expression of the first line of an event of several lines."
    )
    options: dict[Annotated[str, Strict()], Annotated[str, Strict(), AllowUnquoted()]] = Field(
        default={}, description="Further options of the driver, by its own names."
    )
    secret_options: dict[
        Annotated[str, Strict()], Annotated[str, Strict(), Limit(limits.SECRET), Limit(limits.AMBIGUOUS_SECRET)]
    ] = Field(default={}, description="Options that are secret: name to SSM parameter or Secrets Manager secret.")

    @model_validator(mode="after")
    def _validate_driver(self) -> Log:
        for name in self.options:
            if name in SECRET_OPTIONS:
                raise invalid(SECRET_OPTION, "write it in secret_options", at=("options", name))
        for name in self.options:
            if name in FIELD_OF_OPTION:
                raise invalid(f"has a field of its own: {FIELD_OF_OPTION[name]}", at=("options", name))
        if self.driver == "awslogs":
            for name in self.options:
                if name in SET_OPTIONS:
                    raise invalid(SET_OPTION, "leave it out", at=("options", name))
        elif self.multiline_pattern is not None:
            raise invalid(ONLY_AWSLOGS, "leave it out", at=("multiline_pattern",))
        return self


class ContainerFields(StrictModel):
    """What each container may say: the job's own, and those beside it."""

    gpus: (
        Annotated[int, Strict(), Limit(Range(1, _MOST, "GPUs", f"{_API}/API_ResourceRequirement.html")), Only("EC2")]
        | None
    ) = Field(default=None, description="GPUs for the container.")
    user: Annotated[str, Strict(), AllowUnquoted(), Limit(User)] | None = Field(
        default=None, description="The user of the container's processes. Default: the image's."
    )
    privileged: Annotated[bool, Strict(), Only("EC2"), Source(f"{_API}/API_ContainerProperties.html")] = Field(
        default=False, description="Whether the container may do everything on the EC2 instance, like root there."
    )
    init_process: Annotated[bool, Strict(), Source(_LINUX)] = Field(
        default=False, description="Whether an init process forwards signals and ends orphans."
    )
    shared_memory_mib: Annotated[Mib, Only("EC2")] | None = Field(
        default=None, description="Size of /dev/shm in MiB. Default: 64."
    )
    tmpfs: Annotated[
        dict[Annotated[str, Strict(), Limit(FolderPath)], Mib], Only("EC2"), Source(f"{_API}/API_Tmpfs.html")
    ] = Field(default={}, description="Folders in memory: path to size in MiB, which counts as the job's memory.")
    ulimits: Annotated[
        dict[Annotated[str, Strict(), Limit(UlimitName)], Annotated[Ulimit, _OrNumber()]],
        Only("EC2"),
        Source(f"{_API}/API_Ulimit.html"),
    ] = Field(
        default={},
        description="Resource limits by name, such as nofile: each with `soft` and `hard`, for which jobs.yaml and"
        " Python may give one number.",
    )
    devices: Annotated[tuple[Device, ...], Only("EC2"), Source(f"{_API}/API_Device.html")] = Field(
        default=(), description="Devices of the EC2 instance."
    )
    mounts: Annotated[tuple[Mount, ...], Source(f"{_API}/API_MountPoint.html")] = Field(
        default=(), description="Where the container sees the volumes."
    )
    log: Log = Field(default=Log(), description="Where the container's output goes. Default: CloudWatch Logs.")
    registry_credentials: Annotated[str, Strict(), Limit(limits.SECRETS_MANAGER_ARN), Hidden()] | None = Field(
        default=None, description="Secrets Manager secret with the name and password for the image's private registry."
    )
    grace_seconds: (
        Annotated[int, Strict(), Limit(Range(2, 120, "seconds", f"{_API}/API_TaskContainerProperties.html"))] | None
    ) = Field(
        default=None,
        description="How long the container has to end after SIGTERM, before it is killed. Default: 30. AWS provider"
        " 5.100 does not send it.",
    )

    @field_validator("ulimits", mode="before")
    @classmethod
    def _read_ulimits(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        whole = [(name, limit) for name, limit in value.items()]
        return {name: {"soft": limit, "hard": limit} if type(limit) is int else limit for name, limit in whole}

    @field_validator("ulimits")
    @classmethod
    def _validate_ulimits(cls, value: dict[str, Ulimit]) -> dict[str, Ulimit]:
        for name, limit in value.items():
            if limit.hard != -1 and (limit.soft > limit.hard or limit.soft == -1):
                raise invalid(f"{MORE_THAN_HARD}, {limit.hard}", at=(name, "soft"), value=limit.soft)
        return value

    @field_validator("mounts")
    @classmethod
    def _validate_mounts(cls, value: tuple[Mount, ...]) -> tuple[Mount, ...]:
        paths = [mount.path for mount in value]
        for index, path in enumerate(paths):
            if path in paths[:index]:
                raise invalid(MOUNTED_TWICE, at=(index, "path"), value=path)
        return value
