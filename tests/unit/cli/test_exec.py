"""`batchtab exec`: which container it opens, what it says where it cannot, and how AWS's plugin is started."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.unit.cli import fake_aws
from tests.unit.cli.fake_aws import FakeAws

from batchtab.cli.jobs import local_containers, session_plugin
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
JOB = "examples-nightly"
ACCOUNT = "123456789012"
QUEUE = f"arn:aws:batch:ap-northeast-2:{ACCOUNT}:job-queue/batchtab-example-default"
CLUSTER = "AWSBatch-batchtab-example-1234"
TASK = "0123456789abcdef0123456789abcdef"
ARN = f"arn:aws:ecs:ap-northeast-2:{ACCOUNT}:task/{CLUSTER}/{TASK}"
RUNTIME = f"{TASK}-265927825"
ENDPOINT = "https://ecs.ap-northeast-2.amazonaws.com"
TOKEN = {"sessionId": "ecs-execute-command-1", "streamUrl": "wss://ssmmessages.example/1", "tokenValue": "SECRET-TOKEN"}
PLUGIN = f"""#!{sys.executable}
import json, os, signal, sys
if sys.argv[1:] == ["--version"]:
    print(os.environ.get("PLUGIN_VERSION", "1.2.764.0"))
    sys.exit(0)
session = os.environ.get("AWS_SSM_START_SESSION_RESPONSE")
with open(os.environ["PLUGIN_RECORD"], "w") as record:
    json.dump({{"argv": sys.argv, "session": session, "pid": os.getpid()}}, record)
