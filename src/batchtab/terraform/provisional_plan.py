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

#: What Terraform says of a state that is not there.
MISSING = "Unable to find remote state"
_READ = re.compile(r"data\.terraform_remote_state\.(\w+)\.outputs\.(\w+)")
_LISTS = {"subnet_ids": ["subnet-00000000"], "security_group_ids": ["sg-00000000"]}


def make(folder: Path, session: Session) -> Path | None:
    """A copy of a stack's folder that reads stand-ins; None if it reads from no other stack."""
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
