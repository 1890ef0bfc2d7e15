"""Each `batchtab …` of the pages: the parser takes all, and those that need neither a network nor Terraform are run."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.doc_blocks import NOW, Call, Clock, calls, git, is_shown, shown
from tests.projects import copy_project
from tests.unit.cli.listing_aws import ACCOUNT, ARN
from tests.unit.cli.web_stage import WebAws
from typer.core import TyperCommand

from batchtab.cli.commands import COMMANDS
from batchtab.cli.main import main

#: How a command is tried: on a project's files, on an AWS in memory too, or, with the reason, by the parser alone.
FILES, AWS = "files", "an AWS in memory"
TRIED = {
    **dict.fromkeys(("check", "diff", "next", "calendar", "env", "init", "upgrade", "schema"), FILES),
    **dict.fromkeys(("status", "jobs", "ps", "describe", "history", "why", "logs", "run", "stop", "retry"), AWS),
    **dict.fromkeys(("backfill", "pause", "resume", "alerts", "open", "cost"), AWS),
    **dict.fromkeys(("plan", "deploy", "unlock", "up", "down", "lock"), "runs Terraform, which tests/e2e does"),
    "bootstrap": "creates a bucket, which tests/e2e/ci_roles.py does",
    "doctor": "asks for programs and all of AWS, which tests/unit/cli/test_doctor.py has",
    "exec": "needs AWS's plugin for sessions, which tests/unit/cli/test_exec.py has",
    "import": "reads files of another system, which tests/unit/importers has",
    "setup": "installs programs, which tests/e2e/test_installed.py does",
    "web": "serves until Ctrl-C, which tests/unit/cli/test_web.py has",
    "ci": "is a step of a workflow, with its credentials; tests/e2e has them",
    "--install-completion": "changes files of the shell",
}
#: Written by `make modules`, and compared with the parser by tests/contract/test_reference_pages.py.
GENERATED = "docs/reference/cli.md"
#: Jobs that pages name and the tests' project does not have.
FURTHER: dict[str, dict[str, Any]] = {
    "examples": {"long": {}, "pictures": {"array_size": 40}, "minute-queue": {"schedule": "* * * * *"}},
    "billing": {name: {"schedule": "0 9 * * *"} for name in ("invoices", "close-books", "dunning")},
}
#: The runs that pages name, and one more: id, job, status, vCPUs, scheduled time.
RUNS = (
    ("fbe360b1-ef0c-4aaf-8aca-d282d0bcba62", "examples-minute-queue", "SUCCEEDED", 1, "2026-11-30T04:06:00Z"),
    ("17b439c7-6d61-4ca4-a33f-06756771e99f", "examples-hello", "RUNNABLE", 64, ""),
    ("468bd42f-eb8a-49b3-b2e4-3f9a1999437d", "examples-hello", "RUNNABLE", 1, "2026-11-30T04:05:48Z"),
    ("8d21dbee-1d3f-428c-818f-0302192c8ec2", "examples-fail", "FAILED", 1, "2026-11-30T00:00:00Z"),
    ("9206c665-6e57-4a57-93c9-20be148f0b8b", "examples-long", "RUNNING", 1, ""),
    ("8cace16b-169f-48db-add5-0f075190dad7", "examples-pictures", "FAILED", 1, "2026-11-29T03:00:00Z"),
    ("70483274-614e-46a9-bd05-a0393b612d0f", "examples-minute-queue", "FAILED", 1, "2026-11-29T00:00:00Z"),
    ("5f7c19e9-d25a-4864-ace9-2d8266ad6544", "examples-sync", "FAILED", 1, "2026-11-30T00:00:00Z"),
)
CALLS = [call for call in calls("batchtab") if call.block.page != GENERATED and len(call.words) > 1]

#: What pages show of outputs, and the commands whose whole output the AWS in memory has as a page does.
SHOWN = shown()
WHOLE = ("open tick --stage prod -o name", "why report@2026-11-28T09:00", "why 468bd42f")


def once(chosen: Callable[[str], bool]) -> list[Any]:
    """The different command lines whose command is chosen, each with the first place that has it."""
    found: dict[tuple[str, ...], Call] = {}
    for call in CALLS:
        if chosen(TRIED.get(call.words[1], "")):
            found.setdefault(call.words, call)
    return [pytest.param(call, id=f"{call.block.place} {shlex.join(call.words)}") for call in found.values()]


def is_name(call: Call, said: str) -> bool:
    """Whether a sentence only names a command or an option, without what it needs."""
    missing = ("missing argument", "missing option", "requires an argument", ": name a run")
    return call.block.language == "inline" and any(words in said for words in missing)


def test_each_command_says_how_it_is_tried() -> None:
    assert {command.name for command in COMMANDS} == {name for name in TRIED if not name.startswith("-")}


def test_the_parser_takes_each_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN commands that do nothing
    monkeypatch.setattr(TyperCommand, "invoke", lambda *_: None)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    faults = []
    for call in CALLS:
        # WHEN each is called as a page has it
        if call.words[1:] not in ((), ("ci",), ("--install-completion",)) and main(call.words[1:]) != 0:
            said = capsys.readouterr().err
            if not is_name(call, said):
                faults.append(f"{call.block.place}: {shlex.join(call.words)}: {said}")
    # THEN none has an unknown option, a value that it does not take, or too few arguments
    assert faults == []
    assert len(CALLS) > 300


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the stages and jobs of the pages, committed."""
    made = copy_project(tmp_path_factory.mktemp("docs") / "project")
    (made / "config" / "example.yaml").rename(made / "config" / "prod.yaml")
    for service, jobs in FURTHER.items():
        path = made / "jobs" / service / "jobs.yaml"
        path.parent.mkdir(exist_ok=True)
        content = yaml.safe_load(path.read_text()) if path.exists() else {"service": service, "jobs": {}}
        content["jobs"] |= {name: {"command": ["run"], **fields} for name, fields in jobs.items()}
        path.write_text(yaml.safe_dump(content, sort_keys=False))
    git(made, "init -q -b main", "add --all", "commit -q -m first")
    return made


