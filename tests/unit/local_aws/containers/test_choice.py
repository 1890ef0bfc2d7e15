"""Which engine is taken, and what is said of it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from tests.engines import FakeEngine

from batchtab.local_aws.containers import choice as choices
from batchtab.local_aws.containers.choice import ChoiceOfEngine
from batchtab.local_aws.errors import UserError


def choose(wanted: str, path: Path) -> ChoiceOfEngine:
    choice = ChoiceOfEngine(wanted, {"PATH": str(path)}, "config/local.yaml: local.container_engine")
    choice.require()
    choice.start(lambda _: None)
    return choice


def program(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("name", ["docker", "podman", "nerdctl", "finch"])
def test_the_engine_that_answers_is_taken(tmp_path: Path, name: str) -> None:
    # GIVEN one engine
    fake = FakeEngine.install(tmp_path, name)
    # WHEN the first that answers is wanted
    choice = choose("auto", tmp_path)
    # THEN it is that one
    assert choice.engine is not None
    assert (choice.engine.name, choice.engine.program, choice.engine.cgroups) == (name, fake.program, "v2")
    assert choice.said.startswith(f"Jobs run as containers of {name} {choice.engine.version} where it has their image")


def test_what_podman_without_root_cannot_limit_is_told(tmp_path: Path) -> None:
    program(tmp_path, "podman", "echo '5.0.0|v2||[memory pids]'")
    choice = choose("podman", tmp_path)
    assert choice.engine is not None
    assert choice.engine.limits == {"memory"}
    assert choice.said.endswith("others as processes; podman can't limit cpu here")


def test_an_engine_that_does_not_answer_is_passed_over(tmp_path: Path) -> None:
    # GIVEN a docker client whose daemon is away: old clients end with 0 then
    program(tmp_path, "docker", "echo '||[]'")
    FakeEngine.install(tmp_path, "podman")
    choice = choose("auto", tmp_path)
    assert choice.engine is not None
    assert choice.engine.name == "podman"


def test_without_an_engine_one_line_says_why(tmp_path: Path) -> None:
    # GIVEN a docker that does not answer, and a nerdctl whose containers could not reach local AWS
    program(tmp_path, "docker", "exit 1")
    program(tmp_path, "nerdctl", "echo '2.0|2|[name=seccomp name=rootless]'")
    choice = choose("auto", tmp_path)
    # THEN there is none
    assert choice.engine is None
    rootless = (
        "nerdctl runs rootless, and its containers can't reach 127.0.0.1"
        if sys.platform == "linux"
        else "nerdctl is not installed"
    )
    assert choice.said == (
        f"Jobs run as processes: docker does not answer; podman is not installed; {rootless}; finch is not installed"
    )


def test_none_asks_no_engine(tmp_path: Path) -> None:
    fake = FakeEngine.install(tmp_path)
    choice = choose("none", tmp_path)
    assert choice.engine is None
    assert choice.said == "Jobs run as processes: config/local.yaml: local.container_engine is none"
    assert fake.calls() == []


def test_an_engine_by_name_is_taken_before_others(tmp_path: Path) -> None:
    FakeEngine.install(tmp_path, "docker")
    FakeEngine.install(tmp_path, "finch")
    choice = choose("finch", tmp_path)
    assert choice.engine is not None
    assert choice.engine.name == "finch"


def test_an_engine_by_name_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        choose("podman", tmp_path)
    assert str(caught.value) == (
        "config/local.yaml: local.container_engine: podman is not installed; start it, or write auto (the first of"
        " docker, podman, nerdctl, finch that answers) or none (jobs run as processes)"
    )


def test_what_is_no_text_is_no_reason_to_wait_for_ever(tmp_path: Path) -> None:
    # GIVEN an engine that fails with bytes that are no UTF-8, and one that says such
    program(tmp_path, "docker", "printf '\\377\\376' >&2; printf '\\377'; exit 1")
    program(tmp_path, "podman", "printf '4.3.1\\377|v2||[cpu memory]'")
    # WHEN one is chosen in the background THEN both are known soon
    assert in_background(ChoiceOfEngine("auto", {"PATH": str(tmp_path)})) == "podman"


def test_a_fault_while_asking_is_no_reason_to_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a fault that nobody has thought of
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of luck")

    program(tmp_path, "docker", "exit 0")
    monkeypatch.setattr(choices.subprocess, "run", fail)
    choice = ChoiceOfEngine("auto", {"PATH": str(tmp_path)})
    assert in_background(choice) is None
    assert choice.said == "Jobs run as processes: the engines of this machine could not be asked"


@pytest.mark.parametrize(
    ("name", "variable", "address", "shown"),
    [
        ("docker", "DOCKER_HOST", "ssh://me:secret@there", "ssh://there"),
        ("docker", "DOCKER_HOST", "tcp://127.0.0.1:2375", "tcp://127.0.0.1"),
        ("docker", "DOCKER_HOST", "10.0.0.5:2375", "tcp://10.0.0.5"),
        ("podman", "CONTAINER_HOST", "ssh://me@there/run/podman/podman.sock", "ssh://there"),
        ("podman", "CONTAINER_HOST", "tcp://there:8080", "tcp://there"),
    ],
)
def test_an_engine_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, variable: str, address: str, shown: str
) -> None:
    # GIVEN a client that is pointed at another machine
    monkeypatch.setattr(choices.sys, "platform", "linux")
    fake = FakeEngine.install(tmp_path, name)
    with pytest.raises(UserError) as caught:
        ChoiceOfEngine(name, {"PATH": str(tmp_path), variable: address}).require()
    # THEN it is refused without being asked
    assert f"{name} runs elsewhere ({shown}), and its containers can't reach 127.0.0.1 of this machine" in str(
        caught.value
    )
    assert fake.calls() == []


def test_a_docker_whose_context_is_elsewhere_is_refused(tmp_path: Path) -> None:
    program(tmp_path, "docker", "[ $1 = context ] && echo ssh://me@there || echo '28.0|2|||Debian'")
    choice = choose("auto", tmp_path)
    assert choice.engine is None
    assert "docker runs elsewhere (ssh://there)" in choice.said


@pytest.mark.parametrize(
    ("platform", "name", "says", "reason"),
    [
        ("linux", "docker", "28.0|2|[name=seccomp]||Docker Desktop", "docker is Docker Desktop, which runs a machine"),
        ("linux", "docker", "28.0|2|[name=seccomp]||Debian GNU/Linux 12", None),
        ("darwin", "docker", "28.0|2|[name=seccomp]||Docker Desktop", None),
        ("linux", "podman", "5.0.0|v2||[cpu memory]|true", "podman only asks a service, which may run elsewhere"),
        ("linux", "podman", "5.0.0|v2||[cpu memory]|false", None),
        ("darwin", "podman", "5.0.0|v2||[cpu memory]|true", None),
    ],
)
def test_an_engine_says_whether_its_loopback_is_this_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, name: str, says: str, reason: str | None
) -> None:
    monkeypatch.setattr(choices.sys, "platform", platform)
    program(tmp_path, name, f"[ $1 = info ] && echo '{says}'")
    choice = choose("auto", tmp_path)
    assert (choice.engine is None) == (reason is not None)
    assert reason is None or reason in choice.said


@pytest.mark.parametrize("address", ["unix:///run/user/1000/docker.sock", "tcp://localhost:2375"])
def test_what_leads_to_this_mac_is_not_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(choices.sys, "platform", "darwin")
    FakeEngine.install(tmp_path, "docker")
    choice = ChoiceOfEngine("docker", {"PATH": str(tmp_path), "DOCKER_HOST": address})
    choice.require()
    assert choice.engine is not None


def in_background(choice: ChoiceOfEngine) -> str | None:
    """The name of the engine that a choice in the background comes to."""
    called = threading.Event()
    choice.start(lambda _: called.set())
    assert called.wait(timeout=60)
    return choice.engine.name if choice.engine is not None else None
