"""A private local AWS for tests that drive its clock, stop it or count on being alone with it."""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".batchtab" / "local-venv" / "bin" / "python"
ACCOUNT = "123456789012"
REGION = "ap-northeast-2"
SERVICES = ("events", "scheduler", "lambda", "ecs-tasks")
_NUMBERS = itertools.count(1)


@dataclass
class LocalAws:
    """A running local AWS."""

    FUNCTIONS: ClassVar = ("-job-alerts", "-submit-run")

    endpoint: str
    process: subprocess.Popen[str]
    folder: Path
    path: str
    killed: bool = False
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            session: Any = boto3.session.Session()  # its types know literal names of services only
            self._clients[service] = session.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"max_attempts": 0}),
            )
        return self._clients[service]

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def denied(self, *, applies: bool = False) -> list[Any]:
        """What was denied; where functions go, not to theirs: an invocation may outlast what its role may do."""
        found = self.get("iam")["denied"]
        return [each for each in found if not (applies and each["principal"].endswith(self.FUNCTIONS))]

    def get(self, path: str) -> Any:
        status, body = self.request("GET", f"/_local/{path}")
        assert status == 200, (path, status, body)
        return json.loads(body)

    def post(self, path: str, **content: Any) -> Any:
        status, body = self.request("POST", f"/_local/{path}", json.dumps(content).encode())
        assert status == 200, (path, status, body)
        return json.loads(body)

    def snapshot(self, file: Path) -> Path:
        """Write all state to a file, once nothing is under way; `running(…, snapshot=file)` starts from it."""
        file.write_bytes(self.state())
        return file

    def state(self) -> bytes:
        """All state, in a moment at which nothing is under way; local AWS waits some seconds for one itself."""
        deadline = time.monotonic() + 240
        while True:
            status, body = self.request("GET", "/_local/snapshot")
            if status == 200:
                return body
            assert status == 409, body
            assert time.monotonic() < deadline, body

    def serve(self, project: Path) -> None:
        """Have `batchtab` use this local AWS for a project's stage `local`, as if its `up` had started it."""
        state = project / ".batchtab"
        state.mkdir(exist_ok=True)
        (state / "aws-local.json").write_text(json.dumps({"pid": self.process.pid, "port": self.port}))

    def refused(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        status, answer = self.request(method, f"/_local/{path}", body)
        assert status >= 400, (path, status, answer)
        return status, json.loads(answer)["error"]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def command(*arguments: str) -> list[str]:
    assert PYTHON.exists(), f"{PYTHON} is missing: make the environment of local AWS from requirements/local.txt"
    return [str(PYTHON), "-m", "batchtab.local_aws", *arguments]


def write_config(folder: Path, container_engine: str = "none", **images: str) -> Path:
    (folder / "config").mkdir(parents=True, exist_ok=True)
    (folder / "work").mkdir(exist_ok=True)
    file = folder / "config" / "stage.yaml"
    content = {"account_id": ACCOUNT, "region": REGION, "local": {}}
    content["local"] = {"images": {"worker": "work", **images}, "container_engine": container_engine}
    file.write_text(yaml.safe_dump(content))
    return file


@contextlib.contextmanager
def running(
    folder: Path,
    *arguments: str,
    images: dict[str, str] | None = None,
    first_on_path: Path | None = None,
    config: Path | None = None,
    snapshot: Path | None = None,
    container_engine: str = "none",
    variables: dict[str, str] | None = None,
) -> Iterator[LocalAws]:
    """Run local AWS until the end of the block.

    Args:
        folder: Where its log is, and without `config` its configuration and the jobs' folder.
        arguments: More words of its command line.
        images: Image repositories and their folders, beside `worker`.
        first_on_path: A folder with programs for jobs.
        config: A stage's file of a project, in which local AWS then runs, instead of one that is made here.
        snapshot: A file of `LocalAws.snapshot`, of the same account and region, to start from.
        container_engine: What runs jobs as containers; only tests of that want one.
        variables: What its environment has beside this one's.
    """
    where = ROOT if config is None else config.parent.parent
    config = config or write_config(folder, container_engine, **(images or {}))
    if snapshot is not None:
        arguments = (*arguments, "--snapshot", str(snapshot))
    # Set-up may have put programs that jobs need, such as node, beside the Python that runs the tests.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if first_on_path is not None:
        path = os.pathsep.join([str(first_on_path), path])
    environment = {**os.environ, **(variables or {}), "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    with (folder / "local.log").open("w") as log:
        process = subprocess.Popen(
            command("--config", str(config), "--port", "0", *arguments),
            cwd=where,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            start_new_session=True,
        )
        # Reaped as soon as it ends: for `batchtab down` a process that was not is still there.
        threading.Thread(target=process.wait, daemon=True).start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Local AWS on http://127.0.0.1:"), (line, (folder / "local.log").read_text())
            local = LocalAws(line.split()[3], process, folder, environment["PATH"])
            wait_until(lambda: _healthy(local), "local AWS to answer", seconds=20)
            yield local
            assert local.killed or local.stop() == 0
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _healthy(local: LocalAws) -> bool:
    try:
        return bool(local.get("health")["status"] == "ok")
    except OSError:
        return False


def wait_until(true: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Returns what a function returns once it is true; asks once more at the end, as this process may have paused."""
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        if found := true():
            return found
        if waited > seconds:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(min(0.03 + waited / 20, 0.2))  # asking takes its time, too, from what is waited for


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not reaped yet does not."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


@dataclass
class Batch:
    """A compute environment and a queue of one's own, and short words for what tests do with them."""

    local: LocalAws
    environment: str
    queue: str
    role: str

    @property
    def api(self) -> Any:
        return self.local.client("batch")

    def define(self, *code: str, name: str | None = None, **more: Any) -> str:
        """Register a definition whose job runs a line of Python; returns its name."""
        name = name or unique("definition")
        properties = {
            "image": "worker:latest",
            "command": list(code) if len(code) > 1 else ["python", "-c", *code],
            "resourceRequirements": sizes(),
            **more.pop("properties", {}),
        }
        self.api.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=properties, **more
        )
        return name

    def submit(self, definition: str, **more: Any) -> str:
        request = {"jobName": unique("job"), "jobQueue": self.queue, "jobDefinition": definition, **more}
        return str(self.api.submit_job(**request)["jobId"])

    def define_gated(self, gate: str) -> str:
        """Register a definition whose job runs until its gate is opened."""
        return self.define(f"import os,time\nwhile not os.path.exists({gate!r}): time.sleep(0.02)")

    def open(self, gate: str) -> None:
        """Let the jobs of a gate end."""
        (self.local.folder / "work" / gate).touch()

    def run(self, *code: str, **more: Any) -> str:
        """Define a job and submit it."""
        return self.submit(self.define(*code, **more))

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.describe_jobs(jobs=[job_id])["jobs"][0]
        return found

    def wait(self, job_id: str, *statuses: str, seconds: float = 60) -> dict[str, Any]:
        wanted = statuses or ("SUCCEEDED", "FAILED")

        def reached() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in wanted else None

        try:
            job: dict[str, Any] = wait_until(reached, f"job {job_id} to be {' or '.join(wanted)}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: it is {self.job(job_id)}") from None
        return job

    def output(self, job: dict[str, Any], group: str = "/aws/batch/job") -> list[str]:
        events = self.local.client("logs").get_log_events(
            logGroupName=group, logStreamName=job["container"]["logStreamName"], startFromHead=True
        )
        return [event["message"] for event in events["events"]]


def sizes(vcpus: str = "1", memory: str = "64") -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]


def unique(noun: str) -> str:
    return f"{noun}-{next(_NUMBERS)}"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*services: str, **condition: Any) -> str:
    """A trust policy that lets services take a role."""
    principal = {"Service": [f"{service}.amazonaws.com" for service in services]}
    limits = {"Condition": condition} if condition else {}
    return policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal, **limits})