signal.signal(signal.SIGINT, lambda *_: print("the program has it", flush=True))
print("ready", flush=True)
sys.stdin.readline()
sys.exit(7)
"""


class World(FakeAws):
    """A stage on AWS with jobs that run in ECS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        monkeypatch.setattr(fake_aws._Client, "meta", SimpleNamespace(endpoint_url=ENDPOINT), raising=False)
        self.agent: dict[str, str] | None = {"name": "ExecuteCommandAgent", "lastStatus": "RUNNING"}
        self.names_of_containers = ["aws-guardduty-agent-x", "default"]
        self.task: dict[str, Any] = {"enableExecuteCommand": True}
        self.refusal = ""

    def runs(self, **more: Any) -> str:
        """Puts a job that runs into Batch."""
        more = {"container": {"taskArn": ARN, "command": ["run"]}, **more}
        return self.job(JOB, more.pop("status", "RUNNING"), jobQueue=QUEUE, **more)

    def sts_get_caller_identity(self) -> dict[str, Any]:
        return {"Account": ACCOUNT, "Arn": "x"}

    def ecs_describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        if (cluster, tasks) != (CLUSTER, [TASK]):
            return {"tasks": [], "failures": [{"reason": "MISSING"}]}
        agents = [self.agent] if self.agent else []
        containers = [
            {"name": name, "runtimeId": RUNTIME, "managedAgents": agents} for name in self.names_of_containers
        ]
        return {"tasks": [{**self.task, "containers": containers}]}

    def ecs_execute_command(self, **_: Any) -> dict[str, Any]:
        if self.refusal:
            error: Any = {"Error": {"Code": self.refusal, "Message": "no"}}
            raise ClientError(error, "ExecuteCommand")
        return {"session": TOKEN}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program in place of AWS's; returns what it records."""
    folder = tmp_path_factory.mktemp("plugin")
    program = folder / "session-manager-plugin"
    program.write_text(PLUGIN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PLUGIN_RECORD", str(folder / "record.json"))
    return folder / "record.json"


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """On a terminal: the program that this one became, with its words and its environment."""
    found: list[Any] = []

    def execve(path: str, words: list[str], environment: dict[str, str]) -> None:
        found.extend((path, words, environment))
        raise SystemExit(0)

    monkeypatch.setattr(session_plugin.os, "execve", execve)
    monkeypatch.setattr(session_plugin.signal, "signal", lambda *_: None)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    return found


def exec_(*words: str) -> int:
    return main(["exec", "--stage", "example", *words])


def opened(aws: World) -> dict[str, Any]:
    (asked,) = aws.arguments("execute_command")
    return asked


# --- the plugin


def test_the_plugin_gets_what_the_aws_cli_gives_it_and_no_token_on_its_command_line(
    aws: World, plugin: Path, became: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # WHEN a shell is opened, with credentials of a profile
    (tmp_path / "aws").write_text("[profile on-call]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    monkeypatch.setenv("AWS_PROFILE", "on-call")
    with pytest.raises(SystemExit):
        exec_(aws.runs())
    # THEN the program has the words that it expects
    path, words, environment = became
    target = json.dumps({"Target": f"ecs:{CLUSTER}_{TASK}_{RUNTIME}"})
    variable = "AWS_SSM_START_SESSION_RESPONSE"
    name = "session-manager-plugin"
    assert path == str(plugin.parent / name)
    assert words == [name, variable, "ap-northeast-2", "StartSession", "on-call", target, ENDPOINT]
    assert json.loads(environment[variable]) == TOKEN
    assert not any("SECRET-TOKEN" in word for word in words)
    # AND this program's own environment does not have the token
    assert variable not in os.environ
    assert opened(aws) == {
        "cluster": CLUSTER,
        "task": TASK,
        "container": "default",
        "command": "sh",
        "interactive": True,
    }


def test_a_command_reaches_the_container_word_by_word(
    aws: World, plugin: Path, became: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    del plugin
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with pytest.raises(SystemExit):
        exec_(aws.runs(), "--", "ls", "-l", "/a b", "$HOME")
    assert shlex.split(opened(aws)["command"]) == ["ls", "-l", "/a b", "$HOME"]
    assert became[1][4] == ""  # no profile


DRIVER = """
import pytest, sys
from tests.unit.cli.test_exec import World
from batchtab.cli.main import main
aws = World(pytest.MonkeyPatch())
sys.exit(main(["exec", "--stage", "example", aws.runs()]))
"""
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@pytest.fixture
def terminal(plugin: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process on a terminal: keys are its input."""
    del plugin
    words = [sys.executable, "-c", TERMINAL, sys.executable, "-c", DRIVER]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT)))}
    process = subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    for each in (process.stdin, process.stdout):
        assert each is not None
        each.close()


def until(process: subprocess.Popen[bytes], text: bytes) -> bytes:
    said, ends_at = b"", time.monotonic() + 60
    assert process.stdout is not None
    while text not in said and time.monotonic() < ends_at:
        chunk = os.read(process.stdout.fileno(), 4096)
        if not chunk:
            break
        said += chunk
    assert text in said, said
    return said


def test_ctrl_c_is_the_programs_and_so_is_the_exit_status(terminal: subprocess.Popen[bytes], plugin: Path) -> None:
    assert terminal.stdin is not None
    said = until(terminal, b"ready")
    # WHEN Ctrl-C is typed THEN the program has it and goes on
    terminal.stdin.write(b"\x03")
    terminal.stdin.flush()
    said += until(terminal, b"the program has it")
    record = json.loads(plugin.read_text())
    assert json.loads(record["session"]) == TOKEN
    assert "SECRET-TOKEN" not in Path(f"/proc/{record['pid']}/cmdline").read_text()
    # WHEN it ends THEN its exit status is this command's
    terminal.stdin.write(b"exit\n")
    terminal.stdin.flush()
    assert terminal.wait(60) == 7
    assert b"interrupted" not in said


# --- which container


def test_explain_prints_the_command_and_opens_nothing(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert exec_(aws.runs(), "--explain", "--", "ls", "-l") == 0
    assert capsys.readouterr().out == (
        f"aws ecs execute-command --region ap-northeast-2 --cluster {CLUSTER} --task {TASK} --container default"
        " --interactive --command 'ls -l'\n"
    )
    assert "execute_command" not in aws.names()


def explained(aws: World, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The container that is chosen."""
    assert exec_(*words, "--explain") == 0
    printed = shlex.split(capsys.readouterr().out)
    assert aws.names()
    return printed[printed.index("--container") + 1]


def test_of_several_containers_it_is_the_main_one_or_the_named_one(
    aws: World, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.names_of_containers = ["proxy", "main"]
    containers = [{"name": "proxy"}, {"name": "main"}]
    job_id = aws.runs(container={}, ecsProperties={"taskProperties": [{"taskArn": ARN, "containers": containers}]})
    assert explained(aws, capsys, job_id) == "main"
    assert explained(aws, capsys, job_id, "--container", "proxy") == "proxy"
    assert exec_(job_id, "--container", "nope") == 2
    assert f"exec: job {job_id} has no container 'nope': proxy, main" in capsys.readouterr().err


def test_a_job_is_its_newest_run(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    aws.runs(status="FAILED")
    aws.runs()
    assert explained(aws, capsys, "nightly") == "default"


def test_of_an_array_a_child_has_to_be_named(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    array = aws.runs(container={}, status="PENDING", arrayProperties={"size": 4})
    for index, status in enumerate(("SUCCEEDED", "RUNNING", "RUNNABLE", "RUNNING")):
        aws.runs(jobId=f"{array}:{index}", status=status, arrayProperties={"index": index})
    assert exec_(array) == 2
    assert f"exec: job {array} is an array of 4 [hint: --index N; running: 1, 3]" in capsys.readouterr().err
    assert explained(aws, capsys, array, "--index", "3") == "default"
    assert explained(aws, capsys, f"{array}:1") == "default"
    assert exec_(array, "--index", "2") == 2
    assert f"exec: job {array}:2 of {JOB} is RUNNABLE" in capsys.readouterr().err
    assert exec_(array, "--index", "4") == 3
    assert f"exec: job {array} has no index 4" in capsys.readouterr().err
    # AND those of a retried array have the indices of the first one
    aws.jobs[array]["container"] = {"environment": [{"name": "BATCHTAB_ARRAY_INDICES", "value": "5,7-9"}]}
    assert exec_(array) == 2
    assert "running: 7, 9]" in capsys.readouterr().err


def test_of_several_nodes_it_is_the_main_one_or_the_named_one(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = aws.runs(container={}, nodeProperties={"numNodes": 2, "mainNode": 1, "nodeRangeProperties": []})
    aws.runs(jobId=f"{nodes}#0", status="STARTING")
    aws.runs(jobId=f"{nodes}#1", nodeProperties={"numNodes": 2, "isMainNode": True, "nodeIndex": 1})
    assert explained(aws, capsys, nodes) == "default"
    assert explained(aws, capsys, f"{nodes}#1") == "default"
    assert exec_(nodes, "--index", "0") == 2
    assert f"exec: job {nodes}#0 of {JOB} is STARTING" in capsys.readouterr().err


# --- what lacks


def test_no_run_is_status_3(aws: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert exec_("nightly") == 3
    assert exec_("nothing") == 3
    assert "exec: 'nothing' is not a job of stage example" in capsys.readouterr().err
    job_id = aws.runs(container={"taskArn": f"{ARN}0"})
    assert exec_(job_id) == 3
    assert f"exec: ECS knows no task {ARN}0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "hint"), [("RUNNABLE", "batchtab why"), ("STARTING", "batchtab why"), ("FAILED", "batchtab logs")]
)
def test_a_run_that_does_not_run(aws: World, capsys: pytest.CaptureFixture[str], status: str, hint: str) -> None:
    job_id = aws.runs(status=status)
    assert exec_(job_id) == 2
    said = f"exec: job {job_id} of {JOB} is {status}, and only RUNNING has a container [hint: {hint} {job_id}]"
    assert said in capsys.readouterr().err
    assert "describe_tasks" not in aws.names()


def test_a_job_without_exec_names_the_field_and_its_place(
    aws: World, capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    aws.task = {"enableExecuteCommand": False}
    job_id = aws.runs()
    assert exec_(job_id) == 2
    path = project / "jobs" / "examples" / "jobs.yaml"
    lines = path.read_text().splitlines()
    number = lines.index("  nightly:") + 1
    start = f"batchtab: exec: job {job_id} was started without ECS Exec [hint: "
    assert capsys.readouterr().err == (
        f"{start}add exec: true to {JOB} at jobs/examples/jobs.yaml:{number}, deploy it, and run it again]\n"
    )
    # GIVEN a file that has it by now THEN its line is named
    lines[number:number] = ["    exec: true", "    read_only_root_filesystem: false"]
    path.write_text("\n".join(lines))
    assert exec_(job_id) == 2
    assert capsys.readouterr().err == (
        f"{start}jobs/examples/jobs.yaml:{number + 1} says exec: true; deploy it, and run {JOB} again]\n"
    )
    # GIVEN a job that no file declares
    aws.jobs[job_id]["jobName"] = "of-another"
    assert exec_(job_id) == 2
    assert "[hint: enableExecuteCommand: true in its job definition" in capsys.readouterr().err
    assert "execute_command" not in aws.names()


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ({"lastStatus": "PENDING"}, "is PENDING [hint: it starts after the container: try again]"),
        ({"lastStatus": "STOPPED", "reason": "read-only"}, "is STOPPED: read-only [hint: job_role_arn with the four"),
        (None, "is not there [hint: job_role_arn with the four ssmmessages: actions"),
    ],
)
def test_an_agent_that_does_not_run(
    aws: World, capsys: pytest.CaptureFixture[str], agent: dict[str, str] | None, said: str
) -> None:
    aws.agent = {"name": "ExecuteCommandAgent", **agent} if agent else None
    assert exec_(aws.runs()) == 2
    assert f"exec: ECS Exec's agent in container default {said}" in capsys.readouterr().err


def test_without_the_plugin_its_page_is_named(
    aws: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert exec_(aws.runs()) == 2
    said = capsys.readouterr().err
    assert "exec: session-manager-plugin is not on PATH [hint: install it: https://docs.aws.amazon.com/" in said
    assert "execute_command" not in aws.names()


@pytest.mark.parametrize(("version", "is_taken"), [("1.2.497.0", False), ("1.2.536.0", True), ("dev", True)])
def test_a_plugin_that_would_show_the_token_is_refused(
    aws: World,
    plugin: Path,
    became: list[Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    is_taken: bool,
) -> None:
    del plugin
    monkeypatch.setenv("PLUGIN_VERSION", version)
    if is_taken:
        with pytest.raises(SystemExit):
            exec_(aws.runs())
        assert became
        return
    assert exec_(aws.runs()) == 2
    assert "1.2.497.0 takes the session's token on its command line" in capsys.readouterr().err
    assert "execute_command" not in aws.names()


def test_a_pipe_is_no_terminal(
    aws: World, plugin: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del plugin
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert exec_(aws.runs()) == 2
    assert "exec: session-manager-plugin needs a terminal" in capsys.readouterr().err
    assert "execute_command" not in aws.names()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "AWS denied ExecuteCommand to the credentials for stage example"),
        ("TargetNotConnectedException", "exec: ECS Exec does not reach container default [hint: job_role_arn with"),
    ],
)
def test_what_ecs_refuses_is_one_line(
    aws: World, plugin: Path, became: list[Any], capsys: pytest.CaptureFixture[str], code: str, said: str
) -> None:
    del plugin
    aws.refusal = code
    assert exec_(aws.runs()) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert became == []


# --- local AWS


def local(aws: World, monkeypatch: pytest.MonkeyPatch, engine: dict[str, str] | None) -> str:
    monkeypatch.setattr(Daemon, "get", lambda *_: {"engine": engine, "said": ""})
    return aws.job("examples-hello", "RUNNING", container={"taskArn": ARN})


def test_a_container_of_local_aws_is_opened_by_its_engine(
    aws: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\n[ "$*" = "container inspect batchtab-local-{TASK}" ]\n')
    program.chmod(0o755)
    job_id = local(aws, monkeypatch, {"name": "docker", "program": str(program), "version": "1"})
    assert main(["exec", job_id, "--", "ls", "-l"]) == 2
    assert capsys.readouterr().err == (
        "batchtab: exec: stage local is local AWS, which has no ECS Exec: "
        f"job {job_id} runs in a container of docker [hint: {program} exec -it batchtab-local-{TASK} ls -l]\n"
    )


@pytest.mark.parametrize("engine", [None, {"name": "docker", "program": "false", "version": "1"}])
def test_a_process_of_local_aws_is_named_by_its_pid(
    aws: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], engine: dict[str, str] | None
) -> None:
    job_id = local(aws, monkeypatch, engine)
    environment = {"AWS_BATCH_JOB_ID": job_id}
    with subprocess.Popen(["/bin/sleep", "600"], env=environment, start_new_session=True) as process:
        try:
            assert main(["exec", job_id]) == 2
        finally:
            process.kill()
    said = f"job {job_id} runs as a process of this machine, pid {process.pid}\n"
    assert capsys.readouterr().err.endswith(said)
    # WHEN it is not found THEN there is no number
    assert main(["exec", job_id]) == 2
    assert capsys.readouterr().err.endswith("runs as a process of this machine\n")


def test_of_several_containers_of_local_aws_the_right_one_is_named() -> None:
    task = {"taskArn": ARN, "containers": [{"name": "proxy"}, {"name": "main"}]}
    job = {"jobId": "x", "ecsProperties": {"taskProperties": [task]}}
    name = local_containers._container_name
    assert (name(job, ""), name(job, "proxy")) == (f"batchtab-local-{TASK}-1", f"batchtab-local-{TASK}-0")
    assert name({"jobId": "x", "container": {}}, "") == ""
