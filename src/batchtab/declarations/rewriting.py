"""Text in another system's form, as it is written here: the converters of `other_words`.

A converter takes the field and the value, and returns the whole hint; empty where the value says too little, or may
be a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from batchtab import limits
from batchtab.declarations import amounts

Converter = Callable[[str, Any], str]
_MIB_MAX = 2**25  # no machine has 32 TiB: a larger number was one of bytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/-]*")
LEAVE_OUT = "leave it out"
LONGEST = 200  # of what is written out in a line
# Other systems' values of the fields that have few: letters alone, to ours.
_CHOICES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("skip", "deny", "exclusive", "singleton", "never", "drop"), ("forbid",)),
    **dict.fromkeys(("cancel", "cancelinprogress", "kill", "restart", "terminate"), ("replace",)),
    **dict.fromkeys(("wait", "serial", "sequential", "enqueue", "buffer"), ("queue",)),
    **dict.fromkeys(("parallel", "concurrent"), ("allow",)),
    **dict.fromkeys(("success", "successful", "allsuccess", "onsuccess", "complete", "completed"), ("succeeded",)),
    **dict.fromkeys(("failure", "fail", "allfailed", "onefailed", "onfailure", "error"), ("failed",)),
    **dict.fromkeys(("always", "all", "alldone", "finished", "done", "ended"), ("any",)),
    **dict.fromkeys(("event", "events", "eventbridge", "eventbridgerule", "cloudwatch"), ("rule",)),
    **dict.fromkeys(("scheduler", "eventbridgescheduler", "scheduled"), ("schedule",)),
    **dict.fromkeys(("ondemand", "managed"), ("EC2",)),
    **dict.fromkeys(("stop", "abort"), ("EXIT",)),
    **dict.fromkeys(("restartjob", "again"), ("RETRY",)),
    **dict.fromkeys(("amd", "x", "intel"), ("x86_64",)),
    **dict.fromkeys(("aarch", "arm", "graviton"), ("arm64",)),
}


def text_of(value: object) -> str:
    """A value as it is written in YAML, in one line."""
    dumped: str = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False, allow_unicode=True)
    return dumped.strip().removesuffix("...").strip()


def write(field: str, value: object) -> str:
    """`write timeout_seconds: 1800`; for a number out of its range, the range; empty for what is too long."""
    limit = getattr(limits, field.upper(), None)
    if isinstance(limit, limits.Range) and isinstance(value, int | float) and limit.refusal(value):
        return f"it is {field} here: {limit.describe()}"
    text = text_of(value)
    return f"write {field}: {text}" if len(text) <= LONGEST else ""


def writes(values: Mapping[str, object]) -> str:
    """The same for several fields; empty if there is none."""
    return f"write {', '.join(f'{field}: {text_of(value)}' for field, value in values.items())}" if values else ""


def same(field: str, value: Any) -> str:
    """A number, a truth or a name, as it is."""
    plain = isinstance(value, int | float) or (isinstance(value, str) and _NAME.fullmatch(value))
    return write(field, value) if plain else ""


def renamed(field: str, value: Any) -> str:
    """The value of a field whose name was only spelled another way, such as `concurrencyPolicy: Forbid`."""
    limit = getattr(limits, field.upper(), None)
    if isinstance(limit, limits.Choice):
        return one_of(limit)(field, value)
    if isinstance(limits.JOB_DEFAULTS.get(field), bool):
        return truth(field, value)
    return amount(field, value) or ("" if "secret" in field else same(field, value))


def always(text: str) -> Converter:
    """A hint that does not depend on the value."""
    return lambda _field, _value: text


def amount(field: str, value: Any) -> str:
    """A number with or without a unit, or a mapping around one, as Batch and Scheduler have it."""
    if isinstance(value, Mapping) and len(value) == 1:
        (value,) = value.values()
    number = number_of(field, value)
    return "" if number is None else write(field, number)


def count(field: str, value: Any) -> str:
    """A number, or a mapping around one: `array_properties: {size: 5}`."""
    return same(field, next(iter(value.values())) if isinstance(value, Mapping) and len(value) == 1 else value)


def one_of(limit: limits.Choice) -> Converter:
    """A converter of another system's word for one of a few values."""

    def convert(field: str, value: Any) -> str:
        meant = choice(str(value), limit.values)
        return write(field, meant) if meant else ""

    return convert


