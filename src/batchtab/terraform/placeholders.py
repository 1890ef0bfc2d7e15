"""Plans a stack whose inputs are not deployed yet: another state takes the place of the one that it reads.

That one has what is deployed, what another stack's plan says that it will be, and placeholders for what is not known
yet. So a first deployment can be reviewed as a whole, though Terraform itself cannot plan it at once. A plan with
placeholders is never applied: when its turn comes the stack is planned again.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchtab.terraform.configuration import MADE_HERE, Configuration
from batchtab.terraform.session import Session

_LISTS = {"subnet_ids": ["subnet-00000000"], "security_group_ids": ["sg-00000000"]}
Outputs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Inputs:
    """What stacks read from each other.

    Attributes:
        deployed: Outputs by stack; a stack that is not deployed is missing.
        planned: Outputs by stack that a plan changes to a value that is known before the apply.
    """

    deployed: Mapping[str, Outputs]
    planned: Mapping[str, Outputs]

    def values(self) -> dict[str, dict[str, Any]]:
        """The values that are known, by stack and output."""
        return {
            stack: {name: output.get("value") for name, output in self.outputs(stack).items()}
            for stack in self.deployed.keys() | self.planned.keys()
        }

    def outputs(self, stack: str) -> dict[str, Mapping[str, Any]]:
        """A stack's outputs as far as they are known."""
        return {**self.deployed.get(stack, {}), **self.planned.get(stack, {})}

    def missing(self, configuration: Configuration) -> set[tuple[str, str]]:
        """The outputs, each with its stack, that a stack reads and that are not known yet."""
        return {
            (stack, name)
            for stack, names in configuration.reads.items()
            for name in names
            if name not in self.outputs(stack)
        }

    def awaited(self, configuration: Configuration) -> bool:
        """Whether a stack reads an output that will have another value than it has now."""
        return any(
            name in self.planned.get(stack, {}) for stack, names in configuration.reads.items() for name in names
        )


def folder_with(configuration: Configuration, inputs: Inputs, session: Session) -> Path:
    """The folder to plan a stack in: its own where all that it reads is deployed, else a copy that reads other values.

    Args:
        configuration: The stack.
        inputs: What is known of the others.
        session: The stage.
    """
    missing = inputs.missing(configuration)
    if not missing and not inputs.awaited(configuration):
        return configuration.folder
    made = session.state / "placeholders" / configuration.stack
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(configuration.folder, made, ignore=shutil.ignore_patterns(*MADE_HERE))
    content = copy.deepcopy(configuration.content)
    for stack, names in configuration.reads.items():
        known = inputs.outputs(stack)
        outputs = {name: known.get(name) or _placeholder(name, session) for name in sorted(names)}
        file = made / f"{stack}.placeholder.tfstate"
        state = {"version": 4, "terraform_version": "1.10.0", "serial": 1, "lineage": "placeholder", "resources": []}
        file.touch(mode=0o600)
        file.write_text(json.dumps({**state, "outputs": outputs}))
        content["data"]["terraform_remote_state"][configuration.label(stack)] = {
            "backend": "local",
            "config": {"path": file.name},
        }
    (made / "cdk.tf.json").write_text(json.dumps(content))
    return made


def _placeholder(name: str, session: Session) -> dict[str, Any]:
    if name in _LISTS:
        return {"value": _LISTS[name], "type": ["list", "string"]}
    value = f"placeholder-{name}"
    if "arn" in name:  # the provider refuses what is not an ARN, and preconditions what is of another region
        stage = session.catalog.stage
        value = f"arn:{stage.partition}:batch:{stage.region}:{stage.account_id}:placeholder/{name}"
    return {"value": value, "type": "string"}
