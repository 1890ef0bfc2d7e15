"""`batchtab ci roles --audit`: what the roles of a stage were granted and never used, and used and were denied."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.aws.role_policies import RolePolicies
from batchtab.cli.connection import connect
from batchtab.cli.machine.daemon import Daemon
from batchtab.errors import UsageError
from batchtab.local_aws.iam.evaluation import role_of
from batchtab.terraform.session import Session


def audit(session: Session) -> list[str]:
    """Returns the lines to print: of each role the actions, by what local AWS has recorded since it started.

    Raises:
        UsageError: the stage is not on local AWS, or local AWS does not run.
    """
    stage = session.catalog.stage
    if not stage.is_local:
        raise UsageError(
            f"stage {stage.name} is on AWS, and only local AWS records what roles use",
            "name a local stage with --stage, for example --stage local",
        )
    aws = connect(session)
    recorded = Daemon(session).get("iam")
    if not isinstance(recorded, dict):
        raise UsageError(f"no local AWS answers on port {session.port}", f"batchtab up --stage {stage.name}")
    allowed = RolePolicies(aws, stage.prefix).allowed()
    if not allowed:
        return [f"Stage {stage.name} has no roles."]
    return [line for role in sorted(allowed) for line in _of_role(role, allowed[role], recorded)]


def _of_role(role: str, allowed: list[str], recorded: Mapping[str, Any]) -> Iterator[str]:
    used = {action.lower() for action in recorded["used"].get(role, {})}
    unused = [pattern for pattern in allowed if not any(fnmatch.fnmatchcase(each, pattern.lower()) for each in used)]
    denied = Counter(
        f"{each['action']} on {each['resource']}" for each in recorded["denied"] if role_of(each["principal"]) == role
    )
    yield role.rpartition("/")[2]
    yield f"  used: {len(allowed) - len(unused)} of {len(allowed)} granted actions"
    if unused:
        yield f"  granted, not used: {', '.join(unused)}"
    for what, times in sorted(denied.items()):
        yield f"  used, denied: {what}{f' ({times} times)' if times > 1 else ''}"
