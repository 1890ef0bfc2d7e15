"""Rules for the volumes of a task and for where its containers mount them.

https://docs.aws.amazon.com/batch/latest/APIReference/API_Volume.html
"""

from __future__ import annotations

from typing import Any

from batchtab.local_aws.batch import limits
from batchtab.local_aws.batch.errors import ClientError

_KINDS = ("host", "efsVolumeConfiguration", "s3filesVolumeConfiguration")
_WITHOUT_EFS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")


def check(
    volumes: list[dict[str, Any]], *, job_role: str | None, fargate: bool, platform_version: str | None, windows: bool
) -> None:
    """Refuse volumes that Batch refuses.

    Args:
        volumes: They.
        job_role: The role whose credentials the job gets.
        fargate: Whether the job is for Fargate.
        platform_version: Fargate's, where one is given.
        windows: Whether the containers are Windows's.

    Raises:
        ClientError: What is wrong.
    """
    names = [volume.get("name") for volume in volumes]
    for name in names:
        if not name or not limits.VOLUME_NAME.fullmatch(name):
            raise ClientError(f"volumes: name {name!r} must be letters, digits, - and _, at most 255")
        if names.count(name) > 1:
            raise ClientError(f"volumes: the name {name} is given twice")
    for volume in volumes:
        if sum(volume.get(kind) is not None for kind in _KINDS) > 1:
            raise ClientError(
                "When the volume parameter is specified, only one volume configuration type should be used."
            )
        if fargate and (volume.get("host") or {}).get("sourcePath"):
            raise ClientError("host.sourcePath should not be set for volumes in Fargate.")
        if efs := volume.get("efsVolumeConfiguration"):
            if windows:
                raise ClientError("efsVolumeConfiguration is not applicable to Windows containers")
            if fargate and platform_version in _WITHOUT_EFS:
                raise ClientError(
                    f"EFS is supported for Fargate platform versions 1.4.0 or later, provided {platform_version}"
                )
            _check_efs(efs, job_role)
        if s3_files := volume.get("s3filesVolumeConfiguration"):
            _check_s3_files(s3_files, job_role)


def check_mounts(mounts: list[dict[str, Any]], volumes: list[dict[str, Any]], *, windows: bool) -> None:
    """Refuse mounts of volumes that do not exist, and two at one place.

    Raises:
        ClientError: What is wrong.
    """
    names = {volume.get("name") for volume in volumes}
    paths: set[str] = set()
    for mount in mounts:
        source, path = mount.get("sourceVolume"), mount.get("containerPath")
        if source not in names:
            raise ClientError(f"mountPoints: sourceVolume {source!r} is no volume of the job")
        if not path or not (path.startswith("/") or windows):
            raise ClientError(f"mountPoints: containerPath {path!r} is not an absolute path")
        if path in paths:
            raise ClientError(f"mountPoints: {path} is mounted twice")
        paths.add(path)


def _check_efs(efs: dict[str, Any], job_role: str | None) -> None:
    if not limits.FILE_SYSTEM_ID.fullmatch(efs["fileSystemId"]):
        raise ClientError(f"EFS configuration fileSystemId is not valid: {efs['fileSystemId']}.")
    _check_port(efs)
    root = efs.get("rootDirectory") or "/"
    if len(root) > limits.ROOT_DIRECTORY_CHARACTERS or not root.startswith("/"):
        raise ClientError(f"EFS configuration rootDirectory is not valid: {root[:100]}.")
    authorization = efs.get("authorizationConfig") or {}
    encrypted = efs.get("transitEncryption") == "ENABLED"
    if access_point := authorization.get("accessPointId"):
        if not limits.ACCESS_POINT_ID.fullmatch(access_point):
            raise ClientError(f"EFS configuration accessPointId is not valid: {access_point}.")
        if root != "/":
            raise ClientError('When using an EFS access point, the root directory must either be set to "/" or omitted')
        if not encrypted:
            raise ClientError("EFS IAM access point requires TransitEncryption to be enabled.")
    if authorization.get("iam") == "ENABLED":
        if not encrypted:
            raise ClientError("EFS IAM authorization requires TransitEncryption to be enabled.")
        if not job_role:
            raise ClientError("EFS IAM authorization requires a jobRoleArn/taskRoleArn to be specified.")


def _check_s3_files(s3_files: dict[str, Any], job_role: str | None) -> None:
    arn = s3_files["fileSystemArn"]
    if not arn.startswith("arn:") or ":s3files:" not in arn:
        raise ClientError(f"S3Files configuration fileSystemArn is not valid: {arn}.")
    _check_port(s3_files)
    if not job_role:
        raise ClientError("A jobRoleArn/taskRoleArn is required when using s3filesVolumeConfiguration.")


def _check_port(configuration: dict[str, Any]) -> None:
    port = configuration.get("transitEncryptionPort")
    if port is not None and not 0 <= port <= 65_535:
        raise ClientError("TransitEncryptionPort must be a valid port number.")
