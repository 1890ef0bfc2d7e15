"""A job as a container, on a stand-in for an engine whose `logs --follow` ends too early."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engines import FakeEngine

from batchtab.local_aws.batch.run import StartError
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.containers.engine import ContainerEngine
from batchtab.local_aws.containers.run import OUT_OF_MEMORY, ContainerRun

pytestmark = pytest.mark.slow


@pytest.fixture(params=["docker", "podman"])
def fake(tmp_path: Path, request: pytest.FixtureRequest) -> FakeEngine:
    return FakeEngine.install(tmp_path / "bin", request.param, "job:1")


@pytest.fixture
def children(tmp_path: Path) -> Iterator[ChildProcesses]:
    made = ChildProcesses(tmp_path / "own", {"PATH": "/usr/bin:/bin"})
    yield made
    made.close()


Make = Callable[..., ContainerRun]


@pytest.fixture
def make(fake: FakeEngine, children: ChildProcesses) -> Make:
    engine = ContainerEngine(fake.name, fake.program, fake.environment, cgroups="v2")

    def make(*command: str, flags: list[str] | None = None, **variables: str) -> ContainerRun:
        return ContainerRun(engine, "job-1", flags or [], ["job:1", *command], variables, children)

    return make


def finish(run: ContainerRun) -> list[str]:
    lines: list[str] = []
    run.start()
    run.follow(lines.extend)
    run.close()
    return lines


def test_all_lines_and_the_containers_own_exit_code_are_had(make: Make, fake: FakeEngine) -> None:
    # GIVEN a job that writes on, after its client has ended, and whose last line has no end
    run = make("/bin/sh", "-c", "seq 1 500; sleep 0.3; seq 501 1000; echo oops >&2; printf last; exit 7")
    # WHEN it has ended
    lines = finish(run)
    # THEN each line is there once, in order, and the code is right
    assert lines == [*(str(number) for number in range(1, 1001)), "oops", "last"]
    assert (run.exit_code, run.reason) == (7, "")
    # AND no container is left, and none was run in one call with its removal
    assert fake.containers() == []
    assert fake.calls("run") == []


def test_values_of_variables_are_on_no_command_line(make: Make, fake: FakeEngine) -> None:
    # GIVEN variables: with a secret, with line breaks, empty, and with names that mean something to the client
    values = {
        "SECRET": "s3cret",
        "LINES": "a\nb",
        "EMPTY": "",
        "PATH": "/own:/bin:/usr/bin",
        "DOCKER_HOST": "tcp://s3cret",
    }
    program = "import json,os;print(json.dumps(dict(os.environ)))"
    # WHEN a job prints its environment
    [line] = finish(make("/usr/bin/env", "python3", "-c", program, **values))
    seen = json.loads(line)
    # THEN it has them as they were given
    assert {name: seen[name] for name in values} == values
    # AND no call shows a value, and the file that carried some is private and gone
    assert not any("s3cret" in call for call in fake.calls())
    assert seen["MODE_OF_FILE"] == "0o600"
    file = Path(fake.calls("create")[0].partition("--env-file ")[2].split()[0])
    assert not file.exists()


def test_it_is_created_as_no_engine_would_by_itself(make: Make, fake: FakeEngine) -> None:
    # WHEN a job with a read-only root is run
    finish(make("true", flags=["--read-only"]))
    [call] = fake.calls("create")
    # THEN nothing is pulled, the network is the machine's, its output is kept in a file
    driver = "k8s-file" if fake.name == "podman" else "json-file"
    for words in ("--pull never", "--network host", f"--log-driver {driver}"):
        assert words in call
    # AND Podman makes nothing writable that was not asked for
    assert ("--read-only-tmpfs=false" in call) == (fake.name == "podman")
    # AND hands on no proxy of the machine
    assert ("--http-proxy=false" in call) == (fake.name == "podman")


def test_a_container_that_had_too_little_memory_ends_with_batchs_reason(make: Make) -> None:
    run = make("/bin/sh", "-c", "exit 137", "out-of-memory")
    finish(run)
    assert (run.exit_code, run.reason) == (137, OUT_OF_MEMORY)


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_podman_on_cgroups_of_version_1_does_not_notice_that_memory_ran_out(
    tmp_path: Path, children: ChildProcesses, name: str
) -> None:
    # GIVEN an engine that says nothing of memory, and a container that was killed
    fake = FakeEngine.install(tmp_path / "bin", name, "job:1")
    engine = ContainerEngine(fake.name, fake.program, fake.environment, cgroups="v1")
    run = ContainerRun(engine, "job-1", [], ["job:1", "/bin/sh", "-c", "exit 137"], {}, children)
    # WHEN it has ended THEN with Podman that is taken for the reason
    finish(run)
    assert run.reason == (OUT_OF_MEMORY if name == "podman" else "")


def test_a_program_that_is_not_in_the_image_is_told_with_the_engines_words(make: Make, fake: FakeEngine) -> None:
    run = make("no-such-program")
    with pytest.raises(StartError, match=r'^CannotStartContainerError: exec: "no-such-program": executable file not'):
        run.start()
    run.close()
    assert fake.containers() == []


def test_what_the_engine_refuses_is_told_with_its_words(make: Make, fake: FakeEngine) -> None:
    fake.refuse("create", "Error: invalid tmpfs option")
    run = make("true")
    with pytest.raises(StartError, match=r"^CannotCreateContainerError: invalid tmpfs option$"):
        run.start()


@pytest.mark.parametrize(("asked", "sent"), [("", "TERM"), ("SIGUSR1", "USR1"), ("10", "USR1")])
def test_it_is_stopped_by_the_signal_that_its_image_names(make: Make, asked: str, sent: str) -> None:
    # GIVEN a job that says which signal it gets; the engine names the image's or gives its number
    script = "trap 'echo TERM; exit 3' TERM; trap 'echo USR1; exit 3' USR1; echo up; while :; do sleep 0.05; done"
    run = make("/bin/sh", "-c", script, STOP_SIGNAL=asked)
    lines, reader = begin(run)
    # WHEN it is stopped
    run.stop()
    reader.join(timeout=120)
    # THEN it got that one
    assert lines == ["up", sent]
    assert run.exit_code == 3


def test_a_killed_container_ends_with_137_and_no_reason(make: Make) -> None:
    run = make("/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done")
    _, reader = begin(run)
    run.kill()
    reader.join(timeout=120)
    assert (run.exit_code, run.reason) == (137, "")


def test_a_container_that_is_killed_while_it_is_created_is_not_started(make: Make, fake: FakeEngine) -> None:
    # GIVEN an engine that takes its time
    fake.delay("create")
    run = make("/bin/sh", "-c", "sleep 30")
    raised: list[StartError] = []

    def start() -> None:
        try:
            run.start()
        except StartError as error:
            raised.append(error)

    starter = threading.Thread(target=start, daemon=True)
    starter.start()
    # WHEN it is killed meanwhile
    run.kill()
    fake.go_on()
    starter.join(timeout=120)
    # THEN it is created and removed only
    assert str(raised[0]).startswith("CannotStartContainerError: the job was ended")
    assert fake.calls("start") == []
    run.close()
    assert fake.containers() == []


def test_a_container_that_somebody_removed_counts_as_killed(make: Make, fake: FakeEngine) -> None:
    run = make("/bin/sh", "-c", "echo up; sleep 30")
    _, reader = begin(run)
    ContainerEngine(fake.name, fake.program, fake.environment).remove("job-1")
    reader.join(timeout=120)
    assert run.exit_code == 137


def begin(run: ContainerRun) -> tuple[list[str], threading.Thread]:
    """Start it, and wait until it says that it is up."""
    lines: list[str] = []
    run.start()
    reader = threading.Thread(target=run.follow, args=(lines.extend,), daemon=True)
    reader.start()
    deadline = time.monotonic() + 30
    while "up" not in lines:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return lines, reader
