"""The settings of a container beside image, command and size, by the names of the job's fields, in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from batchtab.masking import mask
from batchtab.plan_review import masking

# The volume that every job with a read-only root has at /tmp; what is always so says nothing to a reviewer.
_OWN_VOLUME = "batchtab-tmp"
_OWN_LOG_OPTIONS = frozenset({"awslogs-group", "awslogs-stream-prefix", "awslogs-region"})
#: What other rows say.
_SAID_ELSEWHERE = frozenset(
    {"image", "command", "resourceRequirements", "vcpus", "memory", "environment", "secrets", "ephemeralStorage"}
    | {"readonlyRootFilesystem", "jobRoleArn", "executionRoleArn", "name", "essential"}
)


def settings(properties: Mapping[str, Any]) -> dict[str, str]:
    """Each setting that says something, in a fixed order; what has no words of its own is its JSON."""
    said: dict[str, str] = {}
    for key, words in _WORDS.items():
        for name, text in words(properties.get(key)).items():
            if text:
                said[name] = masking.text(text)
    gpus = next((item.get("value") for item in _items(properties.get("resourceRequirements")) if _is_gpu(item)), None)
    if gpus:
        said["GPUs"] = str(gpus)
    for key in sorted(properties.keys() - _WORDS.keys() - _SAID_ELSEWHERE):
        if properties[key]:
            said[key] = _json(properties[key])
    return said


def _is_gpu(item: Mapping[str, Any]) -> bool:
    return item.get("type") == "GPU"


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _json(value: Any) -> str:
    return masking.text(json.dumps(value, sort_keys=True, ensure_ascii=False))


def _volumes(value: Any) -> dict[str, str]:
    return {"volumes": "; ".join(_volume(item) for item in _items(value) if not _is_own(item.get("name")))}


def _is_own(name: Any) -> bool:
    return str(name) == _OWN_VOLUME or str(name).startswith(f"{_OWN_VOLUME}-")


def _volume(item: Mapping[str, Any]) -> str:
    name, efs = item.get("name", ""), item.get("efsVolumeConfiguration")
    host = (item.get("host") or {}).get("sourcePath")
    if isinstance(efs, Mapping):
        point = (efs.get("authorizationConfig") or {}).get("accessPointId")
        folder = efs.get("rootDirectory")
        where = f" by {point}" if point else f", folder {folder}" if folder else ""
        return f"{name}: EFS {efs.get('fileSystemId', '')}{where}"
    return f"{name}: {host} of the host" if host else f"{name}: empty"


def _mounts(value: Any) -> dict[str, str]:
    def words(item: Mapping[str, Any]) -> str:
        read_only = ", read-only" if item.get("readOnly") else ""
        return f"{item.get('sourceVolume', '')} at {item.get('containerPath', '')}{read_only}"

    return {"mounts": "; ".join(words(item) for item in _items(value) if not _is_own(item.get("sourceVolume")))}


def _linux(value: Any) -> dict[str, str]:
    given = dict(value) if isinstance(value, Mapping) else {}
    said = {
        "init process": "yes" if given.pop("initProcessEnabled", None) else "",
        "shared memory": _mib(given.pop("sharedMemorySize", None)),
        "tmpfs": "; ".join(
            f"{t.get('containerPath')} of {t.get('size')} MiB" for t in _items(given.pop("tmpfs", None))
        ),
        "devices": "; ".join(_device(item) for item in _items(given.pop("devices", None))),
    }
    rest = {key: item for key, item in given.items() if item not in (None, [], {})}
    return said | ({"linuxParameters": _json(rest)} if rest else {})


def _mib(value: Any) -> str:
    return f"{value} MiB" if value else ""


def _device(item: Mapping[str, Any]) -> str:
    host, inner = item.get("hostPath", ""), item.get("containerPath") or item.get("hostPath", "")
    allowed = f" ({', '.join(map(str, item['permissions']))})" if item.get("permissions") else ""
    return f"{host}{f' as {inner}' if inner != host else ''}{allowed}"


def _ulimits(value: Any) -> dict[str, str]:
    return {"ulimits": "; ".join(f"{u.get('name')} {u.get('softLimit')}/{u.get('hardLimit')}" for u in _items(value))}


def _log(value: Any) -> dict[str, str]:
    given = value if isinstance(value, Mapping) else {}
    driver, options = str(given.get("logDriver", "awslogs")), dict(given.get("options") or {})
    if driver == "awslogs":
        options = {key: text for key, text in options.items() if key not in _OWN_LOG_OPTIONS}
    if options.get("mode") == "blocking":
        del options["mode"]
    parts = [mask(f"{key}={text}") for key, text in sorted(options.items())]
    parts += [f"{item.get('name')} from a secret" for item in _items(given.get("secretOptions"))]
    return {"log": "" if driver == "awslogs" and not parts else f"{driver}{': ' if parts else ''}{', '.join(parts)}"}


def _dependency(item: Mapping[str, Any]) -> str:
    until = {"COMPLETE": "has ended", "SUCCESS": "has succeeded"}.get(str(item.get("condition")), "has started")
    return f"{item.get('containerName', '')} {until}"


def _platform(value: Any) -> dict[str, str]:
    given = value if isinstance(value, Mapping) else {}
    system = str(given.get("operatingSystemFamily", "LINUX"))
    architecture = str(given.get("cpuArchitecture", "X86_64")).lower()
    return {
        "architecture": architecture if architecture != "x86_64" else "",
        "operating system": system if system != "LINUX" else "",
    }


_WORDS: Mapping[str, Callable[[Any], dict[str, str]]] = {
    "runtimePlatform": _platform,
    "user": lambda value: {"user": str(value or "")},
    "privileged": lambda value: {"privileged": "yes, like root on the instance" if value else ""},
    "linuxParameters": _linux,
    "ulimits": _ulimits,
    "volumes": _volumes,
    "mountPoints": _mounts,
    "logConfiguration": _log,
    "repositoryCredentials": lambda value: {
        "registry credentials": str((value or {}).get("credentialsParameter", "")).rpartition(":")[2]
    },
    "dependsOn": lambda value: {"waits for": ", ".join(map(_dependency, _items(value)))},
    "stopTimeout": lambda value: {"grace period": f"{value} s" if value else ""},
    "enableExecuteCommand": lambda value: {"exec": "a shell may be opened in it" if value else ""},
    "fargatePlatformConfiguration": lambda value: {
        "platform version": str((value or {}).get("platformVersion", "")).replace("LATEST", "")
    },
    "networkConfiguration": lambda value: {
        "public address": "yes" if (value or {}).get("assignPublicIp") == "ENABLED" else ""
    },
}
