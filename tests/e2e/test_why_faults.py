"""Every fault that local AWS can be asked for, under every policy: `batchtab why` names it; without one it names none.

All of it is one story, told once by the fixture `story` in some minutes of which most are waits; tests ask `why` then.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.deployed import Deployed
from tests.e2e.fault_stage import FUNCTION_LOG, JOBS, MANAGED, POLICIES, PREFIX, SERVICE, Due, FaultStage, job_of
from tests.e2e.schedule_stage import until

from batchtab import limits
from batchtab.cli.main import main
from batchtab.local_aws.faults import KINDS, SENDERS

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(3600)]

HELD_SECONDS = 60  # far longer than the submit function waits for an answer, also where it is starved of CPU
RETRY_SECONDS = 2  # in place of the minute of Lambda
CODE = Path(__file__).resolve().parents[2] / "lambda" / "submit_run"


@dataclass(frozen=True)
class Named:
    """What `why` says: the cause's kind, and words of it."""

    kind: str
    words: str


@dataclass(frozen=True)
class Unseen:
    """Why there is nothing to say: `why` names no cause."""

    because: str


Says = Named | Unseen

OWN_RULE = Unseen("its rule asks Batch itself, past what the fault is of")
#: Batch and Lambda are asked by EventBridge; it says nowhere who refused it, if it succeeds in the end.
TRIED_AGAIN = Named("delayed", "its trigger's delivery was tried again")
ONE_JOB = Unseen("the submit function makes one job of them, and nothing is wrong")
THREE_JOBS = Named("delivered_again", "its trigger was delivered 3 times, and each made a job")
NOT_ASKED = Unseen("triggers don't meet it, and to whom asks for a run it only comes later")
SILENT_TABLE = Named("delayed", "DynamoDB did not answer")
SILENT_BATCH = Named("delayed", "SubmitJob: Batch did not answer")


def managed(says: Says, *, allow: Says = OWN_RULE, **others: Says) -> dict[str, Says]:
    return {"allow": allow, **dict.fromkeys(MANAGED, says), **others}


#: What is done, by service and kind and whether it lasts until all attempts are over; what `why` says, by policy.
FAULTS: dict[tuple[str, str, str], Mapping[str, Says]] = {
    ("dynamodb", "refuse", ""): managed(Named("delayed", "BatchGetItem: dynamodb is away")),
    ("dynamodb", "refuse", "lasts"): dict.fromkeys(MANAGED, Named("dead_letter", "dynamodb is away")),
    ("batch", "refuse", "lasts"): {"allow": Named("dead_letter", "batch is away")},  # the others ask DynamoDB first
    ("dynamodb", "hang", ""): managed(SILENT_TABLE),
    ("dynamodb", "hold_seconds", ""): managed(SILENT_TABLE),
    ("dynamodb", "hold_answer_seconds", ""): managed(SILENT_TABLE),
    ("batch", "refuse", ""): managed(
        Named("delayed", "ListJobs: batch is away"),
        allow=TRIED_AGAIN,
        counted=Named("delayed", "SubmitJob: batch is away"),
    ),
    ("batch", "hang", ""): managed(SILENT_BATCH, allow=TRIED_AGAIN),
    ("batch", "hold_seconds", ""): managed(SILENT_BATCH),
    ("batch", "hold_answer_seconds", ""): managed(Named("answer_lost", "SubmitJob: Batch did not answer")),
    ("lambda", "refuse", ""): managed(TRIED_AGAIN),
    ("lambda", "hang", "lasts"): managed(Named("dead_letter", "lambda is away")),
    ("lambda", "hold_seconds", ""): managed(NOT_ASKED),
    ("lambda", "hold_answer_seconds", ""): managed(NOT_ASKED),
    ("events", "deliveries", ""): managed(ONE_JOB, allow=THREE_JOBS),
    ("scheduler", "deliveries", ""): managed(ONE_JOB, allow=THREE_JOBS),
}
NONE = ("", "", "")


