"""A deployment applies wave by wave, records what it applied, and plans anew what reads what was changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from batchtab.cli.deployment import applying
from batchtab.cli.deployment.applying import Applying
from batchtab.cli.deployment.planning import UNCHANGED, Planned
from batchtab.errors import UsageError
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Plan


class Bucket:
    """A stage's records: which hash each stack was applied with last."""

    def __init__(self, **applied: str) -> None:
        self.now = {stack.replace("_", "-"): hash_ for stack, hash_ in applied.items()}

    def applied(self, _stacks: list[str]) -> dict[str, str]:
        return dict(self.now)

    unrecorded: ClassVar[dict[str, str]] = {}

    def record(self, stack: str, configuration: str) -> None:
        self.now[stack] = configuration

    def forget(self, stack: str) -> None:
        self.now[stack] = "void"


class Hashes:
    """Configurations whose hash is `new`; what reads the environment differs once that is deployed."""

    def __init__(self, bucket: Bucket | None = None) -> None:
        self.refreshed: set[str] = set()
        self._bucket = bucket or Bucket()

    def hash(self, stack: str) -> str:
        return "newer" if stack == "jobs-examples" and "environment" in self.refreshed else "new"

    def refresh(self, stacks: list[str]) -> None:
        self.refreshed |= set(stacks)

    def run(self, stacks: list[str], _at: Any, **_: Any) -> Planned:
        wanted = [stack for stack in stacks if self.hash(stack) != self._bucket.now.get(stack)]
        plans = [Plan(stack, True, "Plan: 1 to add", Path("plan"), self.hash(stack)) for stack in wanted]
        return Planned(plans, {stack: UNCHANGED for stack in stacks if stack not in wanted}, {})


class Terraform:
    """Terraform, as far as a deployment asks it; what it fails at it says, and others are applied all the same."""

    log = Path("x")

    def __init__(self, done: list[str], failing: str = "") -> None:
        self._done, self._failing = done, failing

    def apply(self, plans: list[Plan], _at: Any, *, done: Callable[[Plan], None]) -> list[str | None]:
        self._done.append(f"apply {', '.join(plan.stack for plan in plans)}")
        for plan in plans:
            if plan.stack != self._failing:
                done(plan)
        return [f"{plan.stack} failed" if plan.stack == self._failing else None for plan in plans]


MOVES = "my-service"
STEP: Any = SimpleNamespace(at=None, result="")


def deployment(session: Session, bucket: Bucket, stacks: Terraform, planning: Any = None) -> Applying:
    return Applying(session, Any, bucket, stacks, planning or Hashes(), None)  # type: ignore[arg-type]


def test_stacks_that_are_planned_when_their_turn_comes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a stage whose network and jobs are applied, and whose environment differs
    session = Session.open("local", project)
    bucket = Bucket(network="new", environment="old", jobs_examples="new", jobs_my_service="new")
    done: list[str] = []
    monkeypatch.setattr(applying, "check", lambda _session, _aws, stacks: done.append(f"check {len(stacks)}"))
    monkeypatch.setattr(applying, "moves_of", lambda *_: [])
    monkeypatch.setattr(applying, "wait_for_quiet", lambda _session, _aws, wave: done.append(f"wait {', '.join(wave)}"))
    monkeypatch.setattr(applying, "submit_missed", lambda *_: None)
    planning = Hashes(bucket)
    # WHEN it is deployed without a plan
    deployment(session, bucket, Terraform(done), planning).run(session.stacks(), STEP)
    # THEN the environment is applied, and then the stack that reads what it changed; each is waited for right before
    assert done == [
        "check 4",
        "wait environment",
        "apply environment",
        "wait jobs-examples",
        "apply jobs-examples",
    ]
    assert bucket.now == {"network": "new", "environment": "new", "jobs-examples": "newer", "jobs-my-service": "new"}


def test_a_deployment_waits_for_each_stack_that_it_changes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN plans of two stacks, one of which changes nothing
    session = Session.open("local", project)
    done: list[str] = []
    monkeypatch.setattr(applying, "check", lambda _session, _aws, stacks: done.append(f"check {', '.join(stacks)}"))
    monkeypatch.setattr(applying, "wait_for_quiet", lambda _session, _aws, wave: [done.append(f"wait {wave[0]}")])
    monkeypatch.setattr(
        "batchtab.cli.deployment.applying.submit_missed",
        lambda _session, _aws, found, _began: done.append(f"submit {len(found)}"),
    )
    names = ["jobs-examples", "jobs-my-service"]
    plans = [Plan(name, name == names[1], "Plan: 1", project, "new") for name in names]
    stacks = Terraform(done)
    monkeypatch.setattr(
        applying, "moves_of", lambda _session, _aws, stacks: [stack for stack in stacks if MOVES in stack]
    )
    bucket = Bucket()
    # WHEN they are applied
    deployment(session, bucket, stacks).run(names, STEP, Planned(plans, {}, {}))
    # THEN what has no moment is refused before anything is done; the moment is looked for right before the apply, and
    # what was due meanwhile right after it
    assert done == ["check jobs-my-service", "wait jobs-my-service", "apply jobs-my-service", "submit 1"]
    # AND both are recorded as applied
    assert bucket.now == {"jobs-examples": "new", "jobs-my-service": "new"}


@pytest.fixture
def unmoved(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job moves."""
    for name in ("check", "submit_missed"):
        monkeypatch.setattr(applying, name, lambda *_: None)
    for name in ("moves_of", "wait_for_quiet"):
        monkeypatch.setattr(applying, name, lambda *_: [])


@pytest.mark.usefixtures("unmoved")
def test_what_one_stack_fails_at_leaves_the_others_applied_and_recorded(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN two stacks of a wave, one of which fails
    session, bucket, done = Session.open("local", project), Bucket(), list[str]()
    stacks = Terraform(done, failing="jobs-examples")
    stacks.log = session.root / "terraform.log"
    plans = [Plan(name, True, "Plan: 1 to add", project, "new") for name in ("jobs-examples", "jobs-my-service")]
    # WHEN they are applied THEN the deployment fails with what it said
    with pytest.raises(UsageError, match="jobs-examples failed"):
        deployment(session, bucket, stacks).run([plan.stack for plan in plans], STEP, Planned(plans, {}, {}))
    # AND the other one is recorded, and the failed one's record is void
    assert bucket.now == {"jobs-examples": "void", "jobs-my-service": "new"}
    assert capsys.readouterr().out == "jobs-my-service: applied: 1 to add\n"


@pytest.mark.usefixtures("unmoved")
def test_a_plan_whose_inputs_are_others_by_now_is_not_applied(project: Path) -> None:
    # GIVEN a plan made with a value that another stack was to have, which that one does not get now
    session, bucket, done = Session.open("local", project), Bucket(), list[str]()
    plan = Plan("jobs-examples", True, "Plan: 1 to add", project, "with the value to come")
    planning = Hashes(Bucket(jobs_examples="new"))
    # WHEN it is deployed alone THEN it is planned anew, found unchanged, and nothing is applied
    made = deployment(session, bucket, Terraform(done), planning)
    made.run(["jobs-examples"], STEP, Planned([plan], {}, {}))
    assert done == []
