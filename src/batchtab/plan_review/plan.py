"""One stack's plan, as `terraform show -json` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError
from batchtab.plan_review.left_out import LeftOut
from batchtab.plan_review.resource import Resource

NAMESPACE_TAG = "batchtab:namespace"
STACK_TAG = "batchtab:stack"
#: What Terraform does not say: its plans have neither locals nor files.
CONFIGURATION_MARK = "batchtab_configuration"


@dataclass(frozen=True)
class Plan:
    """A stack's plan.

    Attributes:
        stack: From the stack's tags; the file's name where it has none.
        namespace: `<namespace>-<stage>`, with which all physical names begin; may be empty.
        outputs: The outputs that change, with what is done to each.
        provisional: Whether it was planned before the stacks that it reads from were deployed.
        as_applied: Whether its files and inputs are those applied last, and so what it changes was changed in AWS; None
            if that is not known.
        found_states: By address, the `state` of what was enabled or disabled outside Terraform.
        configuration: A hash of what was synthesized, files and all, the runner image by its name; empty if unknown.
        content: All that Terraform said; it contains sensitive values.
    """

    stack: str
    namespace: str
    region: str
    account_id: str
    resources: tuple[Resource, ...]
    outputs: dict[str, str]
    provisional: bool
    as_applied: bool | None
    found_states: dict[str, str]
    configuration: str
    content: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Reads a file.

        Raises:
            UsageError: it is not there or not a plan.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}", "batchtab plan --out DIR writes such files") from None
        except ValueError:
            raise UsageError(f"{path}: is not JSON", "terraform show -json PLAN") from None
        if not isinstance(content, dict) or "planned_values" not in content:
            raise UsageError(f"{path}: is not a plan", "terraform show -json PLAN")
        if not str(content.get("format_version", "")).startswith("1."):
            raise UsageError(f"{path}: is not a plan that terraform show -json wrote (format_version 1)")
        if content.get("errored"):
            raise UsageError(f"{path}: Terraform could not finish this plan")
        return cls.read(content, path.name.removesuffix(".json"))

    @classmethod
    def read(cls, content: dict[str, Any], name: str) -> Plan:
        """What `terraform show -json` printed."""
        provider = content.get("configuration", {}).get("provider_config", {}).get("aws", {}).get("expressions", {})
        tags = _constant((provider.get("default_tags") or [{}])[0].get("tags")) or {}
        known = dict(_expressions(content.get("configuration", {}).get("root_module", {}), ""))
        resources = tuple(
            Resource.read(entry, known.get(_without_keys(entry["address"]), {}))
            for entry in content.get("resource_changes", [])
            if entry.get("mode") == "managed"
        )
        outputs = {
            key: "/".join(change["actions"])
            for key, change in (content.get("output_changes") or {}).items()
            if change["actions"] != ["no-op"]
        }
        return cls(
            stack=tags.get(STACK_TAG, name),
            namespace=tags.get(NAMESPACE_TAG, ""),
            region=_constant(provider.get("region")) or "",
            account_id=(_constant(provider.get("allowed_account_ids")) or [""])[0],
            resources=resources,
            outputs=outputs,
            provisional=bool(content.get("batchtab_provisional")),
            as_applied=content.get("batchtab_as_applied"),
            found_states=dict(_states(content.get("resource_drift") or [])),
            configuration=content.get(CONFIGURATION_MARK, ""),
            content=content,
        )

    @property
    def has_changes(self) -> bool:
        """Whether an apply would do anything."""
        return bool(self.outputs) or any(resource.is_change for resource in self.resources)

    def short(self, name: str) -> str:
        """A physical name without what all names begin with."""
        return name.removeprefix(f"{self.namespace}-") if self.namespace else name


def find(paths: list[Path]) -> list[Path]:
    """The plan files among files and folders; in a folder, those that are plans by name (`*.plan.json`).

    Raises:
        UsageError: a folder has none, and no stack was left out of it.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.plan.json"))
            if not inside and LeftOut.load(path) is None:
                raise UsageError(f"{path}: no *.plan.json is in this folder", f"batchtab plan --out {path}")
            found += inside
        else:
            found.append(path)
    return found


def _states(drift: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """What Terraform found in another state than it had left it in."""
    for entry in drift:
        before, after = entry["change"].get("before") or {}, entry["change"].get("after") or {}
        if before.get("state") != after.get("state") and isinstance(after.get("state"), str):
            yield entry["address"], after["state"]


def _constant(expression: Any) -> Any:
    return expression.get("constant_value") if isinstance(expression, dict) else None


def _expressions(module: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in module.get("resources", []):
        yield prefix + resource["address"], resource.get("expressions", {})
    for name, call in module.get("module_calls", {}).items():
        yield from _expressions(call.get("module", {}), f"{prefix}module.{name}.")


def _without_keys(address: str) -> str:
    """An instance's address as the configuration has it: without the keys of count and for_each."""
    out, depth, quoted = [], 0, False
    for character in address:
        if character == '"' and depth:
            quoted = not quoted
        elif character == "[" and not quoted:
            depth += 1
            continue
        elif character == "]" and not quoted:
            depth -= 1
            continue
        if not depth:
            out.append(character)
    return "".join(out)