@dataclass
class Story:
    """What was due, by the fault that it met."""

    stage: FaultStage
    due: dict[tuple[str, str, str], list[Due]] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)

    def note(self, due: Due, service: str = "", kind: str = "", lasts: str = "") -> Due:
        self.due.setdefault((service, kind, lasts), []).append(due)
        return due


@pytest.fixture(scope="module")
def stage(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultStage]:
    """The jobs, which are over at once."""
    root = tmp_path_factory.mktemp("faults")
    (root / "work").mkdir()
    settings: dict[str, Any] = {
        "environment": {"capacity": "EC2", "queues": {"default": 5, "continuously": 3}, "max_vcpus": 64},
        "alerts": {"function_name": "SendToSlack", "stand_in": True},
        "jobs": [SERVICE],
        "local": {"images": {"plain": "work"}},
    }
    with deployed.restored(root, applies=True, **settings) as checkout:
        checkout.replace_jobs(SERVICE, JOBS)
        done = checkout.run("up")
        assert done.returncode == 0, done.stderr + done.stdout
        yield FaultStage(checkout)


@pytest.fixture(scope="module")
def story(stage: FaultStage) -> Story:
    """The whole of it."""
    story, began = Story(stage), time.monotonic()
    stage.begin()
    try:
        tell(story)
    except AssertionError:
        print("\n".join(line for line in stage.lines(FUNCTION_LOG) if '"outcome"' in line or "RequestId" in line))
        raise
    finally:
        stage.clear()
        stage.end()
    print(f"\nthe story took {time.monotonic() - began:.0f} s")
    return story


def of(slot: str = "", *policies: str) -> list[str]:
    return [job_of(policy, slot) for policy in policies or POLICIES]


def only(due: Due, *policies: str) -> Due:
    """Those of some policies."""
    return Due(due.at, tuple(job for job in due.jobs if job.partition("-")[0] in policies))


def tell(story: Story) -> None:
    """First what is over at once, then what is tried again in a minute, in which other faults come; then the rest."""
    stage = story.stage
    everything = [*of(), *of("-zoned")]
    stage.checkout.ask("clock", lambda_retry_seconds=RETRY_SECONDS)
    stage.wait_for_ends(story.note(stage.fire(everything, is_prompt=True)))
    come_three_times(story)
    stage.checkout.ask("clock", lambda_retry_seconds=60)
    tried_again = [
        # First: a job is looked for among those of ten minutes, and it was due some of them ago.
        fail_while_set_back(story, "-answered", "batch", "hold_answer_seconds", "SubmitJob", HELD_SECONDS),
        cut_off(story, "-kept", "dynamodb", "hold_answer_seconds", "TransactWriteItems", HELD_SECONDS),
        cut_off(story, "-refused", "batch", "refuse", None),
        cut_off(story, "-hung", "batch", "hang", "SubmitJob"),
        cut_off(story, "-held", "batch", "hold_seconds", "SubmitJob", HELD_SECONDS),
    ]
    ask_late(story)
    be_away_for_triggers(story)
    for due in tried_again:
        stage.wait_for_ends(due)
    stage.checkout.ask("clock", lambda_retry_seconds=RETRY_SECONDS)
    for kind, value in (("hang", True), ("hold_seconds", HELD_SECONDS), ("refuse", True)):
        stage.wait_for_ends(fail_while_set_back(story, "", "dynamodb", kind, None, value))
    be_away_for_long(story)


def come_three_times(story: Story) -> None:
    """Each trigger is delivered three times."""
    stage = story.stage
    for sender in SENDERS:
        stage.fault(sender, "deliveries", value=3)
    due = stage.fire([*of(), *of("-zoned")], is_prompt=True)
    stage.wait_for_ends(due)
    until(lambda: len(stage.job_of("allow", due)) == len(stage.job_of("allow-zoned", due)) == 3, 240, "three jobs each")
    stage.clear()
    story.note(Due(due.at, tuple(of())), "events", "deliveries")
    story.note(Due(due.at, tuple(of("-zoned"))), "scheduler", "deliveries")
    stage.now()


