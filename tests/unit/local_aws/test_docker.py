"""How a job becomes a container, with a stand-in for the `docker` command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchtab.local_aws.batch.docker import Docker

PROPERTIES = {
    "image": "my-service:1",
    "command": ["node", "a b"],
    "resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "1024"}],
    "readonlyRootFilesystem": True,
    "user": "1000",
    "linuxParameters": {"initProcessEnabled": True},
}


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(environment(tmp_path, "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/calls\"\n"
                              "case \"$*\" in *missing*) exit 1;; esac\n"))  # fmt: skip


def environment(folder: Path, script: str) -> dict[str, str]:
    program = folder / "docker"
    program.write_text(script)
    program.chmod(0o755)
    return {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def test_image_is_looked_for_and_never_pulled(docker: Docker, tmp_path: Path) -> None:
    assert docker.has_image("here:1")
    assert not docker.has_image("missing:1")
    assert [call.split()[0] for call in calls(tmp_path)] == ["version", "image", "image"]


def test_without_an_engine_there_is_no_image(tmp_path: Path) -> None:
    assert not Docker(environment(tmp_path, "#!/bin/sh\nexit 1\n")).has_image("here:1")
    assert not Docker({"PATH": str(tmp_path / "nothing")}).has_image("here:1")


def test_command_line_of_a_job(docker: Docker, tmp_path: Path) -> None:
    # WHEN a job's command line is asked for
    command = docker.run_command("name", PROPERTIES, {"B": "secret", "A": "1"})
    # THEN it has the sizes, the user and the names of the variables, but not their values
    assert command == [
        str(tmp_path / "docker"), "run", "--rm", "--name", "name", "--network", "host", "--env", "A", "--env", "B",
        "--cpus", "0.5", "--memory", "1024m", "--user", "1000", "--read-only", "--init", "my-service:1", "node", "a b",
    ]  # fmt: skip


def test_kill_removes_the_container(docker: Docker, tmp_path: Path) -> None:
    docker.kill("name")
    assert calls(tmp_path) == ["rm --force name"]
