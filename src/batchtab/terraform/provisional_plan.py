"""Plans a stack before those that it reads from are deployed: stand-ins take the place of what they will tell.

A first deployment can be reviewed as a whole so, though Terraform itself cannot plan it at once. Such a plan is never
applied: when its turn comes the stack is planned anew.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from batchtab.terraform.session import Session

#: What Terraform says of a state that is not there, and of one without an output that is read.
MISSING = "Unable to find remote state"
LACKING = "Unsupported attribute"
_READ = re.compile(r"data\.terraform_remote_state\.(\w+)\.outputs\.(\w+)")
_LISTS = {"subnet_ids": ["subnet-00000000"], "security_group_ids": ["sg-00000000"]}


def make(folder: Path, session: Session, problem: str = MISSING) -> Path | None:
    """A copy of a stack's folder that reads stand-ins.

    Args:
        folder: The stack's folder.
        session: The stage.
        problem: What Terraform said. Of a state that is there, only the outputs that it lacks get stand-ins.

    Returns:
        The copy; None if stand-ins do not help, or if the stack reads from no other one.
    """
    if MISSING not in problem and LACKING not in problem:
        return None
    configuration = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    states = configuration.get("data", {}).get("terraform_remote_state", {})
    if not states:
        return None
    copy = session.state / "stand-ins" / folder.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("plan", ".terraform"))
    reads = set(_READ.findall(json.dumps(configuration)))
    for name in states:
        outputs = {output: _output(output, session) for state, output in sorted(reads) if state == name}
        if MISSING not in problem:
            states[name]["defaults"] = {output: made["value"] for output, made in outputs.items()}
            continue
        file = copy / f"{name}.stand-in.tfstate"
        file.write_text(
            json.dumps(
                {"version": 4, "terraform_version": "1.10.0", "serial": 1, "lineage": "stand-in", "outputs": outputs}
                | {"resources": []}
            )
        )
        states[name] = {"backend": "local", "config": {"path": file.name}}
    (copy / "cdk.tf.json").write_text(json.dumps(configuration))
    return copy


def _output(name: str, session: Session) -> dict[str, Any]:
    if name in _LISTS:
        return {"value": _LISTS[name], "type": ["list", "string"]}
    value = f"stand-in-{name}"
    if "arn" in name:  # the provider refuses what is not an ARN
        stage = session.catalog.stage
        value = f"arn:{stage.partition}:iam::{stage.account_id}:stand-in/{name}"
    return {"value": value, "type": "string"}