def ask_late(story: Story) -> None:
    """Somebody asks for runs, as `batchtab run` does, and Lambda gets that, or answers, late."""
    stage = story.stage

    def ask(policy: str) -> str:
        name = f"{PREFIX}-{SERVICE}-{policy}"
        (target,) = stage.client("events").list_targets_by_rule(Rule=name)["Targets"]
        asked = json.loads(target["InputTransformer"]["InputTemplate"].replace("<time>", "-"))
        asked |= {"mode": "manual", "trigger": {"requested_time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}}
        answer = stage.client("lambda").invoke(FunctionName=f"{PREFIX}-submit-run", Payload=json.dumps(asked))
        return str(json.loads(answer["Payload"].read())["job_id"])

    for kind in ("hold_seconds", "hold_answer_seconds"):
        due = story.note(stage.fire_past(of("", "allow"), "lambda", kind, None, 2, awaits=["allow"]), "lambda", kind)
        with ThreadPoolExecutor() as pool:
            story.asked[kind] = dict(zip(MANAGED, pool.map(ask, MANAGED), strict=True))
        assert stage.met("lambda") >= len(MANAGED)
        stage.clear()
        ids = list(story.asked[kind].values())
        stage.wait_for_ends(due)
        until(lambda ids=ids: stage.have_ended(ids), 240, "the jobs that were asked for")


def cut_off(story: Story, slot: str, service: str, kind: str, operation: str | None, value: Any = True) -> Due:
    """Runs are due while a service is away or does not answer, until the submit function has failed at each."""
    stage = story.stage
    stage.settle()
    fault, jobs = (service, kind, operation, value), of(slot)
    if service == "batch" and kind in ("refuse", "hang"):  # its own rule is refused too, and tries again
        stage.wait_for_ends(story.note(stage.fire_past(["allow"], *fault, until_met=1), service, kind))
        jobs = of(slot, *MANAGED)
    due = story.note(stage.fire_past(jobs, *fault, awaits={"allow"} & {*jobs}), service, kind)
    stage.wait_for_failures(due, of(slot, *MANAGED))
    stage.clear()
    return due


def fail_while_set_back(story: Story, slot: str, service: str, kind: str, operation: str | None, value: Any) -> Due:
    """As `cut_off`, but the clock is set to now only afterwards: nothing else is tried again meanwhile."""
    stage = story.stage
    stage.settle()
    stage.fault(service, kind, operation, value)
    due = story.note(stage.fire(of(slot)), service, kind)
    stage.wait_for_failures(due, of(slot, *MANAGED))
    stage.clear()
    stage.now()
    return due


def be_away_for_triggers(story: Story) -> None:
    """Lambda is away for a while, and until triggers give up: after a minute, which the clock shows at once."""
    stage, everything = story.stage, [*of(), *of("-zoned")]
    awaits = ["allow", "allow-zoned"]
    refused = len(everything) - len(awaits)
    due = stage.fire_past(everything, "lambda", "refuse", awaits=awaits, until_met=refused)
    stage.wait_for_ends(story.note(due, "lambda", "refuse"))
    due = stage.fire_past(everything, "lambda", "hang", awaits=awaits)
    story.note(only(due, "allow"), "lambda", "hang", "lasts")
    stage.wait_for_letters(story.note(only(due, *MANAGED), "lambda", "hang", "lasts"))
    stage.clear()


def be_away_for_long(story: Story) -> None:
    """What the submit function needs is away until Lambda gives up, and Batch until its triggers do."""
    stage = story.stage
    stage.settle()
    stage.fault("dynamodb", "refuse")
    stage.fault("batch", "refuse")
    due = stage.fire([*of(), "allow-zoned"])
    stage.now()
    stage.wait_for_letters(due)
    stage.clear()
    story.note(only(due, *MANAGED), "dynamodb", "refuse", "lasts")
    story.note(only(due, "allow"), "batch", "refuse", "lasts")


@pytest.fixture
def asked(story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Asks `why` about a run, as JSON."""
    monkeypatch.chdir(story.stage.checkout.root)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)

    def ask(run: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["why", run, "-o", "json"]) == 0
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return ask


def assert_says(says: Says, answer: dict[str, Any]) -> None:
    cause = answer["cause"]
    if isinstance(says, Unseen):
        assert cause is None, (says.because, answer)
        return
    assert cause is not None, answer
    assert cause["kind"] == says.kind, answer
    assert says.words in cause["text"], answer
    assert not answer["not_read"]


@pytest.mark.parametrize("policy", POLICIES)
def test_without_a_fault_it_names_no_cause(policy: str, story: Story, asked: Any) -> None:
    (due,) = story.due[NONE]
    for job in only(due, policy).jobs:
        answer = asked(f"{SERVICE}/{job}@{due.time}")
        assert (answer["status"], answer["cause"]) == ("SUCCEEDED", None), answer


@pytest.mark.parametrize(
    ("fault", "policy"),
    [pytest.param(fault, policy, id="-".join([*fault, policy])) for fault in FAULTS for policy in FAULTS[fault]],
)
def test_it_names_the_fault_that_a_run_met(fault: tuple[str, str, str], policy: str, story: Story, asked: Any) -> None:
    # GIVEN runs of a policy that were due while something was away, silent, slow or came more than once
    runs = [f"{job}@{due.time}" for due in story.due.get(fault, ()) for job in only(due, policy).jobs]
    runs += [ids[policy] for kind, ids in story.asked.items() if fault[:2] == ("lambda", kind) and policy in ids]
    assert runs
    # WHEN somebody asks why, THEN that is the cause, or the table says why it is none
    for run in runs:
        assert_says(FAULTS[fault][policy], asked(run))


def test_on_a_terminal_the_cause_is_the_last_but_the_command(story: Story) -> None:
    (due,) = story.due["dynamodb", "refuse", "lasts"]
    said = story.stage.checkout.run("why", f"forbid@{due.time}", "--stage", "local")
    assert said.returncode == 0, said.stderr
    *_, cause, fix, do = said.stdout.splitlines()
    assert cause.startswith("cause: the submit function could not submit it")
    assert "dynamodb is away" in cause
    assert (fix[:6], do) == (
        "fix:  ",
        f"do:    batchtab backfill {SERVICE}-forbid --from {due.time} --to {due.time} --stage local",
    )


@pytest.mark.last  # afterwards nothing is wrong with that run, of which other tests ask
def test_a_run_that_somebody_makes_up_for_says_so(story: Story, asked: Any) -> None:
    # GIVEN the command that the story of a run ends with
    (due,) = story.due["dynamodb", "refuse", "lasts"]
    story.stage.now()
    done = story.stage.checkout.run("backfill", f"{SERVICE}-forbid", "--from", due.time, "--to", due.time)
    assert done.returncode == 0, done.stderr
    # THEN nothing is wrong with that run, and who asked for it is in its story and its history
    answer = asked(f"forbid@{due.time}")
    assert answer["cause"] is None, answer
    assert any("backfill" in line["text"] for line in answer["story"])
    history = story.stage.checkout.run("history", f"{SERVICE}-forbid", "--json").stdout.splitlines()
    (of_run,) = (run for run in map(json.loads, history) if run["scheduled_time"] == due.time)
    assert "backfilled" in of_run["reason"]


def test_each_fault_that_can_be_asked_for_is_in_the_table() -> None:
    # GIVEN what the code of local AWS knows, and the services that stand between a trigger and its job
    asks = {name for file in CODE.glob("*.py") for name in re.findall(r'client\("(\w+)"', file.read_text())}
    assert asks == {"batch", "dynamodb"}
    services = {*asks, "lambda"}
    wanted = {(service, kind) for service in services for kind in KINDS if kind != "deliveries"}
    wanted |= {(sender, "deliveries") for sender in SENDERS}
    # THEN each is in the table, with every policy
    assert {fault[:2] for fault in FAULTS} == wanted
    for fault in wanted:
        assert {policy for row in FAULTS if row[:2] == fault for policy in FAULTS[row]} == {*POLICIES}, fault
    assert {*limits.CONCURRENCY_POLICY.values} == {*POLICIES} - {"counted"}
