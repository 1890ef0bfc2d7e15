"""Job files that are valid, of random fields: drawn from the tables, so that a new plain field is among them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from batchtab import limits
from batchtab.constructs._terraform.kinds import Kind, kind_of
from batchtab.declarations import trigger_fields
from batchtab.declarations.container_fields import Ulimit
from batchtab.declarations.image import ImageRef
from batchtab.declarations.job import JobSettings, JobSpec
from batchtab.declarations.table import Only, annotations_of, written
from batchtab.declarations.trigger_fields import SKIP_CROSS_FIELD_CHECKS

#: Not drawn: the stage decides (queue), or cdktf's provider does not know it.
LEFT_OUT = {"queue", "grace_seconds"}
_WORDS = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "a b",
    "x${y}",
    "50%{z}",
    'say "hi"',
    "tab\there",
    "ünï",
    "<&>",
    "1.10",
    "007",
)
_SCHEDULES = (
    *(
        "*/5 * * * *",
        "0 9 * * 1-5",
        "7/10 * * * *",
        "@hourly",
        "@daily",
        "@weekly",
        "30 2 1 * *",
        "0,30 8-18 * * MON-FRI",
    ),
    *(
        "rate(5 minutes)",
        "rate(1 day)",
        "rate(2 hours)",
        "cron(0 9 ? * MON#1 *)",
        "cron(0/15 * * * ? *)",
        "at(2031-12-01T09:00:00)",
    ),
    *("cron(0 8 1,15 * ? *)", "0 0 * * 0", "59 23 31 12 *", "* * * * *", "15 3 * * 6,7"),
)
_ACCOUNT = "123456789012"
_TEXTS: Mapping[str, tuple[Any, ...]] = {
    "schedule": _SCHEDULES,
    "timezone": ("Asia/Seoul", "UTC", "Europe/Berlin", "America/New_York"),
    "start": ("2026-12-01T00:00:00Z", "2027-01-01T09:00:00+09:00", "2027-03-01T05:30-03:30"),
    "end": ("2030-12-01T00:00:01Z", "2031-01-01T09:00:00+09:00", "2031-03-01T05:30-03:30"),
    "except": ("2026-12-25", ["2026-12-24/2027-01-02", "2027-05-01"], ["cron(0 0 1 * ? *)"]),
    "secrets": (
        "/team/token",
        "ssm:token",
        "secretsmanager:db-password",
        f"arn:aws:ssm:us-east-1:{_ACCOUNT}:parameter/x",
    ),
    "secret_options": ("/team/splunk", "secretsmanager:splunk"),
    "registry_credentials": (f"arn:aws:secretsmanager:us-east-1:{_ACCOUNT}:secret:registry-AbCdEf",),
    "repository": (
        "shop",
        "team/shop",
        "public.ecr.aws/docker/library/python",
        "localhost:5000/x",
        "docker-hub/library/redis",
    ),
    "digest": (f"sha256:{'0a' * 32}",),
    "tag": ("v1", "latest", "1.4.0"),
    "actions": ("s3:GetObject", "sqs:SendMessage", "dynamodb:*"),
    "resources": ("*", "arn:aws:s3:::bucket/*"),
    "managed_policy_arns": ("arn:aws:iam::aws:policy/ReadOnlyAccess", f"arn:aws:iam::{_ACCOUNT}:policy/own"),
    "job_role_arn": (f"arn:aws:iam::{_ACCOUNT}:role/job",),
    "execution_role_arn": (f"arn:aws:iam::{_ACCOUNT}:role/execution",),
    "user": ("1000:1000", "nobody", "1000"),
    "efs_file_system_id": ("fs-0123456789abcdef0",),
    "access_point_id": ("fsap-0123456789abcdef0",),
    "root_directory": ("/", "/data"),
    "host_path": ("/dev/fuse", "/mnt/x"),
    "container_path": ("/dev/fuse",),
    "path": ("/data", "/cache", "/x/y"),
    "platform_version": ("LATEST", "1.4.0"),
    "share": ("gold", "silver"),
    "channel": ("#jobs", "#shop-alerts"),
    "action": ("RETRY", "EXIT"),
    "mention": ("here", "channel", "U0123ABCD"),
    "on_exit_code": ("137", "1*"),
    "on_reason": ("CannotPullContainerError:*", "*"),
    "on_status_reason": ("Host EC2*",),
    "vcpus": (1, 2, 4, 0.25, 0.5),
    "memory_mib": (512, 1024, 2048, 4096, 8192),
    "timeout_seconds": (60, 600, 86_400),
    "usual_duration_seconds": (30, 60),
    "within_seconds": (60, 3600),
    "flexible_window_minutes": (1, 5, 15, 60, 1440),
    "late_after_seconds": (60, 600, 3600),
    "priority": (0, 5, 9999),
    "nodes": (2, 4),
    "description": ("What it is for.", "x ${y} %{z}"),
    "container": ({"linuxParameters": {"maxSwap": 0}}, {"linuxParameters": {"swappiness": 10}}),
    "multiline_pattern": ("^[0-9]{4}-",),
    "tags": ("team", "a b", "x=1"),
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "ulimits": ("nofile", "core"),
    "tmpfs": ("/scratch", "/run/x"),
    "volumes": ("files", "more"),
    "containers": ("log", "proxy"),
    "secret_options": ("splunk-token", "x"),
    "options": ("tag", "labels"),
    "tags": ("team", "cost:center", "Ünit"),
}
_VARIABLES = ("A", "B_C", "PORT", "LOG.LEVEL")


class Jobs:
    """Draws jobs and services.

    Args:
        seed: Of the random numbers.
        accepts: Whether a service with one job, as a file, has no fault in its stage.
    """

    def __init__(self, seed: int, accepts: Callable[[dict[str, Any]], bool]) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._accepts = accepts
        self.drawn: dict[str, int] = {}

    def service(self, name: str, wanted: Iterator[str]) -> dict[str, Any]:
        """A service of one to three jobs, each with one field of those that are wanted."""
        draw = self._random
        file: dict[str, Any] = {"service": name}
        if draw.random() < 0.7:
            file["image"] = {"repository": draw.choice(_TEXTS["repository"]), "tag": draw.choice(_TEXTS["tag"])}
        if draw.random() < 0.4:
            file["alerts"] = self._mapping("alerts")
        file["jobs"] = {}
        if draw.random() < 0.5:
            file["defaults"] = self._first(
                lambda: {**file, "defaults": self._fields(JobSettings, 3), "jobs": {"x": {"command": ["x"]}}}
            )["defaults"]
        names = draw.sample(["sync", "report", "mail-out", "x_1", "settle"], draw.randint(1, 3))
        for index, job in enumerate(names):
            field = next(wanted)
            before = names[:index]

            try:
                file = self._with(file, job, field, before)
            except LookupError:  # what defaults say does not go with it
                del file["defaults"]
                file = self._with(file, job, field, before)
            for each in file["jobs"][job]:
                self.drawn[each] = self.drawn.get(each, 0) + 1
        return file

    def _with(self, file: dict[str, Any], job: str, field: str, before: list[str]) -> dict[str, Any]:
        return self._first(lambda: {**file, "jobs": {**file["jobs"], job: self._job(field, before)}})

    def _first(self, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        for _ in range(150):
            made = make()
            if self._accepts(made):
                return made
        raise LookupError(f"no valid file: {made}")

    def _job(self, field: str, before: list[str]) -> dict[str, Any]:
        draw = self._random
        job = self._fields(JobSpec, draw.choice([0, 1, 2, 4]), first=field)
        job["command"] = [draw.choice(_WORDS) for _ in range(draw.randint(1, 3))]
        only = [each.kind for each in annotations_of(JobSpec.model_fields[field], Only)]
        job["queue"] = draw.choice(["default", "default", "far", "far", "fair"])
        if only or field == "architecture":
            job["queue"] = "default" if only == ["EC2"] else "far"
        if job["queue"] == "fair":
            job["share"] = draw.choice(_TEXTS["share"])
        elif field != "share":
            job.pop("share", None)
        if draw.random() < 0.6:
            job.setdefault("schedule", draw.choice(_SCHEDULES))
        job.pop("after", None)
        joins = job.pop("after_all", None) is not None or "within_seconds" in job
        if not before:
            job.pop("within_seconds", None)
        elif joins:
            job["after_all"] = before
            for name in ("schedule", *trigger_fields.ONLY_SCHEDULER):
                job.pop(name.rstrip("_"), None)
        if before and not joins and (field in ("after", "after_status") or draw.random() < 0.2):
            job["after"] = draw.choice([before[0], before])
        if job["queue"] == "far":
            job["vcpus"], job["memory_mib"] = draw.choice([(0.25, 512), (1, 2048), (2, 4096)])
        if "mounts" in job or "volumes" in job:
            volumes = job.setdefault("volumes", {"files": self._mapping("volumes")})
            job["mounts"] = [{"volume": name, "path": f"/{name}", "read_only": draw.random() < 0.5} for name in volumes]
        if "queue_limit" in job:
            job["concurrency_policy"] = "queue"
        if "exec" in job:
            job["read_only_root_filesystem"] = False
        if "main_depends_on" in job:
            job["containers"] = {"log": self._fields(_model("containers"), 2)}
            job["main_depends_on"] = {"log": "START"}
        for name, each in job.get("containers", {}).items():
            each["depends_on"] = {} if draw.random() < 0.5 or "main_depends_on" in job else {"main": "START"}
            each.pop("mounts", None)
            each["vcpus"], each["memory_mib"] = (1, 512) if job["queue"] != "far" else (None, None)
            job["containers"][name] = {key: value for key, value in each.items() if value is not None}
        return job

    def _fields(self, model: type[BaseModel], number: int, first: str = "") -> dict[str, Any]:
        fields = model.model_fields
        names = [name for name in fields if written(name, fields[name]) not in LEFT_OUT]
        if model is JobSettings:  # what goes with any queue
            names = [name for name in names if not annotations_of(fields[name], Only) and name != "architecture"]
        chosen = self._random.sample(names, min(number, len(names)))
        found = {}
        for name in [*([first] if first else []), *chosen]:
            field = model.model_fields[name]
            found[written(name, field)] = self._value(
                written(name, field), kind_of(field.annotation, tuple(field.metadata))
            )
        return found

    def _mapping(self, name: str) -> dict[str, Any]:
        model = _model(name)
        required = [key for key, field in model.model_fields.items() if field.is_required()]
        for _ in range(1000):
            found = self._fields(model, self._random.randint(0, 4))
            for key in required:
                of = model.model_fields[key]
                found.setdefault(key, self._value(key, kind_of(of.annotation, tuple(of.metadata))))
            try:
                model.model_validate(found, context=SKIP_CROSS_FIELD_CHECKS, by_alias=True, by_name=False)
            except ValidationError:
                continue
            return found
        raise AssertionError(f"no valid {name}")

    def _value(self, name: str, kind: Kind) -> Any:
        draw = self._random
        if name in _TEXTS and kind.type in (str, int, float):
            return draw.choice(_TEXTS[name])
        if name in ("except", "container"):
            return draw.choice(_TEXTS[name])
        if isinstance(kind.type, type) and issubclass(kind.type, BaseModel):
            if kind.type is ImageRef:
                last = draw.choice(["tag", "digest"])
                return {"repository": draw.choice(_TEXTS["repository"]), last: draw.choice(_TEXTS[last])}
            if kind.type is Ulimit:
                return draw.choice([1024, {"soft": 10, "hard": -1}])
            _MODELS[name] = kind.type
            return self._mapping(name)
        if get_origin(kind.type) in (tuple, list):
            item = kind_of(get_args(kind.type)[0], ())
            return [self._value(name, item) for _ in range(draw.randint(1, 2))]
        if get_origin(kind.type) is not None:
            _, value = (kind_of(each, ()) for each in get_args(kind.type))
            names = draw.sample(_NAMES.get(name, _VARIABLES), draw.randint(1, 2))
            return {key: self._value(name, value) for key in names}
        for limit in kind.limits:
            if isinstance(limit, limits.Choice):
                return draw.choice(limit.values)
            if isinstance(limit, limits.Range):
                most = limit.maximum if limit.maximum is not None else limit.minimum + 1000
                return draw.choice([limit.minimum, most, draw.randint(limit.minimum, most)])
        if kind.type is bool:
            return draw.random() < 0.5
        return draw.choice(_WORDS)


_MODELS: dict[str, type[BaseModel]] = {}


def _model(name: str) -> type[BaseModel]:
    if name not in _MODELS:
        kind = kind_of(JobSpec.model_fields[name].annotation, ())
        _MODELS[name] = kind.type if not get_args(kind.type) else kind_of(get_args(kind.type)[-1], ()).type
    return _MODELS[name]