TRUST = trust(*SERVICES)


def instance_profile(local: LocalAws, trusted: str = "ec2") -> str:
    """Make a profile for instances of ECS, which have to write the logs of jobs; returns its ARN."""
    iam, name = local.client("iam"), unique("profile")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(trusted))
    iam.attach_role_policy(
        RoleName=name, PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
    )
    made = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return str(made)


def network(local: LocalAws) -> dict[str, Any]:
    """Make a VPC with what a compute environment needs; returns computeResources without the type."""
    ec2 = local.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return {
        "subnets": [ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]],
        "securityGroupIds": [
            ec2.create_security_group(GroupName=unique("group"), Description="-", VpcId=vpc)["GroupId"]
        ],
        "instanceRole": instance_profile(local),
    }


def ec2_resources(local: LocalAws, vcpus: int = 4, **more: Any) -> dict[str, Any]:
    return {
        **network(local),
        "type": "EC2",
        "allocationStrategy": "BEST_FIT_PROGRESSIVE",
        "instanceTypes": ["optimal"],
        "minvCpus": 0,
        "maxvCpus": vcpus,
        **more,
    }


def fargate_resources(local: LocalAws, vcpus: int = 4) -> dict[str, Any]:
    made = network(local)
    made.pop("instanceRole")
    return {**made, "type": "FARGATE", "maxvCpus": vcpus}


