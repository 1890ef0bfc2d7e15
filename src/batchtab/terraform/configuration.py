"""What a synthesized stack says, and what it reads from other stacks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_FILE = "cdk.tf.json"
_CODE = re.compile(r"(?<!\$)(?:\$\$)*\$\{([^}]*)")  # what Terraform evaluates; `$${` is text
_READ = re.compile(r"\bdata\.terraform_remote_state\.(\w+)\.outputs\.([\w-]+)")
_COMMENT = "//"
#: What Terraform and we put into a stack's folder.
MADE_HERE = ("plan", "plan.json", ".terraform", ".terraform.lock.hcl")


@dataclass(frozen=True)
class Configuration:
    """One stack in `cdktf.out`.

    Attributes:
        folder: The stack's folder; its name is the stack's.
    """

    folder: Path

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.folder.name

    @cached_property
    def content(self) -> dict[str, Any]:
        """The stack's JSON. Do not change it."""
        found: dict[str, Any] = json.loads((self.folder / _FILE).read_text(encoding="utf-8"))
        return found

    @cached_property
    def reads(self) -> dict[str, frozenset[str]]:
        """The outputs that it reads, by their stack."""
        labels = {label: _stack(label, state) for label, state in self.remote_states.items()}
        found: dict[str, set[str]] = {stack: set() for stack in labels.values()}
        for code in _CODE.findall(json.dumps(self.content)):
            for label, output in _READ.findall(code):
                if label in labels:
                    found[labels[label]].add(output)
        return {stack: frozenset(outputs) for stack, outputs in found.items()}

    @property
    def remote_states(self) -> dict[str, dict[str, Any]]:
        """Its data sources of other stacks' states, by label."""
        found: dict[str, dict[str, Any]] = self.content.get("data", {}).get("terraform_remote_state", {})
        return found

    def label(self, stack: str) -> str:
        """What the data source of another stack's state is called."""
        return next(label for label, state in self.remote_states.items() if _stack(label, state) == stack)

    def hash(self, outputs: Mapping[str, Mapping[str, Any]]) -> str:
        """A hash of all that decides what an apply does: its JSON, its files, and the values that it reads.

        What the framework says of itself in comments does not count.

        Args:
            outputs: Values of other stacks' outputs, by stack and output.
        """
        read = {
            stack: {name: outputs.get(stack, {}).get(name) for name in sorted(names)}
            for stack, names in self.reads.items()
        }
        return _hash({**self._written, "read": read})

    def hash_of_written(self, replaced: Mapping[str, str]) -> str:
        """A hash of what was synthesized alone: its JSON and its files, and nothing that it reads from other stacks.

        Args:
            replaced: Texts that do not count, such as the digest of an image yet to be built, and what counts instead.
        """
        text = json.dumps(self._written, sort_keys=True)
        for old, new in replaced.items():
            text = text.replace(old, new)
        return _hash(text)

    @property
    def _written(self) -> dict[str, Any]:
        files = {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.glob("assets/**/*"))
            if path.is_file()
        }
        return {"configuration": _without_comments(self.content), "files": files}


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _stack(label: str, state: Mapping[str, Any]) -> str:
    key = state.get("config", {}).get("key")
    return Path(key).stem if key else label


def _without_comments(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_comments(item) for key, item in value.items() if key != _COMMENT}
    return [_without_comments(item) for item in value] if isinstance(value, list) else value
