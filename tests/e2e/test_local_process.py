"""Local AWS as a process: how it starts, what it refuses, and that it leaves nothing behind."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.local_helpers import (
    REGION,
    ROOT,
    Batch,
    LocalAws,
    alive,
    command,
    lambda_function,
    make_batch,
    running,
    wait_until,
    write_config,
)
from tests.engines import FakeEngine

pytestmark = pytest.mark.e2e

# A job that ignores SIGTERM, with a child in its group and one that has left it.
STUBBORN = (
    "import os,signal,subprocess,time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "near = subprocess.Popen(['sleep', '300'])\n"
    "far = subprocess.Popen(['sleep', '300'], start_new_session=True)\n"
    "print(os.getpid(), near.pid, far.pid, flush=True)\n"
    "time.sleep(300)"
)


def start_stubborn_job(batch: Batch) -> list[int]:
    job = batch.wait(batch.run(STUBBORN), "RUNNING")
    [line] = wait_until(lambda: batch.output(job), "the job's processes")
    pids = [int(pid) for pid in line.split()]
    assert all(alive(pid) for pid in pids)
    return pids


def temporary_folder(local: LocalAws) -> Path:
    variables = Path(f"/proc/{child_of(local.process.pid)}/cmdline").read_bytes().split(b"\0")
    return next(Path(word.decode()) for word in variables if b"batchtab-local-" in word)


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def fails(*arguments: str, **environment: str) -> str:
    """Run local AWS to its refusal; returns the one line that it says."""
    done = subprocess.run(
        command(*arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert (done.returncode, done.stdout) == (2, ""), done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_it_ends_jobs_and_children_and_removes_its_folder(tmp_path: Path, number: signal.Signals) -> None:
    # GIVEN local AWS with a job that runs
    with running(tmp_path) as local:
        pids = start_stubborn_job(make_batch(local))
        folder, guard = temporary_folder(local), child_of(local.process.pid)
        assert folder.is_dir()
        # WHEN it is told to stop
        local.process.send_signal(number)
        status = local.process.wait(timeout=120)
    # THEN it ends well, and nothing of it is left
    assert status == 0
    wait_until(lambda: not any(map(alive, [*pids, guard])), "all to have ended")
    assert not folder.exists()
    assert (tmp_path / "local.log").read_text() == ""


def test_killing_it_outright_leaves_no_job_either(tmp_path: Path) -> None:
    # GIVEN local AWS with a job that runs and a function that is warm
    with running(tmp_path) as local:
        batch = make_batch(local)
        pids = [*start_stubborn_job(batch), int(invoke(local, make_function(batch))["PID"])]
        assert all(alive(pid) for pid in pids)
        folder, guard = temporary_folder(local), child_of(local.process.pid)
        # WHEN it is killed
        local.process.kill()
        local.process.wait(timeout=300)
        # THEN its guard ends the jobs, removes the folder and goes
        wait_until(lambda: not any(alive(pid) for pid in [*pids, guard]), "the jobs and the guard to end")
        assert not folder.exists()
        local.killed = True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killing_it_while_it_starts_leaves_no_folder(tmp_path: Path, number: signal.Signals) -> None:
    # GIVEN a temporary folder of its own, and local AWS killed at some moments of its start
    own = tmp_path / "tmp"
    own.mkdir()
    config = write_config(tmp_path)
    for seconds in (0.02, 0.05, 0.08, 0.11, 0.14, 0.18, 0.25, 0.4):
        process = subprocess.Popen(
            command("--config", str(config), "--port", "0"),
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(own)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        # WHEN it is killed
        process.send_signal(number)
        process.wait(timeout=120)
    # THEN nothing is left of any of them
    wait_until(lambda: list(own.iterdir()) == [], "the folders to be removed", seconds=60)


def test_stopping_it_in_the_middle_of_a_walk_through_time_is_quick_and_quiet(tmp_path: Path) -> None:
    # GIVEN a walk through a day that meets a job every minute
    with running(tmp_path) as local:
        batch = make_batch(local)
        events, name = local.client("events"), batch.define("import time; time.sleep(1)")
        events.put_rule(Name="rule", ScheduleExpression="rate(1 minute)")
        queue = batch.api.describe_job_queues(jobQueues=[batch.queue])["jobQueues"][0]["jobQueueArn"]
        parameters = {"JobDefinition": name, "JobName": "job"}
        events.put_targets(
            Rule="rule", Targets=[{"Id": "1", "Arn": queue, "RoleArn": batch.role, "BatchParameters": parameters}]
        )
        with ThreadPoolExecutor(1) as pool:
            walk = pool.submit(local.post, "clock", advance_seconds=86_400)
            wait_until(lambda: batch.api.list_jobs(jobQueue=batch.queue)["jobSummaryList"], "the first job")
            # WHEN it is stopped
            began = time.monotonic()
            assert local.stop() == 0
            # THEN it does not walk to the end, and says nothing
            assert time.monotonic() - began < 120  # the whole walk takes more than twenty minutes
            with contextlib.suppress(OSError, http.client.HTTPException):  # its answer may come too late to be sent
                assert walk.result()["speed"] == 1
    assert (tmp_path / "local.log").read_text() == ""


def test_it_listens_on_the_loopback_only(tmp_path: Path) -> None:
    with running(tmp_path) as local:
        entries = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        addresses = [
            entry[1] for entry in entries if entry[3] == "0A" and int(entry[1].split(":")[1], 16) == local.port
        ]
        assert addresses == [f"0100007F:{local.port:04X}"]
        health = local.get("health")
        assert health == {
            "status": "ok",
            "pid": local.process.pid,
            "port": local.port,
            "version": "ministack 1.5.33",
            "folder": str(ROOT),
        }


def test_web_page_of_another_site_may_not_use_it(tmp_path: Path) -> None:
    # GIVEN a browser that shows a page from elsewhere
    with running(tmp_path) as local:
        elsewhere = {"Origin": "https://example.com"}
        # WHEN the page asks for a job definition to be made, or for a reset, THEN it is refused
        for path in ("/v1/registerjobdefinition", "/_local/reset", "/_local/slack"):
            status, body = local.request("POST", path, b"{}", elsewhere)
            assert status == 403, path
            assert b"https://example.com" in body
        # WHEN an image of the page is to make a stack, whose function would run at once, THEN so is that
        image = {"Referer": "https://example.com/", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
        stack = "/?Action=CreateStack&Version=2010-05-15&StackName=evil&TemplateBody=%7B%7D"
        assert local.request("GET", stack, headers=image)[0] == 403
        # AND without the headers of newer browsers, as it has no signature
        for path in (stack, f"{stack}&X-Amz-Signature=0", "/2015-03-31/functions/"):
            status, body = local.request("GET", path)
            assert (status, b"signature" in body) == (403, True), path
        # WHEN its own name is given this machine's address, THEN it reads nothing
        for path in ("/_local/slack", "/stage-bucket/local/environment.tfstate"):
            assert local.request("GET", path, headers={"Host": f"evil.example:{local.port}"})[0] == 403, path
        # AND our own page is not refused
        own = {"Origin": local.endpoint, "Sec-Fetch-Site": "same-origin"}
        assert local.request("POST", "/_local/slack", b'{"text": "x"}', own)[0] == 200
        # AND neither is a URL that S3 presigned
        s3 = local.client("s3")
        s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
        s3.put_object(Bucket="files", Key="a", Body=b"content")
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "files", "Key": "a"})
        assert local.request("GET", url.removeprefix(local.endpoint)) == (200, b"content")


def test_job_runs_as_a_container_where_an_engine_has_its_image(tmp_path: Path) -> None:
    # GIVEN a stand-in for an engine that has one image
    fake = FakeEngine.install(tmp_path / "bin", "docker", "boxed:1")
    with running(tmp_path, first_on_path=fake.folder, container_engine="docker") as local:
        batch = make_batch(local)
        # WHEN a job of that image runs, one of another image, and one that is terminated
        code = "import os; print('in', os.environ.get('MINE'), os.environ['AWS_BATCH_JOB_ATTEMPT'])"
        mine = {"environment": [{"name": "MINE", "value": "s3cret"}]}
        boxed = batch.wait(batch.run(sys.executable, "-c", code, properties={"image": "boxed:1", **mine}))
        plain = batch.wait(batch.run("print('plain')"))
        long = batch.run("sh", "-c", "echo up; exec sleep 60", properties={"image": "boxed:1"})
        running_job = batch.wait(long, "RUNNING")
        wait_until(lambda: batch.output(running_job), "the container")
        batch.api.terminate_job(jobId=long, reason="enough")
        terminated = batch.wait(long)
        output = batch.output(boxed)
    # THEN the first ran in a container, which is removed afterwards; the second as a process
    assert (boxed["status"], output) == ("SUCCEEDED", ["in s3cret 1"])
    task = boxed["container"]["taskArn"].rpartition("/")[2]
    calls = "\n".join(fake.calls())
    assert f"create --name batchtab-local-{task} " in calls
    assert f"--label batchtab.local-aws.job={boxed['jobId']}" in calls
    assert "s3cret" not in calls
    assert plain["status"] == "SUCCEEDED"
    assert plain["container"]["taskArn"].rpartition("/")[2] not in calls
    assert (terminated["statusReason"], terminated["container"]["exitCode"]) == ("enough", 143)
    assert fake.containers() == []


def test_an_engine_that_is_wanted_and_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    file = write_config(tmp_path, "finch")
    line = fails("--config", str(file), "--port", "0", PATH="/usr/bin:/bin")
    assert line.startswith(f"local: {file}: local.container_engine: finch is not installed; start it, or write auto")


def test_port_in_use_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = fails("--config", str(write_config(tmp_path)), "--port", str(port))
    assert line.startswith(f"local: port {port} on 127.0.0.1 can't be used")
    assert "--port" in line


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("del module._invoke_target", "has no ministack.services.eventbridge._invoke_target"),
        ("module._invoke_target = lambda event: None", "its parameters are event"),
    ],
)
def test_missing_hook_in_ministack_is_told_by_name(tmp_path: Path, change: str, told: str) -> None:
    # GIVEN a ministack that lacks what we build on
    (tmp_path / "sitecustomize.py").write_text(f"import ministack.services.eventbridge as module\n{change}\n")
    # WHEN local AWS starts
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    line = fails("--config", str(write_config(tmp_path)), "--port", "0", PYTHONPATH=path)
    # THEN it says which
    assert told in line
    assert "batchtab setup local" in line


@pytest.mark.parametrize("options", [["-S"], []])
def test_environment_without_what_it_needs_is_told(options: list[str]) -> None:
    # GIVEN a Python without ministack: the one that runs the tests, or one without any package
    python = [sys.executable, *options]
    # WHEN local AWS is started with it
    done = subprocess.run(
        [*python, "-m", "batchtab.local_aws", "--port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # THEN it says what to install
    assert (done.returncode, done.stdout) == (2, ""), done
    assert len(done.stderr.strip().splitlines()) == 1
    assert "is not installed" in done.stderr
    assert "batchtab setup local" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("local: {images: {a: nowhere}}", "no folder 'nowhere'"),
        ("local: {image: {}}", "unknown key 'image'"),
        ("local: {port: high}", "'high' is not a port"),
        ("account_id: 12", "'12' is not an account"),
        ("local: {container_engine: dokcer}", "'dokcer' is not one of auto, docker, podman, nerdctl, finch, none"),
        ("region: [a]", "is not a region"),
        ("- a", "must be a mapping"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_wrong_configuration_is_told_in_one_line(tmp_path: Path, content: str, told: str) -> None:
    file = write_config(tmp_path)
    file.write_text(content)
    line = fails("--config", str(file), "--port", "0")
    assert line.startswith(f"local: {file}: ")
    assert told in line


def test_configuration_that_was_named_must_exist(tmp_path: Path) -> None:
    assert "no such file" in fails("--config", str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("arguments", [("--speed", "-1"), ("--speed", "x"), ("--time", "noon"), ("--port", "http")])
def test_wrong_argument_is_refused(arguments: tuple[str, str]) -> None:
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert f"argument {arguments[0]}" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_every_option() -> None:
    done = subprocess.run(command("--help"), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    for option in ("--config", "--port", "--time", "--speed", "--snapshot"):
        assert option in done.stdout


def test_reset_ends_jobs_and_empties_everything(tmp_path: Path) -> None:
    with running(tmp_path) as local:
        # GIVEN a job that runs, a message and a bucket
        batch = make_batch(local)
        pids = start_stubborn_job(batch)
        local.post("slack", text="hello")
        local.client("sqs").create_queue(QueueName="q")
        # WHEN everything is reset
        local.post("reset")
        # THEN the job's processes have ended, and nothing is there
        wait_until(lambda: not any(map(alive, pids[:2])), "the job's processes to end")
        assert local.get("slack") == []
        assert batch.api.describe_job_queues()["jobQueues"] == []
        assert local.client("sqs").list_queues().get("QueueUrls", []) == []
        # AND it goes on working
        again = make_batch(local)
        assert again.wait(again.run("pass"))["status"] == "SUCCEEDED"


def test_what_reached_slack_is_kept_as_it_came(tmp_path: Path) -> None:
    with running(tmp_path) as local:
        # GIVEN a message as the alert sends it, and one of Slack's block kit, with characters of HTML
        attachment = {"color": "danger", "text": "my-service <b>failed</b>"}
        first = {"channel": "#jobs", "username": "AWS Batch", "icon_emoji": ":x:", "attachments": [attachment]}
        second = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "a & b"}}]}
        for message in (first, second):
            local.post("slack", **message)
        # THEN the list has them unchanged
        entries = local.get("slack")
        assert [entry["message"] for entry in entries] == [first, second]
        assert all(entry["received_at"].endswith("Z") for entry in entries)
        # AND what can't be served is told
        assert local.refused("POST", "slack", b"not json")[0] == 400
        assert local.refused("DELETE", "slack")[0] == 405
        assert local.refused("GET", "none")[0] == 404


def test_neither_jobs_nor_functions_see_the_callers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a secret in the environment of whoever starts local AWS
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    with running(tmp_path) as local:
        batch = make_batch(local)
        # WHEN a job and a function tell their environment
        job = batch.wait(batch.run("import json,os; print(json.dumps(dict(os.environ)))"))
        of_job = json.loads(batch.output(job)[0])
        of_function = invoke(local, make_function(batch))
    # THEN it isn't there, and both find local AWS
    for seen in (of_job, of_function):
        assert "MY_TOKEN" not in seen
        assert seen["AWS_ENDPOINT_URL"] == local.endpoint
        assert seen["AWS_REGION"] == REGION


def make_function(batch: Batch) -> str:
    return lambda_function(batch, "import os\ndef handler(event, context): return {**os.environ, 'PID': os.getpid()}\n")


def invoke(local: LocalAws, function: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(local.client("lambda").invoke(FunctionName=function)["Payload"].read())
    return answer
