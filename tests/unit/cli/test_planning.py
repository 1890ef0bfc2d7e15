"""Which stacks are planned, with what, and which are left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from batchtab.cli.deployment.planning import UNCHANGED, Planning
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.placeholders import Inputs
from batchtab.terraform.stacks import Plan

STACKS = ["environment", "jobs-a", "jobs-b"]
OLD, NEW = {"value": "old", "type": "string"}, {"value": "new", "type": "string"}


class World:
    """A bucket and Terraform, as far as planning asks them; the stacks `jobs-…` read one output of `environment`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recorded: dict[str, str] = {}
        self.deployed: dict[str, Any] | None = {"queue": OLD}
        self.changes: set[str] = set()
        self.output_changes: dict[str, Any] = {}
        self.planned_outputs: dict[str, Any] = {}
        self.asked: list[tuple[str, bool]] = []
        for stack in STACKS:
            (folder / stack).mkdir()
            self.write(stack, "1")

    def write(self, stack: str, text: str) -> None:
        read = {"environment": {"config": {"key": "prod/environment.tfstate"}}} if stack != "environment" else {}
        used = "${data.terraform_remote_state.environment.outputs.queue}" if read else ""
        content = {"data": {"terraform_remote_state": read}, "resource": {"x": {"y": {"text": text, "queue": used}}}}
        (self.folder / stack / "cdk.tf.json").write_text(json.dumps(content))

    def record_all(self) -> None:
        values = {"environment": {name: output["value"] for name, output in (self.deployed or {}).items()}}
        self.recorded = {each.stack: each.hash(values) for each in self.configurations()}

    # what Stacks does

    def waves(self) -> list[list[Configuration]]:
        environment, *jobs = self.configurations()
        return [[environment], jobs]

    def configurations(self) -> list[Configuration]:
        return [Configuration(self.folder / stack) for stack in STACKS]

    def plan(self, wanted: Sequence[Configuration], inputs: Inputs, _at: Any, *, lock: bool) -> list[Plan]:
        assert lock
        self.asked += [(each.stack, inputs.awaited(each)) for each in wanted]
        return [
            Plan(
                each.stack,
                each.stack in self.changes,
                "",
                self.folder,
                each.hash(inputs.values()),
                bool(inputs.missing(each)),
            )
            for each in wanted
        ]

    def show(self, _plan: Plan) -> dict[str, Any]:
        return {"output_changes": self.output_changes, "planned_values": {"outputs": self.planned_outputs}}

    # what States does

    def applied(self, stacks: list[str]) -> dict[str, str]:
        return {stack: hash_ for stack, hash_ in self.recorded.items() if stack in stacks}

    def outputs(self, stack: str) -> Any:
        return self.deployed if stack == "environment" else {}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def run(world: World, stacks: list[str] = STACKS, **options: Any) -> tuple[list[str], dict[str, str]]:
    given: Any = world
    planned = Planning(given, given).run(stacks, lambda _: None, **options)
    return [plan.stack for plan in planned.plans], planned.left_out


def test_what_was_never_applied_is_planned(world: World) -> None:
    assert run(world) == (STACKS, {})


def test_what_is_as_it_was_applied_is_left_out(world: World) -> None:
    # GIVEN three stacks as they were applied, and then one line of one service
    world.record_all()
    world.write("jobs-b", "2")
    # WHEN they are planned THEN it is that service alone
    assert run(world) == (["jobs-b"], {"environment": UNCHANGED, "jobs-a": UNCHANGED})


def test_all_or_named_stacks_are_planned_all_the_same(world: World) -> None:
    world.record_all()
    assert run(world, everything=True) == (STACKS, {})
    assert run(world, also=["jobs-a"]) == (["jobs-a"], {"environment": UNCHANGED, "jobs-b": UNCHANGED})
    assert run(world, ["jobs-b"], everything=True) == (["jobs-b"], {})


def test_what_is_planned_though_it_is_as_applied_is_known_to_be_so(world: World) -> None:
    world.record_all()
    world.write("jobs-b", "2")
    given: Any = world
    planned = Planning(given, given).run(STACKS, lambda _: None, everything=True)
    assert planned.as_applied == {"environment": True, "jobs-a": True, "jobs-b": False}
    # AND of a stack without a record nothing is known
    del world.recorded["jobs-a"]
    assert Planning(given, given).run(["jobs-a"], lambda _: None).as_applied == {"jobs-a": None}


def test_another_value_of_what_a_stack_reads_counts(world: World) -> None:
    # GIVEN stacks as they were applied, and a deployment of the environment alone that changed its output
    world.record_all()
    world.deployed = {"queue": NEW}
    # WHEN they are planned THEN those are that read it
    assert run(world)[0] == ["jobs-a", "jobs-b"]


def test_what_an_output_will_be_is_planned_with(world: World) -> None:
    # GIVEN a change of the environment that gives its output another value, known beforehand
    world.record_all()
    world.write("environment", "2")
    world.changes = {"environment"}
    world.output_changes = {"queue": {"actions": ["update"]}, "new": {"actions": ["create"]}}
    world.planned_outputs = {"queue": NEW, "new": NEW}
    # WHEN all is planned THEN the stacks that read it are planned with that value, though their files are the same
    assert run(world) == (STACKS, {})
    assert world.asked == [("environment", False), ("jobs-a", True), ("jobs-b", True)]


def test_an_output_known_only_after_the_apply_is_named(world: World) -> None:
    world.record_all()
    world.write("environment", "2")
    world.changes = {"environment"}
    world.output_changes = {"queue": {"actions": ["update"]}}
    reason = f"{UNCHANGED}, but reads queue of environment, known only after its apply"
    assert run(world) == (["environment"], {"jobs-a": reason, "jobs-b": reason})


@pytest.mark.parametrize("is_known", [True, False])
def test_a_first_deployment_is_planned_once(world: World, is_known: bool) -> None:
    # GIVEN nothing deployed, and outputs that are all new
    world.deployed = None
    world.changes = set(STACKS)
    world.output_changes = {"queue": {"actions": ["create"]}}
    world.planned_outputs = {"queue": NEW if is_known else {}}
    # WHEN it is planned THEN each stack is planned once, with what is known beforehand, and else with stand-ins
    assert run(world) == (STACKS, {})
    assert world.asked == [("environment", False), ("jobs-a", is_known), ("jobs-b", is_known)]


def test_an_output_that_goes_is_no_value_to_come(world: World) -> None:
    world.record_all()
    world.write("environment", "2")
    world.changes = {"environment"}
    world.output_changes = {"queue": {"actions": ["delete"]}}
    assert run(world) == (["environment"], {"jobs-a": UNCHANGED, "jobs-b": UNCHANGED})


def test_a_plan_with_a_value_to_come_has_another_hash_than_what_is_deployed(world: World) -> None:
    # GIVEN a plan made with a value that is not deployed yet
    world.record_all()
    world.write("environment", "2")
    world.changes, world.output_changes, world.planned_outputs = (
        {"environment"},
        {"queue": {"actions": ["update"]}},
        {"queue": NEW},
    )
    given: Any = world
    planning = Planning(given, given)
    plan = planning.run(STACKS, lambda _: None).plans[1]
    # THEN a deployment plans it anew until that value is there
    assert planning.hash("jobs-a") != plan.configuration
    world.deployed = {"queue": NEW}
    planning.refresh(["environment"])
    assert planning.hash("jobs-a") == plan.configuration