def number_of(field: str, value: object) -> int | None:
    """The number that a field with a unit takes; None if the value is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    number = amounts.in_unit_of(field, str(value))
    if number is not None and field.endswith("_mib") and number > _MIB_MAX:
        number //= 2**20
    return number


def vcpus(field: str, value: Any) -> str:
    """CPUs of Kubernetes, Compose or ECS."""
    number = amounts.vcpus(value)
    return "" if number is None else write(field, int(number) if number.is_integer() else number)


def one_more(field: str, value: Any) -> str:
    """Retries, which do not count the first start: `retries: 3` is `attempts: 4`."""
    if isinstance(value, Mapping):
        value = {key.lower(): number for key, number in value.items()}
        if isinstance(value.get("attempts"), int):
            return write(field, value["attempts"])  # Batch's own
        value = value.get("max", value.get("limit"))
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return "attempts are all starts: 1 more than retries"
    return write(field, value + 1)


def restart(field: str, value: Any) -> str:
    """Kubernetes' and Compose's restart policies: `Never`, `on-failure:3`."""
    policy, _, number = str(value).lower().replace("_", "-").partition(":")
    if policy in {"never", "no", "false", "none"}:
        return write(field, 1)
    return write(field, int(number) + 1) if number.isdigit() else "attempts is how often it starts in all"


def opposite(field: str, value: Any) -> str:
    """`enabled: false` is `suspend: true`."""
    if isinstance(value, str):
        value = {"false": False, "disabled": False, "true": True, "enabled": True}.get(value.lower())
    return write(field, True) if value is False else LEAVE_OUT if value is True else ""


def truth(field: str, value: Any) -> str:
    """`ENABLED` is `true`."""
    if isinstance(value, str):
        known = {"enabled": True, "true": True, "yes": True, "disabled": False, "false": False, "no": False}
        value = known.get(value.lower())
    return write(field, value) if isinstance(value, bool) else ""


def names(field: str, value: Any) -> str:
    """Names of jobs: one, a list, Compose's mapping by name, or GitLab's mappings with `job`."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, Mapping):
        value = list(value)
    if isinstance(value, list):
        value = [item.get("job") if isinstance(item, Mapping) else item for item in value]
        if value and all(isinstance(item, str) and _NAME.fullmatch(item) for item in value):
            return write(field, value)
    return ""


def variables(field: str, value: Any) -> str:
    """Environment variables, whose values are not repeated: there may be secrets among them."""
    return "" if isinstance(value, Mapping) else f"write {field}: {{NAME: value}}"


def image(field: str, value: Any) -> str:
    """`repo:tag` or `repo@sha256:…` as the mapping that a job has, which names the registry's host too."""
    if not isinstance(value, str) or not (address := value.strip()) or re.search(r"[\s$]", address):
        return ""
    repository, at, digest = address.partition("@")
    head, colon, tag = repository.rpartition(":")
    has_tag = bool(colon) and "/" not in tag
    parts = {"repository": head if has_tag else repository}
    parts |= {"digest": digest} if at else {"tag": tag if has_tag else "latest"}
    host, slash, _ = parts["repository"].partition("/")
    in_ecr = not (slash and ("." in host or ":" in host))
    limit = limits.REPOSITORY_NAME if in_ecr else limits.REGISTRY_REPOSITORY
    return write(field, parts) if not limit.refusal(parts["repository"]) else ""


def repository(field: str, value: Any) -> str:  # noqa: ARG001 - a tag in it has a field of its own
    """`name: repo:tag` within an image."""
    whole = image("", value)
    return f"write {whole.removeprefix('write : {').removesuffix('}')}" if whole else ""


def channel(field: str, value: Any) -> str:
    """A Slack channel by itself; an address is a secret, and is not repeated."""
    return write(field, {"channel": value}) if isinstance(value, str) and re.fullmatch(r"#[^\s]{1,79}", value) else ""


def channel_name(field: str, value: Any) -> str:
    """A Slack channel."""
    return write(field, value) if channel("", value) else ""


def overlap(field: str, value: Any) -> str:
    """Whether runs may be at once: a policy's name, a number, a truth, or GitHub's mapping."""
    if isinstance(value, Mapping):
        in_progress = next((given for key, given in value.items() if "cancel" in key), False)
        return write(field, "replace" if in_progress is True else "queue")
    if isinstance(value, bool) or value == 1:
        return write(field, "allow" if value is True else "forbid")
    meant = choice(str(value), limits.CONCURRENCY_POLICY.values)
    return write(field, meant) if meant else ""


def dont_overlap(field: str, value: Any) -> str:
    """`skip_if_running: true` is `forbid`."""
    return overlap(field, not value) if isinstance(value, bool) else ""


def architecture(field: str, value: Any) -> str:
    """`linux/arm64`, `ARM64` or ECS's runtime platform."""
    text = str(value).lower()
    found = "arm64" if "arm" in text or "aarch64" in text else "x86_64" if re.search("x86|amd64|x64", text) else ""
    return write(field, found) if found else ""


def resources(field: str, value: Any) -> str:  # noqa: ARG001 - it is more than one field
    """Kubernetes' requests and limits, Compose's `deploy`, Batch's resource requirements."""
    given: dict[str, Any] = {}
    if isinstance(value, Sequence) and not isinstance(value, str):
        pairs = [item for item in value if isinstance(item, Mapping)]
        value = {str(item.get("type")).lower(): item.get("value") for item in pairs}
    while isinstance(value, Mapping) and (
        inner := value.get("limits") or value.get("requests") or value.get("resources")
    ):
        value = inner
    if not isinstance(value, Mapping):
        return ""
    for key, part in value.items():
        if key in {"cpu", "cpus", "vcpu"} and (number := amounts.vcpus(part)):
            given["vcpus"] = int(number) if number.is_integer() else number
        if key == "memory" and (mib := number_of("memory_mib", part)):
            given["memory_mib"] = mib
        if "gpu" in key and str(part).isdigit():
            given["gpus"] = int(part)
    return writes(given)


def choice(value: str, known: Sequence[str | int]) -> str:
    """The one of a field's few values that another system's word means; empty if none does."""
    plain = re.sub(r"[^a-z]", "", value.lower())
    same_letters = [str(one) for one in known if re.sub(r"[^a-z]", "", str(one).lower()) == plain]
    return next((one for one in [*same_letters, *_CHOICES.get(plain, ())] if one in known), "")
