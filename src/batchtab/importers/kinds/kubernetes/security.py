"""What a container may do: its user, its root, its privileges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchtab.importers.kinds.kubernetes.draft import Draft, listed, whole
from batchtab.importers.node import Node

_HARDER = "Batch has no such setting; ECS uses Docker's defaults"
_LEFT = ("allowPrivilegeEscalation", "seccompProfile", "seLinuxOptions", "appArmorProfile", "procMount")
_ROOT = 0


@dataclass(frozen=True, slots=True)
class PodSecurity:
    """What a pod says of all its containers.

    Attributes:
        user: Its uid; None if it says nothing.
        group: Its gid; likewise.
    """

    user: int | None = None
    group: int | None = None


def of_pod(pod: Node) -> PodSecurity:
    """The security context of a pod."""
    context = pod.child("securityContext")
    found = PodSecurity(whole(context.take("runAsUser")), whole(context.take("runAsGroup")))
    _report_user(context, found)
    for key in _LEFT:
        context.leave(key, _HARDER)
    note = "ECS gives no group to volumes"
    volumes = pod.data.get("volumes")
    has_volumes = isinstance(volumes, list) and any(
        isinstance(each, dict) and not {"configMap", "secret", "projected"} & set(each) for each in volumes
    )
    todo = "make sure that the user may write: on EFS by an access point, in an empty folder by VOLUME in the image"
    context.leave("fsGroup", note, todo if has_volumes and found.user != _ROOT else "")
    context.leave("fsGroupChangePolicy", note)
    context.leave("supplementalGroups", "a container has one group", "give the files to the group of `user`")
    context.leave("supplementalGroupsPolicy", "a container has one group")
    context.leave("sysctls", "Batch sets no kernel parameters", "set them on the queue's instances")
    context.leave("windowsOptions", "jobs run on Linux", "the job needs an image for Linux")
    context.leave("seLinuxChangePolicy", _HARDER)
    context.rest()
    return found


def of_container(container: Node, pod: PodSecurity, draft: Draft, settings: dict[str, Any]) -> None:
    """The security context of a container, before that of its pod."""
    context = container.child("securityContext")
    own = PodSecurity(whole(context.take("runAsUser")), whole(context.take("runAsGroup")))
    user = own.user if own.user is not None else pod.user
    group = own.group if own.group is not None else pod.group
    if user is not None:
        settings["user"] = str(user) if group is None else f"{user}:{group}"
    _report_user(context, PodSecurity(user, group))
    is_read_only = context.take("readOnlyRootFilesystem") is True
    settings["read_only_root_filesystem"] = is_read_only
    if "readOnlyRootFilesystem" in context:
        context.carry("readOnlyRootFilesystem", "read_only_root_filesystem")
    else:
        note = "read_only_root_filesystem: false, as in Kubernetes where nothing is said"
        container.recorder.changed(container.name("securityContext.readOnlyRootFilesystem"), "", note)
    _privileges(context, draft, settings)
    for key in _LEFT:
        context.leave(key, _HARDER)
    context.leave("windowsOptions", "jobs run on Linux", "the job needs an image for Linux")
    context.rest()


def _report_user(context: Node, found: PodSecurity) -> None:
    context.leave("runAsNonRoot", "nothing checks the image's user: name one in `user`")
    if found.user is None:
        todo = "write user, with the uid that the image has"
        context.leave("runAsUser", "is not a whole number")
        context.leave("runAsGroup", "a group needs a user here, and the source names none", todo)
        return
    context.carry("runAsUser", "user")
    context.carry("runAsGroup", "user")


def _privileges(context: Node, draft: Draft, settings: dict[str, Any]) -> None:
    if context.take("privileged") is not True:
        context.carry("privileged", "privileged, which is false by default")
    elif draft.options.is_fargate:
        context.leave("privileged", "Fargate has no privileged containers", "give the job a queue on EC2")
    else:
        settings["privileged"] = True
        context.carry("privileged", "privileged")
    capabilities = context.child("capabilities")
    added = listed(capabilities.take("add"))
    todo = "decide whether the job needs them; on EC2 `privileged` has all" if added else ""
    capabilities.leave("add", "Batch adds no capabilities", todo)
    capabilities.leave("drop", "Batch drops no capabilities: the container has Docker's default ones")
    capabilities.rest()
