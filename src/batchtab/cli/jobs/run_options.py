"""What `batchtab run` is given in place of a job's definition: checked, and counted before it is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchtab import job_overrides, limits
from batchtab.declarations.catalog import Catalog, size_faults
from batchtab.declarations.diagnostics import show
from batchtab.declarations.job_fields import vcpus_refusal
from batchtab.declarations.named_jobs import NamedJob
from batchtab.declarations.sizes import REFERENCE
from batchtab.errors import UsageError, did_you_mean, listed, printable
from batchtab.masking import MASK, mask, mask_arguments
from batchtab.masking.words import is_secret

_ELSEWHERE = "keep what is large in S3 or in a parameter that the job reads"
_REASON_CHARACTERS = 200
_RUNNER_POLICY = limits.RUNNER_VARIABLES["concurrency_policy"]
_OWN = (
    *limits.RUN_VARIABLES.values(),
    limits.UPSTREAM_JOB_ID_VARIABLE,
    limits.REASON_VARIABLE,
    limits.RUN_MODE_VARIABLE,
)


@dataclass(frozen=True)
class RunOptions:
    """The options of one command line, as they were typed; None and empty for those that were not."""

    command: Sequence[str] = ()
    env: Sequence[str] = ()
    env_file: Path | None = None
    params: Sequence[str] = ()
    vcpus: float | None = None
    memory_mib: int | None = None
    timeout_seconds: int | None = None
    array_size: int | None = None
    reason: str = ""

    def overrides(self, catalog: Catalog, job: NamedJob, *, ignores_policy: bool = False) -> dict[str, Any]:
        """What SubmitJob takes: see `batchtab.job_overrides`.

        Args:
            catalog: The stage.
            job: Whose run.
            ignores_policy: Whether the runner, too, is not to look for another run.

        Raises:
            UsageError: an option's value is not allowed, or all of them are too long.
        """
        self._refuse_sizes(catalog, job)
        variables = {**_file(self.env_file), **_pairs("--env", self.env)}
        _refuse_names(variables)
        if self.reason:
            if len(self.reason) > _REASON_CHARACTERS:
                raise UsageError(f"run: --reason has {len(self.reason)} characters: at most {_REASON_CHARACTERS}")
            variables[limits.REASON_VARIABLE] = mask(printable(self.reason))
        if ignores_policy and job.spec.concurrency_policy == "forbid":
            variables[_RUNNER_POLICY] = "allow"
        resources = [
            {"type": kind, "value": f"{value:g}" if kind == "VCPU" else str(value)}
            for kind, value in (("VCPU", self.vcpus), ("MEMORY", self.memory_mib))
            if value is not None
        ]
        made = {
            "command": [*self.command],
            "environment": [{"name": name, "value": variables[name]} for name in sorted(variables)],
            "resourceRequirements": resources,
            "parameters": self._parameters(job),
            "timeout": {"attemptDurationSeconds": self.timeout_seconds} if self.timeout_seconds else {},
            "arrayProperties": {"size": self.array_size} if self.array_size else {},
        }
        return {name: value for name, value in made.items() if value}

    def _parameters(self, job: NamedJob) -> dict[str, str]:
        found = _pairs("--param", self.params)
        known = {*job.spec.parameters, *(name for word in self.command for name in REFERENCE.findall(word))}
        for name in found:
            if name not in known:
                hint = did_you_mean(name, known) or "its command has Ref::NAME for each"
                raise UsageError(f"run: --param {show(name)} is not a parameter of {job.full}: {listed(known)}", hint)
        return found

    def _refuse_sizes(self, catalog: Catalog, job: NamedJob) -> None:
        changed = {
            "vcpus": ("--vcpus", self.vcpus, vcpus_refusal),
            "memory_mib": ("--memory", self.memory_mib, limits.MEMORY_MIB.refusal),
            "timeout_seconds": ("--timeout", self.timeout_seconds, limits.TIMEOUT_SECONDS.refusal),
            "array_size": ("--array-size", self.array_size, limits.ARRAY_SIZE.refusal),
        }
        given = {field: value for field, (_, value, _) in changed.items() if value is not None}
        if not given:
            return
        for option, value, refusal_of in changed.values():
            if value is not None and (refusal := refusal_of(value)):
                raise UsageError(f"run: {option} {value:g} {refusal}")
        if self.array_size and job.spec.nodes is not None:
            raise UsageError(f"run: --array-size is not for {job.full}, which runs on several nodes", "leave it out")
        spec = job.spec.model_copy(update=given)
        # The job in its file has no fault: each is of what is given here.
        for field, wrong, message, hint in size_faults(catalog.stage, spec, f"stage {catalog.stage.name}"):
            option = changed[field][0] if field in changed else field
            shown = "" if wrong is None else f" {show(wrong)}"
            raise UsageError(f"run: {option}{shown} {message}", hint)


def refuse_long(job: NamedJob, overrides: Mapping[str, Any], submitted: Mapping[str, Any], *, may_wait: bool) -> None:
    """Refuses overrides that ECS or the table of runs does not take, with the longest of them.

    Args:
        job: Whose run.
        overrides: What is given.
        submitted: SubmitJob's arguments, with the run's own variables.
        may_wait: Whether the run is kept with others while it waits.

    Raises:
        UsageError: they are too long.
    """
    length = job_overrides.size({"containerOverrides": [_as_ecs_takes_it(job, overrides, submitted)]})
    if length > limits.OVERRIDES_CHARACTERS:
        most, why, hint = limits.OVERRIDES_CHARACTERS, "", _ELSEWHERE
    elif may_wait and (length := job_overrides.size(overrides)) > job_overrides.WAITING_BYTES:
        most, hint = job_overrides.WAITING_BYTES, f"--ignore-policy, or {_ELSEWHERE}"
        why = f", since concurrency_policy is {job.spec.concurrency_policy} and the run may wait"
    else:
        return
    largest, of_largest = max(_parts(overrides), key=lambda part: part[1], default=("the command", 0))
    text = f"run: the overrides have {length:,} bytes as JSON: at most {most:,}{why}"
    raise UsageError(f"{text}; the largest is {largest} with {of_largest:,}", hint)


def masked(value: Any) -> Any:
    """A copy of SubmitJob's arguments, or of an event with them, without what looks like a secret."""
    if isinstance(value, Mapping):
        if set(value) == {"name", "value"}:
            return {**value, "value": _masked(str(value["name"]), str(value["value"]))}
        variables = {each["name"]: each["value"] for each in value.get("environment") or ()}
        return {
            key: mask_arguments(each, variables)
            if key == "command"
            else {name: _masked(name, text) for name, text in each.items()}
            if key == "parameters"
            else masked(each)
            for key, each in value.items()
        }
    return [masked(each) for each in value] if isinstance(value, list) else value


