"""What of a job's containers and nodes goes together, as jobs.yaml says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.declarations.test_trigger_fields import faults, job, load

from batchtab import frameworks
from batchtab.declarations.job_rules import capacity_faults

PROXY = {"vcpus": 1, "memory_mib": 64}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            ["containers: {main: {}}"],
            "containers.main: is what the job's own container is called: write what main does in the job itself"
            " [hint: give it another name]",
        ),
        (
            ["main_depends_on: {extract: SUCCESS}"],
            "main_depends_on.extract: has no effect: the job has no other containers [hint: name jobs in after]",
        ),
        (
            ["containers: {migrate: {}}", "main_depends_on: {migrat: SUCCESS}"],
            "main_depends_on.migrat: is not one of the job's other containers: migrate [hint: did you mean 'migrate'?]",
        ),
        (
            ["containers: {proxy: {depends_on: {main: SUCCESS}}}"],
            "containers.proxy.depends_on.main: 'SUCCESS' can't be waited for: main is essential, so that the job ends"
            " with it [hint: START]",
        ),
        (
            ["containers: {proxy: {depends_on: {main: HEALTHY}}}"],
            "containers.proxy.depends_on.main: 'HEALTHY' is not allowed: START, COMPLETE or SUCCESS",
        ),
        (
            ["containers: {a: {depends_on: {b: START}}, b: {depends_on: {a: START}}}"],
            "containers.a.depends_on: goes in a circle: a → b → a",
        ),
        (
            ["containers: {a: {environment: {X: '1'}, secrets: {X: /x}}}"],
            "containers.a.secrets.X: is in environment and in secrets: one name, one value",
        ),
        (
            ["containers: {a: {mounts: [{volume: data, path: /data}]}}"],
            "containers.a.mounts[0].volume: 'data' is not one of the job's volumes: none",
        ),
        (["containers: {a: {grace_seconds: 121}}"], "containers.a.grace_seconds: 121 is too long: 2 to 120 (seconds)"),
        (["grace_seconds: 1"], "grace_seconds: 1 is too short: 2 to 120 (seconds)"),
        (
            ["containers: {a: {}}", "container: {instanceType: m6i.large}"],
            "container.instanceType: does not go with containers: Batch has it for a job of one container"
            " [hint: leave it out]",
        ),
        (
            ["nodes: 2", "array_size: 2"],
            "nodes: 2 does not go with array_size: a multi-node job has no children [hint: use one of them]",
        ),
        (["nodes: 1"], "nodes: 1 is too small: 2 to 1000 (nodes)"),
        (
            [f"containers: {{{', '.join(f'c{number}: {{}}' for number in range(10))}}}"],
            "containers: has 10 entries: at most 9",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, fields: list[str], expected: str) -> None:
    assert faults(tmp_path, *fields) == [expected]


@pytest.mark.parametrize(
    ("fields", "capacity", "expected"),
    [
        ({"nodes": 2}, "FARGATE", ["nodes: is only for EC2, and capacity is FARGATE"]),
        ({"nodes": 2}, "SPOT", ["nodes: is only for EC2 without Spot, and capacity is SPOT"]),
        ({"nodes": 2}, "EC2", []),
        (
            {"containers": {"a": {}}},
            "EC2",
            [
                "containers.a: lacks vcpus, and capacity is EC2: on EC2 each container needs its own",
                "containers.a: lacks memory_mib, and capacity is EC2: on EC2 each container needs its own",
            ],
        ),
        ({"containers": {"a": {}}}, "FARGATE", []),
        (
            {"containers": {"a": {"vcpus": 0.25}}},
            "FARGATE",
            ["vcpus: is not a size with all containers on Fargate: 0.25, 0.5, 1, 2, 4, 8, 16, 32"],
        ),
        ({"containers": {"a": {"vcpus": 1, "memory_mib": 2048}}}, "FARGATE", []),
        (
            {"containers": {"a": {**PROXY, "vcpus": 0.5}}},
            "EC2",
            ["containers.a.vcpus: is not a whole number, and capacity is EC2: 1, 2, 3, …"],
        ),
        (
            {"containers": {"a": {"privileged": True, "log": {"driver": "gelf"}}}},
            "FARGATE",
            [
                "containers.a.privileged: is only for EC2, and capacity is FARGATE",
                "containers.a.log.driver: is only for EC2, and capacity is FARGATE",
            ],
        ),
    ],
)
def test_what_a_capacity_does_not_have_is_refused(
    fields: dict[str, object], capacity: str, expected: list[str]
) -> None:
    assert [f"{path}: {text}" for path, _, text, _ in capacity_faults(job(**fields), capacity)] == expected


def test_all_containers_on_all_nodes_count() -> None:
    found = job(vcpus=2, memory_mib=100, nodes=3, containers={"a": PROXY, "b": {"vcpus": 1}})
    assert (found.task_vcpus, found.task_memory_mib, found.total_vcpus) == (4, 164, 12)
    # AND a secret of any is read by a role
    assert not found.reads_secrets
    assert job(containers={"a": {"secrets": {"X": "/x"}}}).reads_secrets


@pytest.mark.parametrize("fields", [{"nodes": 2}, {"containers": {"a": {}}}, {"share": "reports"}])
def test_what_a_trigger_cannot_say_the_function_says(fields: dict[str, object]) -> None:
    assert not job(schedule="@daily").is_managed
    assert job(schedule="@daily", **fields).is_managed


def test_a_grace_that_the_provider_would_drop_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN cdktf, whose AWS provider does not know stopTimeout
    text = "AWS provider 5.100, which cdktf uses,"
    monkeypatch.setattr(frameworks, "without_stop_timeout", lambda: text)
    assert faults(tmp_path, "grace_seconds: 60") == [
        f"grace_seconds: 60 would not reach AWS: {text} does not know Batch's stopTimeout"
        " [hint: leave it out, or use cdktn: docs/frameworks.md]"
    ]
    # WHEN another provider is used THEN it is taken
    monkeypatch.setattr(frameworks, "without_stop_timeout", lambda: "")
    jobs = load(tmp_path, "service: s\njobs: {j: {command: [x], grace_seconds: 60}}")
    assert jobs["j"].has_task


def test_words_and_numbers_of_a_container_need_no_quotes(tmp_path: Path) -> None:
    text = "{command: [sleep, 5], environment: {A: 1, B: true}, image: {repository: proxy, tag: 1.10}, user: 1000}"
    found = load(tmp_path, f"service: s\njobs: {{j: {{command: [x], containers: {{a: {text}}}}}}}")["j"].containers["a"]
    assert (found.command, found.environment, found.user) == (("sleep", "5"), {"A": "1", "B": "true"}, "1000")
    assert str(found.image) == "proxy:1.10"
