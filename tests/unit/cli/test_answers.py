"""Every command by what may be wrong with the way to AWS: one line, status 2, and what helps."""

from __future__ import annotations

import importlib
import inspect
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from botocore import exceptions, hooks
from botocore.config import Config
from botocore.parsers import ResponseParserError
from botocore.utils import FileWebIdentityTokenLoader
from tests.unit.cli.answering_aws import AnsweringAws, answering

from batchtab.aws import answers, client
from batchtab.cli.commands import CI, COMMANDS
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.main import main
from batchtab.terraform.session import Session

STAGE = "stage example (account 123456789012, ap-northeast-2)"
DEPLOY, BOOTSTRAP = "batchtab deploy --stage example", "batchtab bootstrap --stage example"
_MONTH = ["--from", "2026-03-02", "--to", "2026-03-03"]

#: Each command that calls AWS, as somebody types it.
CALLS = {
    "status": ["status"],
    "jobs": ["jobs"],
    "ps": ["ps"],
    "describe": ["describe", "tick"],
    "history": ["history"],
    "cost": ["cost"],
    "run": ["run", "nightly"],
    "logs": ["logs", "tick"],
    "exec": ["exec", "tick"],
    "why": ["why", "report"],
    "backfill": ["backfill", "report", *_MONTH],
    "stop": ["stop", "hello", "--yes"],
    "retry": ["retry", "report"],
    "open": ["open", "tick"],
    "pause": ["pause", "tick"],
    "resume": ["resume", "tick"],
    "alerts list": ["alerts", "list"],
    "alerts redrive": ["alerts", "redrive"],
    "plan": ["plan"],
    "deploy": ["deploy", "--unreviewed"],
    "bootstrap": ["bootstrap"],
    "unlock": ["unlock", "environment"],
    "import": ["import", "aws"],
    "ci runner-image": ["ci", "runner-image", "--build"],
    "ci roles": ["ci", "roles", "--repository", "my-company/jobs", "--repository-id", "4"],
}
#: Those that serve pages: at their start they ask whose the credentials are, and a page says what else is wrong.
PAGES = {"web": ["web", "--port", "0"]}
#: Those that say it among their findings, on stdout, and end with status 1 where they could not do their work.
REPORTS = {"doctor": ["doctor"]}
#: Those that call local AWS alone.
LOCAL = {"up": ["up"], "down": ["down"], "ci roles --audit": ["ci", "roles", "--audit"]}
#: Those that call no AWS.
OTHERS = {
    *("check", "diff", "next", "calendar", "env", "init", "upgrade", "setup", "lock", "schema"),
    *("ci stage", "ci synth", "ci scan", "ci summary", "ci comment", "ci reviewed", "ci drift", "ci environment"),
    *("ci release-files", "ci registry-files", "ci release-publish"),
}

CASES: dict[str, tuple[str, str]] = {
    "no network": (f"AWS cannot be reached for {STAGE}: Could not connect", "network, VPN, proxy?"),
    "no credentials": (f"there are no AWS credentials for {STAGE}", "aws sso login"),
    "no such profile": ("there is no AWS profile 'nope'", "aws configure list-profiles"),
    "expired": (f"the AWS credentials for {STAGE} have expired", "AWS_ACCESS_KEY_ID"),
    "expired meanwhile": (f"the AWS credentials for {STAGE} have expired", "AWS_ACCESS_KEY_ID"),
    "denied": ("AWS denied ", "AWS_PROFILE=NAME"),
    "wrong account": (
        "the credentials belong to account 000000000000, and stage example is account 123456789012",
        "AWS_PROFILE=NAME of a profile of 123456789012",
    ),
    "not deployed": (f": not deployed to {STAGE}", DEPLOY),
    "no bucket": (f"the state bucket my-company-terraform-state for {STAGE} does not exist", BOOTSTRAP),
}
#: Of these, what a command says instead; None where that is no fault for it.
OWN: dict[tuple[str, str], tuple[str, str] | None] = {
    ("plan", "not deployed"): None,  # it plans the first deployment
    ("deploy", "not deployed"): None,
    ("ci roles", "not deployed"): None,  # roles come before a deployment
    ("bootstrap", "not deployed"): None,
    ("bootstrap", "no bucket"): None,  # it makes one
    ("import", "not deployed"): None,  # it looks for what Batchtab did not deploy
    ("import", "no bucket"): None,
    ("bootstrap", "denied"): ("is another account's, or the credentials may not see it (403)", "state.bucket"),
    **{
        (command, "expired meanwhile"): (  # an answer to HEAD has no code
            f"AWS refused HeadBucket for {STAGE}: the credentials may have expired (400)",
            "set new AWS_ACCESS_KEY_ID",
        )
        for command in ("bootstrap", "ci roles")
    },
    ("ci runner-image", "not deployed"): ("the repository batchtab-runner does not exist", DEPLOY),
    ("ci runner-image", "no bucket"): ("the repository batchtab-runner does not exist", DEPLOY),
    **{
        (command, "no bucket"): (f": not deployed to {STAGE}", BOOTSTRAP)
        for command in (
            *("status", "jobs", "ps", "describe", "history", "why", "logs", "exec", "run", "stop", "retry"),
            *("open", "cost", "backfill", "pause", "resume", "alerts list", "alerts redrive"),
        )
    },
}
MATRIX = [
    pytest.param(command, case, *said, id=f"{command}, {case}")
    for command in CALLS
    for case in CASES
    if (said := OWN.get((command, case), CASES[case])) is not None
]