def make_batch(local: LocalAws, vcpus: int = 4, **queue: Any) -> Batch:
    api = local.client("batch")
    environment, name = unique("environment"), unique("queue")
    api.create_compute_environment(
        computeEnvironmentName=environment, type="MANAGED", computeResources=ec2_resources(local, vcpus)
    )
    order = [{"order": 1, "computeEnvironment": environment}]
    api.create_job_queue(**{"jobQueueName": name, "priority": 1, "computeEnvironmentOrder": order, **queue})
    return Batch(local, environment, name, make_role(local))


_ACTIONS = (
    "batch:SubmitJob",
    "batch:TagResource",
    "sqs:*",
    "logs:*",
    "ssm:GetParameters",
    "secretsmanager:GetSecretValue",
)


def make_role(
    local: LocalAws, actions: tuple[str, ...] = _ACTIONS, services: tuple[str, ...] = SERVICES, **more: Any
) -> str:
    """Make a role that EventBridge, Scheduler, Lambda and tasks may take; returns its ARN."""
    iam, name = local.client("iam"), unique("role")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(*services))["Role"]["Arn"]
    if actions:
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(allowed))
    return str(role)


def lambda_function(batch: Batch, code: str, rule: str = "arn:aws:events:*:*:rule/*", **more: Any) -> str:
    """Make a function of one file whose `handler` is called, and which a rule may call; returns its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("main.py", code)
    made = batch.local.client("lambda").create_function(
        FunctionName=unique("function"),
        Runtime="python3.12",
        Handler="main.handler",
        Role=batch.role,
        Code={"ZipFile": archive.getvalue()},
        **{"Timeout": 60, **more},
    )
    batch.local.client("lambda").add_permission(
        FunctionName=made["FunctionName"],
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    return str(made["FunctionArn"])


def function_process(local: LocalAws, function: str) -> int:
    """The process that runs a function, of which there has to be one."""
    mark = f"/ministack-lambda-{function.rpartition(':')[2]}-"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "cmdline").read_text() and alive(int(folder.name)):
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                found += [int(folder.name)] if int(parent) == local.process.pid else []
    [pid] = found
    return pid


def jobs_named(batch: Batch, name: str) -> list[dict[str, Any]]:
    """All jobs of a name in a queue, newest first."""
    filters = [{"name": "JOB_NAME", "values": [name]}]
    ids = [job["jobId"] for job in batch.api.list_jobs(jobQueue=batch.queue, filters=filters)["jobSummaryList"]]
    found: list[dict[str, Any]] = batch.api.describe_jobs(jobs=ids)["jobs"] if ids else []
    return found


def sqs_queue(local: LocalAws) -> tuple[str, str]:
    """Make an SQS queue; returns its URL and ARN."""
    name = unique("messages")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    lets_in = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Principal": {"Service": "events.amazonaws.com"},
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/*"}},
    }
    url = local.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy(lets_in)})["QueueUrl"]
    return url, arn


def received_json(local: LocalAws, url: str, number: int) -> list[dict[str, Any]]:
    """Take what is in an SQS queue, once that many messages have come; their bodies, read as JSON."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found.extend(json.loads(message["Body"]) for message in received(local, url))
        return len(found) >= number

    wait_until(is_there, f"{number} messages")
    return found


def received(local: LocalAws, url: str) -> list[dict[str, Any]]:
    """Take what is in an SQS queue."""
    found: list[dict[str, Any]] = []
    while True:
        answer = local.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        if not messages:
            return found
        for message in messages:
            local.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found += messages


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ClientException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(caught.value.response["Error"]["Message"])