def _masked(name: str, value: str) -> str:
    return MASK if is_secret(name) else mask(value)


def _as_ecs_takes_it(job: NamedJob, overrides: Mapping[str, Any], submitted: Mapping[str, Any]) -> dict[str, Any]:
    one = (submitted.get("nodeOverrides") or {}).get("nodePropertyOverrides", [submitted])[0]
    if task := one.get("ecsPropertiesOverride"):
        found = dict(task["taskProperties"][0]["containers"][0])
    else:
        found = {"name": "default", **one["containerOverrides"]}
    values = {**job.spec.parameters, **(overrides.get("parameters") or {})}
    words = found.get("command") or [*job.spec.command]
    command = [REFERENCE.sub(lambda match: values.get(match[1], match[0]), word) for word in words]
    if command != [*job.spec.command]:
        found["command"] = command  # Batch hands on as an override what it has changed
    return found


def _parts(overrides: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for each in overrides.get("environment") or ():
        yield f"variable {each['name']}", job_overrides.size(each)
    for name, value in (overrides.get("parameters") or {}).items():
        yield f"parameter {name}", job_overrides.size(value)
    if overrides.get("command"):
        yield "the command", job_overrides.size(overrides["command"])


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError(f"run: {option} {show(text)} is not NAME=VALUE")
        found[name] = value
    return found


def _file(path: Path | None) -> dict[str, str]:
    """The variables of a file: a line `NAME=VALUE` for each, taken as it is; `#` begins a comment."""
    if path is None:
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"run: --env-file {path} cannot be read: {reason}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator:
            raise UsageError(f"run: line {number} of --env-file {path} is not NAME=VALUE")
        found[name.strip()] = value
    return found


def _refuse_names(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        refusal = limits.ENVIRONMENT_NAME.refusal(name) or limits.RESERVED_VARIABLE.refusal(name)
        if refusal:
            raise UsageError(f"run: the variable {show(name)} {refusal}")
        if name in _OWN:
            raise UsageError(f"run: the variable {name} is set by Batchtab", "--at TIME, --reason TEXT")
        if refusal := limits.EMPTY_VARIABLE.refusal(value):
            raise UsageError(f"run: the variable {name} {refusal}")