@pytest.fixture(scope="module")
def server() -> Iterator[AnsweringAws]:
    with answering() as found:
        yield found


@pytest.fixture
def aws(server: AnsweringAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnsweringAws:
    """AWS, with keys in the environment and nothing of this machine's own."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.__dict__.update({**AnsweringAws().__dict__, "url": server.url})
    return server


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is bound and refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def given(case: str, aws: AnsweringAws, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if case == "no network":
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    elif case == "no credentials":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    elif case == "no such profile":
        monkeypatch.setenv("AWS_PROFILE", "nope")
    elif case == "expired":
        aws.account = None
    elif case == "wrong account":
        aws.account = "000000000000"
    elif case == "no bucket":
        aws.has_bucket = False
    elif case != "not deployed":
        aws.then = case.split(maxsplit=1)[0]


@pytest.mark.parametrize(("command", "case", "said", "hint"), MATRIX)
def test_every_command_says_in_one_line_what_is_wrong_and_what_helps(
    command: str,
    case: str,
    said: str,
    hint: str,
    aws: AnsweringAws,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN one thing that is wrong
    given(case, aws, closed_port, monkeypatch)
    # WHEN the command is called
    status = main([*CALLS[command], "--stage", "example"])
    # THEN it says so in one line
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert (status, output.out) == (2, "")
    assert line.startswith("batchtab: ")
    message, _, its_hint = line.partition(" [hint: ")
    assert said in message
    assert hint in its_hint
    # AND whose the credentials are was asked once, and nothing else with those of another account
    reached = case not in ("no network", "no credentials", "no such profile")
    assert aws.called.count("sts") == reached
    assert case not in ("expired", "wrong account") or aws.called == ["sts"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case not in ("denied", "not deployed", "expired meanwhile", "no bucket")]
)
@pytest.mark.parametrize("command", PAGES)
def test_pages_are_not_served_with_credentials_that_are_wrong(
    command: str,
    case: str,
    aws: AnsweringAws,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given(case, aws, closed_port, monkeypatch)
    assert main([*PAGES[command], "--stage", "example"]) == 2
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert output.out == ""
    assert all(each in line for each in CASES[case])


@pytest.mark.parametrize(
    "case", [case for case in CASES if case not in ("denied", "not deployed", "expired meanwhile")]
)
@pytest.mark.parametrize("command", REPORTS)
def test_a_report_says_it_as_a_finding(
    command: str,
    case: str,
    aws: AnsweringAws,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN one thing that is wrong
    given(case, aws, closed_port, monkeypatch)
    # WHEN the command is called
    status = main([*REPORTS[command], "--stage", "example", "-o", "json"])
    # THEN it is a finding, with what helps
    output = capsys.readouterr()
    said, hint = CASES[case] if case != "no bucket" else ("does not exist", BOOTSTRAP)
    found = [each for each in json.loads(output.out) if said in f"{each['subject']} {each['problem']}"]
    assert status == 1
    assert hint in found[0]["fix"]
    # AND without an account nothing else is asked, which is said once
    is_away = case != "no bucket"
    assert (output.err.count("What needs AWS was not checked.") == 1) is is_away
    reached = case not in ("no network", "no credentials", "no such profile")
    assert not is_away or aws.called == ["sts"] * reached


@pytest.mark.parametrize("case", ["denied", "expired meanwhile", "not deployed"])
@pytest.mark.parametrize("command", REPORTS)
def test_a_report_goes_on_where_calls_are_refused(
    command: str,
    case: str,
    aws: AnsweringAws,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given(case, aws, closed_port, monkeypatch)
    main([*REPORTS[command], "--stage", "example", "-o", "json"])
    output = capsys.readouterr()
    checks = {each["check"] for each in json.loads(output.out)}
    assert {"account", "state", "queues", "network", "quotas"} <= checks
    assert "Traceback" not in output.err


def test_every_command_is_in_the_table_or_calls_no_aws() -> None:
    def leaves(table: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
        for name, target in table:
            module, _, function = target.partition(":")
            found = getattr(importlib.import_module(f"batchtab.cli.{module}"), function)
            if isinstance(found, typer.Typer):
                for each in found.registered_commands:
                    assert each.callback is not None
                    yield f"{name} {each.name or each.callback.__name__}", module
            else:
                yield name, module

    tops = tuple((each.name, each.target) for each in COMMANDS if each.target)
    known = dict(leaves((*tops, *((f"ci {each.name}", each.target) for each in CI))))
    assert {*CALLS, *PAGES, *REPORTS, *LOCAL, *OTHERS} - {"ci roles --audit"} == set(known)
    assert not set(CALLS) & OTHERS
    # AND those that are said to call no AWS do not know the way to it
    for name in OTHERS:
        source = inspect.getsource(importlib.import_module(f"batchtab.cli.{known[name]}"))
        assert "batchtab.cli.connection" not in source, name
        assert "batchtab.aws" not in source, name


@pytest.mark.parametrize("command", LOCAL)
def test_a_command_for_local_aws_takes_no_other_stage(
    command: str, aws: AnsweringAws, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LOCAL[command], "--stage", "example"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "stage example is on AWS" in line
    assert aws.called == []


@pytest.mark.parametrize("command", [name for name in CALLS if not name.startswith("ci ") and name != "open"])
def test_a_local_stage_needs_no_account_and_no_profile(
    command: str, aws: AnsweringAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN local AWS without the stage, and a shell with a profile that no file has
    monkeypatch.setattr(Session, "endpoint_url", aws.url)
    monkeypatch.setattr(Daemon, "health", lambda *_: None)
    monkeypatch.setenv("AWS_PROFILE", "nope")
    aws.has_bucket = command != "plan"
    if command in ("deploy", "bootstrap"):
        aws.then = "denied"
    # WHEN a command is called
    assert main([*CALLS[command], "--stage", "local"]) == 2
    # THEN nobody asks whose the keys are, and local AWS's own command helps
    (line,) = capsys.readouterr().err.splitlines()
    assert "sts" not in aws.called
    assert aws.called
    assert command in ("deploy", "bootstrap", "plan") or line.endswith("[hint: batchtab up --stage local]")


def test_an_endpoint_that_does_not_answer_is_given_up(
    aws: AnsweringAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an endpoint that takes connections and says nothing
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(client, "_FIRST_CONFIG", client._FIRST_CONFIG.merge(Config(read_timeout=0.1)))
        assert main(["status", "--stage", "example"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"AWS cannot be reached for {STAGE}: Read timeout on endpoint URL" in line
    assert aws.called == []


def test_no_call_waits_for_more_than_half_a_minute_for_whose_the_credentials_are() -> None:
    found = client._FIRST_CONFIG
    assert (found.connect_timeout + found.read_timeout) * found.retries["total_max_attempts"] <= 30


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ENDPOINT_URL", "nonsense", "AWS cannot be called: Invalid endpoint: nonsense"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:99999", f"AWS cannot be called for {STAGE}: Port"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nope", f"AWS cannot be called for {STAGE}: [Errno 2] No such file"),
        ("AWS_REGION", "no region", "not deployed to stage example"),  # the stage's file says where
        ("AWS_RETRY_MODE", "never", "not deployed to stage example"),
        ("AWS_CA_BUNDLE", "/no/such/file", "AWS cannot be reached"),
        ("AWS_DEFAULTS_MODE", "never", "AWS cannot be called"),
    ],
)
def test_a_wrong_variable_is_one_line(
    variable: str,
    value: str,
    said: str,
    aws: AnsweringAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if variable == "AWS_CA_BUNDLE":
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url.replace("http:", "https:"))
    if variable == "AWS_WEB_IDENTITY_TOKEN_FILE":  # it is looked at where there are no keys
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/x")
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv(variable, value)
    assert main(["pause", "tick", "--stage", "example"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("sso_session = x\nsso_account_id = 123456789012\nsso_role_name = r", "has expired, or never was"),
        ("credential_process = /bin/false", "cannot be read: Error when retrieving credentials from custom-process"),
        ("credential_process = /no/such/program", "AWS cannot be called: [Errno 2] No such file"),
        ("aws_access_key_id = x", "there are no AWS credentials"),
        ("source_profile = p\nrole_arn = arn:aws:iam::1:role/r", "AWS cannot be called"),
        ("role_arn = arn:aws:iam::1:role/r\nsource_profile = q", "AWS cannot be called"),
    ],
)
def test_a_profile_that_gives_no_credentials_is_one_line(
    profile: str,
    said: str,
    aws: AnsweringAws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a profile whose credentials come from elsewhere, and do not
    session = "[sso-session x]\nsso_region = eu-west-1\nsso_start_url = https://example.com\n"
    (tmp_path / "none").write_text(f"[profile p]\n{profile}\n{session}")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "p")
    monkeypatch.setenv("HOME", str(tmp_path))
    # WHEN a command is called
    assert main(["pause", "tick", "--stage", "example"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert aws.called == []


def _client_error(code: str, message: str = "m") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "ListJobs")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            exceptions.UnauthorizedSSOTokenError(),
            "the sign-in to AWS has expired, or never was [hint: AWS_PROFILE=NAME",
        ),
        (exceptions.SSOTokenLoadError(error_msg="x"), "the sign-in to AWS has expired"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="x"), "the sign-in to AWS has expired"),
        (exceptions.LoginRefreshRequired(), "[hint: AWS_PROFILE=NAME, aws login]"),
        (exceptions.ConnectTimeoutError(endpoint_url="u"), "AWS cannot be reached: Connect timeout"),
        (exceptions.ProxyConnectionError(proxy_url="p"), "AWS cannot be reached: Failed to connect to proxy"),
        (exceptions.SSLError(endpoint_url="u", error="e"), "AWS cannot be reached: SSL validation failed"),
        (
            ResponseParserError("Unable to parse: <html>"),
            "AWS cannot be reached: Unable to parse: <html> [hint: network",
        ),
        (exceptions.NoRegionError(), "AWS cannot be called: You must specify a region"),
        (_client_error("UnrecognizedClientException"), "AWS does not know the credentials: m (Unrecog"),
        (_client_error("SignatureDoesNotMatch"), "AWS does not know the credentials"),
        (_client_error("SignatureDoesNotMatch", "Signature expired"), "is this clock right?"),
        (_client_error("RequestExpired"), "was signed too long ago"),
        (_client_error("UnauthorizedOperation", "You are not"), "AWS denied ListJobs to the credentials: You are not"),
        (_client_error("ThrottlingException", "Rate exceeded"), "AWS refused ListJobs: Rate exceeded (Throttling"),
        (_client_error("ClientException", "Queue q not found"), "ListJobs: Queue q not found: not deployed"),
    ],
)
def test_each_error_of_botocore_is_one_line_also_where_no_stage_is_known(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    answers.nowhere()
    line = str(answers.answer(error))
    assert said in line
    assert len(line.splitlines()) == 1


def test_a_fault_of_ours_gets_no_answer() -> None:
    assert answers.answer(exceptions.ParamValidationError(report="x")) is None
    assert answers.answer(RuntimeError("x")) is None


def test_an_error_of_pythons_own_gets_an_answer_only_where_botocore_met_it() -> None:
    answers.nowhere()
    # GIVEN a file that botocore cannot read THEN it is the user's to change
    with pytest.raises(FileNotFoundError) as found:
        FileWebIdentityTokenLoader("/no/such/file")()
    assert "AWS cannot be called: [Errno 2] No such file" in str(answers.answer(found.value))
    # GIVEN what code of ours cannot read, which botocore calls THEN it is a fault of ours
    events = hooks.HierarchicalEmitter()
    events.register("x", lambda **_: client.Aws("eu-west-1", "http://127.0.0.1:9").put_image("r", "t", "no JSON"))
    with pytest.raises(ValueError, match="Expecting value") as fault:
        events.emit("x")
    assert answers.answer(fault.value) is None