@pytest.fixture(autouse=True)
def _in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.mark.parametrize("call", once(lambda how: how == FILES))
def test_a_command_on_files_does_what_it_says(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an empty folder for what creates a project, and a new project for what upgrades one
    empty = tmp_path / "new" / "empty"
    empty.mkdir(parents=True)
    if call.words[1] in ("init", "upgrade"):
        monkeypatch.chdir(empty)
    if call.words[1] == "upgrade":
        assert main(["init", "."]) == 0
    # WHEN the command is run
    status = main(call.words[1:])
    output = capsys.readouterr()
    # THEN it succeeds, and `--strict` has warnings
    if status != 0 and is_name(call, output.err):
        return
    assert status == (2 if "--strict" in call.words else 0), output.err
    assert output.out or output.err


class StageAws(WebAws):
    """The AWS of a stage. Its clients are made once, because boto3 takes its time to make them."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self.prefix = f"batchtab-{stage}"
        self.queues = {f"{self.prefix}-{name.rpartition('-')[2]}": its for name, its in self.queues.items()}
        self.letters = {f"{self.prefix}-{name}-dead-letter": [] for name in ("trigger", "job-alerts")}
        self.policies = {f"{self.prefix}-my-service-do-something-job": ["s3:GetObject", "s3:ListBucket"]}
        vars(self)["client"] = cache(self.client)

    def _answer(self, model: Any, params: dict[str, Any], **others: Any) -> Any:
        self.path = str(params.get("url_path"))
        return super()._answer(model, params, **others)

    def scheduler_GetSchedule(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if not self.path.endswith("-report"):  # the others have rules
            return super().scheduler_GetSchedule(request)
        return {"State": "ENABLED"}

    def fill(self) -> None:
        """What it has before each command."""
        self.jobs.clear()
        jobs = ("examples-tick", "examples-sync", "examples-minute-queue", "my-service-do-something")
        self.rules = {f"{self.prefix}-{job}": "ENABLED" for job in jobs}
        self.fronts = {"default": [job_id for job_id, _, status, *_ in RUNS if status == "RUNNABLE"]}
        self.answer = lambda _: {"outcome": "submitted", "job_id": RUNS[0][0]}
        for number, run in enumerate(RUNS):
            self.jobs[run[0]] = self.run(number, *run)
            self.streams[run[0]] = ["an error", "done"]
        names = {"my-service-do-something", *(job for _, job, *_ in RUNS)}
        self.definitions = [self.definition(f"{self.prefix}-{name}") for name in sorted(names)]

    def run(self, number: int, job_id: str, job: str, status: str, vcpus: int, time: str) -> dict[str, Any]:
        """A job of Batch; one that waits was asked for 14 seconds ago, all others 20 minutes ago."""
        begin = int(NOW.timestamp() * 1000) - (14_000 if status == "RUNNABLE" else 1_200_000) + number
        times = {"startedAt": begin, "stoppedAt": begin + 600_000}
        attempt = {**times, "container": {"logStreamName": job_id, "exitCode": 3}}
        ended = {**times, "attempts": [attempt]} if status in ("FAILED", "SUCCEEDED") else {}
        variables = {"BATCHTAB_SCHEDULED_TIME": time, "BATCHTAB_RUN_ID": f"{job}@{time}"} if time else {}
        mode = {"BATCHTAB_RUN_MODE": "manual"} if status == "RUNNABLE" else {}
        self.add(number, job, status, environment=variables | mode, asks=(vcpus, 2048), createdAt=begin)
        _, made = self.jobs.popitem()
        stuck = {"statusReason": "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - no"} if vcpus > 16 else {}
        return {**made, **ended, **stuck, "jobId": job_id}

    def definition(self, name: str) -> dict[str, Any]:
        """A job definition, as Terraform deployed it."""
        role = {"jobRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}-job"}
        arn = {"jobDefinitionArn": f"{ARN}:job-definition/{name}:1", "jobDefinitionName": name, "revision": 1}
        properties = {"command": ["run"], "image": "python", **role}
        return {**arn, "type": "container", "status": "ACTIVE", "containerProperties": properties}


@pytest.fixture(scope="module")
def stages() -> dict[str, StageAws]:
    return {stage: StageAws(stage) for stage in ("local", "prod")}


@pytest.fixture
def _aws(stages: dict[str, StageAws], monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs that the pages name, at the pages' time, and a person who says yes."""
    for aws in stages.values():
        aws.fill()
    for command in COMMANDS:
        if TRIED[command.name] == AWS:
            module = importlib.import_module(f"batchtab.cli.{command.target.partition(':')[0]}")
            monkeypatch.setattr(module, "connect", lambda session: stages[session.catalog.stage.name])
    for name, module in [*sys.modules.items()]:
        if name.startswith(("batchtab.aws.", "batchtab.cli.jobs.")) and hasattr(module, "datetime"):
            monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.usefixtures("_aws")
@pytest.mark.parametrize("call", once(lambda how: how == AWS))
def test_a_command_on_aws_does_what_it_says(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN the command is run; local AWS has no console to open
    given = ("--stage", "prod") if call.words[1] == "open" and "--stage" not in call.words else ()
    status = main([*call.words[1:], *given])
    output = capsys.readouterr()
    # THEN it succeeds; what follows a run ends as that did
    if status != 0 and is_name(call, output.err):
        return
    assert status in ({0, 1} if "-f" in call.words else {0}), output.out + output.err
    # AND a page shows what it prints, or at least its columns and labels
    page = SHOWN.get(call.words)
    if page and shlex.join(call.words[1:]) in WHOLE:
        assert is_shown(page, output.out), output.out
    elif page:
        assert labels(page) <= labels(output.out + output.err)


def labels(text: str) -> set[str]:
    """The columns of a table, or the labels at the beginnings of a page's lines."""
    for line in text.splitlines():
        if re.match("(job|status)  ", line):
            return set(re.split("  +", line))
    return set(re.findall(r"^[a-z]+(?: [a-z]+)*(?=  )|^(?:cause|fix|do):", text, re.MULTILINE))


def test_a_whole_output_is_one_of_a_page() -> None:
    assert {shlex.join(words[1:]) for words in SHOWN} >= set(WHOLE)
