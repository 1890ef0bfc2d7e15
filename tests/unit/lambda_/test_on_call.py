"""An alert has what somebody on call needs: which part failed, its log, and a command that does what it says."""

from __future__ import annotations

import json
import shlex
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from tests.unit.lambda_.support import EVENTS, SETTINGS, FakeRuns, World, event, job

from job_alerts import array_children, attachment, blocks, links, message
from job_alerts.events import read
from job_alerts.failures import DeliveryFailed
from job_alerts.job_event import JobEvent
from job_alerts.message import Message
from job_alerts.notifiers import topic
from job_alerts.runs import Runs
from shared import clients
from submit_run.state import Paused, State

REGION = "ap-northeast-2"
SUBMIT = (
    "aws batch submit-job --region ap-northeast-2 --job-name my-service-do-something --job-queue batchtab-prod-default"
    " --job-definition batchtab-prod-my-service-do-something"
)
TIME = "name=BATCHTAB_SCHEDULED_TIME,value="


def fields(told: Message) -> dict[str, str]:
    return {field.label: field.value for field in told.fields}


def stubbed(service: str, monkeypatch: pytest.MonkeyPatch, attempts: int) -> Stubber:
    make: Any = boto3.client
    client = make(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(clients, "_clients", {(service, REGION, attempts): client})
    return Stubber(client)


# --- the command that runs it again


def test_the_command_is_complete() -> None:
    assert links.rerun_command(job("exit_code"), "") == SUBMIT


def test_a_run_is_run_again_for_its_own_time() -> None:
    run = job("scheduled_run")
    assert run.scheduled_at is not None
    command = links.rerun_command(run, "")
    assert command.endswith(f" --container-overrides 'environment=[{{{TIME}2026-03-02T00:00:00Z}}]'")
    assert shlex.split(command)[-1] == f"environment=[{{{TIME}2026-03-02T00:00:00Z}}]"


def test_an_array_is_run_again_as_an_array() -> None:
    assert links.rerun_command(job("array_parent"), "") == f"{SUBMIT} --array-properties size=10"


def test_a_job_of_several_containers_gets_the_time_in_its_main_one() -> None:
    run = job("several_containers")._replace(scheduled_at=1_772_409_600)
    assert shlex.split(links.rerun_command(run, ""))[-2:] == [
        "--ecs-properties-override",
        f"taskProperties=[{{containers=[{{name=main,environment=[{{{TIME}2026-03-02T00:00:00Z}}]}}]}}]",
    ]
    nodes = run._replace(has_nodes=True, main_name="")
    assert shlex.split(links.rerun_command(nodes, ""))[-1] == (
        f"nodePropertyOverrides=[{{targetNodes=0:,containerOverrides={{environment=[{{{TIME}2026-03-02T00:00:00Z}}]}}}}]"
    )


@pytest.mark.parametrize("field", ["name", "queue_arn", "definition", "region", "main_name"])
def test_a_name_that_is_none_is_in_no_command(field: str) -> None:
    odd = job("several_containers")._replace(scheduled_at=1_772_409_600, **{field: "x'; rm -rf ~; '"})
    assert links.rerun_command(odd, "") == ""


def test_of_a_stage_it_is_batchtabs_own_command_and_ones_own_wins() -> None:
    failed = job("array_parent")
    assert links.rerun_command(failed, "", "prod") == f"batchtab retry {failed.job_id} --stage prod"
    assert links.rerun_command(failed, "make rerun JOB={job}", "prod") == "make rerun JOB=my-service-do-something"
    assert links.rerun_command(failed._replace(job_id="x; rm"), "", "prod") == links.rerun_command(failed, "")


# --- several containers


def test_the_container_that_failed_speaks() -> None:
    found = job("sidecar_failed")
    assert (found.container_name, found.exit_code) == ("sidecar", 7)
    assert (found.log_group, found.log_stream) == ("/aws/batch/batchtab-prod/sidecar", "sidecar/default/0f1e2d3c4b5a")
    assert fields(message.failed(found, SETTINGS))["Failed container"] == "sidecar"
    # AND where it is the main one, that one
    assert (job("several_containers").container_name, job("several_containers").exit_code) == ("main", 3)


# --- arrays


def child(index: int, **detail: Any) -> JobEvent:
    found = event("array_child", **detail)
    found["detail"]["jobId"] = f"4c7599ae-0a82-49aa-ba5a-4727fcce14a8:{index}"
    found["detail"]["arrayProperties"]["index"] = index
    made = read(found)
    assert isinstance(made, JobEvent)
    return made


def test_an_array_names_the_children_that_failed_with_a_log_and_exit_codes() -> None:
    # GIVEN an array of ten of which three failed
    world = World()
    world.children = [child(1), child(4), child(7)]
    world.handle(event("array_parent"))
    (told,) = world.inbox
    # THEN each is named with its exit code, and the first one's log is shown
    assert told.names == tuple(f"child {index}: exit code 3" for index in (1, 4, 7))
    assert told.list_title == "Children that failed"
    assert (told.log, told.log_of) == (("one line",), "the log of child 1")
    assert [label for label, _ in told.buttons] == ["Job", "Log"]
    shown = json.dumps(blocks.render(told, SETTINGS))
    assert "The end of the log of child 1" in shown
    assert f"batchtab retry {event('array_parent')['detail']['jobId']} --stage prod" in shown


@pytest.mark.parametrize(
    ("indices", "index", "shown"),
    [
        ("3,17-20", 0, 3),
        ("3,17-20", 1, 17),
        ("3,17-20", 4, 20),
        (",".join(str(number) for number in range(0, 1600, 2)), 799, 1598),
        ("3,17", 2, 2),
        ("3;17", 1, 1),
        ("", 1, 1),
    ],
)
def test_a_child_of_a_retry_is_named_as_its_program_knows_it(indices: str, index: int, shown: int) -> None:
    retried = child(index, container={"environment": [{"name": "BATCHTAB_ARRAY_INDICES", "value": indices}]})
    told = message.failed(job("array_parent"), SETTINGS, children=[retried])
    assert told.names[0].startswith(f"child {shown}: ")
    assert told.log_of == f"the log of child {shown}"


def test_a_single_child_that_was_retried_is_named() -> None:
    retried = job("exit_code", container={"environment": [{"name": "BATCHTAB_ARRAY_INDICES", "value": "17"}]})
    assert fields(message.failed(retried, SETTINGS))["Child"] == "17 of the array that is retried"
    assert "Child" not in fields(message.failed(job("exit_code"), SETTINGS))


def test_children_that_were_not_listed_are_counted() -> None:
    told = message.failed(job("array_parent"), SETTINGS, children=[child(1)])
    assert told.shown_names(2000, len) == ("child 1: exit code 3", "and 2 more")
    # AND where there is room for none of them
    assert told.shown_names(0, len) == ("and 3 more",)


def test_children_beyond_the_room_and_those_that_were_not_listed_are_counted_together() -> None:
    # GIVEN 1,500 children that failed, of which 100 were listed
    children = [child(index) for index in range(100)]
    told = message.failed(job("array_parent")._replace(array_failed=1500), SETTINGS, children=children)
    # WHEN there is room for a few THEN all others are counted
    *named, more = told.shown_names(300, len)
    assert 0 < len(named) < 100
    assert more == f"and {1500 - len(named)} more"


def test_a_job_that_was_stuck_says_what_helps() -> None:
    assert fields(message.failed(job("stuck_in_runnable"), SETTINGS))["What helps"].startswith(
        "add larger instance_types"
    )


def test_children_are_asked_of_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    parent, failed = job("array_parent"), [event("array_child")["detail"] for _ in range(2)]
    for index, detail in enumerate(failed):
        detail.update(jobId=f"{parent.job_id}:{9 - index}", arrayProperties={"index": 9 - index})
        detail["startedAt"] = 1
    with stubbed("batch", monkeypatch, 2) as stub:
        listed = [{"jobId": each["jobId"], "jobName": each["jobName"]} for each in failed]
        asked = {"arrayJobId": parent.job_id, "jobStatus": "FAILED", "maxResults": 100}
        stub.add_response("list_jobs", {"jobSummaryList": listed}, asked)
        stub.add_response("describe_jobs", {"jobs": failed}, {"jobs": [each["jobId"] for each in failed]})
        found = array_children.failed(parent)
    assert [each.array_index for each in found] == [8, 9]
    assert found[0].log_stream
    assert found[0].region == REGION


def test_an_array_is_told_without_its_children_where_batch_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with stubbed("batch", monkeypatch, 2) as stub:
        stub.add_client_error("list_jobs", "AccessDeniedException")
        assert array_children.failed(job("array_parent")) == []


# --- paused jobs


def test_a_job_that_paused_itself_says_so_and_how_it_goes_on() -> None:
    world = World()
    world.runs = FakeRuns()
    world.runs.paused[job("exit_code").name] = job("exit_code").job_id
    world.handle(event("exit_code"))
    (told,) = world.inbox
    assert fields(told)["Paused"] == "it pauses on failure: no later run starts until it is resumed"
    assert told.commands[-1] == ("Let later runs start again", "batchtab resume my-service-do-something --stage prod")
    assert "batchtab resume" in json.dumps(attachment.render(told, SETTINGS))


@pytest.mark.parametrize("paused", [{}, {"my-service-do-something": "another job's id"}])
def test_a_job_that_is_not_paused_by_this_failure_does_not_say_so(paused: dict[str, str]) -> None:
    world = World()
    world.runs = FakeRuns()
    world.runs.paused = paused
    world.handle(event("exit_code"))
    assert "Paused" not in fields(world.inbox[0])
    # AND if the table does not answer, the failure is told all the same
    world = World()
    world.runs = FakeRuns()
    world.runs.down = True
    world.handle(event("exit_code"))
    assert len(world.inbox) == 1


def test_the_state_of_a_job_is_read_as_the_submit_function_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    content = State(paused=Paused("2026-03-02T00:00:00Z", "a-job", "failed")).to_text()
    runs = Runs("arn:aws:dynamodb:ap-northeast-2:123456789012:table/runs")
    items: list[list[dict[str, Any]]] = [[{"content": {"S": content}}], [], [{"content": {"S": "{"}}]]
    monkeypatch.setattr(runs, "_call", lambda *_, **__: {"Items": items.pop(0)})
    assert [runs.paused_by("a") for _ in range(3)] == ["a-job", "", ""]


# --- blocked queues


def test_a_blocked_queue_says_who_why_what_helps_and_the_command() -> None:
    told = message.blocked(job("queue_blocked"), SETTINGS)
    assert told.title == "Queue batchtab-prod-default is blocked by my-service-do-something"
    assert fields(told)["What happened"] == "it could not be placed: the compute environment is too small for it"
    assert fields(told)["What helps"].startswith("raise max_vcpus of the compute environment, or lower")
    assert told.commands == [
        (
            "Stop it, so that the jobs behind it start",
            "batchtab stop 4c7599ae-0a82-49aa-ba5a-4727fcce14a8 --stage prod",
        )
    ]
    # AND where the alerts are of no stage it is the AWS CLI's
    (own,) = message.blocked(job("queue_blocked"), SETTINGS._replace(stage="")).commands
    assert own[1] == (
        "aws batch cancel-job --region ap-northeast-2 --job-id 4c7599ae-0a82-49aa-ba5a-4727fcce14a8"
        " --reason 'It blocks batchtab-prod-default'"
    )
    assert message.blocked(job("queue_blocked", jobId="x; rm"), SETTINGS).commands == []


# --- sizes


@pytest.mark.parametrize("count", [200, 400, 1000])
def test_a_storm_is_within_what_slack_takes(count: int) -> None:
    # GIVEN a job because of which many failed, with a long log and a hostile reason
    others = [job("dependency_failed", jobName=f"{'nightly-import-' * 8}{n}"[:128]) for n in range(count)]
    log = ["<&>`" * 60] * 100
    for told in (
        message.failed(job("exit_code", statusReason="<&>" * 900), SETTINGS, dependents=others, log=log),
        message.many(others, SETTINGS),
    ):
        rendered = blocks.render(told, SETTINGS)
        # THEN its blocks have at most what Slack takes of all together, and the rest is counted
        assert blocks.length(rendered["blocks"]) <= 12_000
        assert len(rendered["blocks"]) <= 50
        shown = json.dumps(rendered)
        named = shown.count("\\u2022 `nightly-import-")
        assert f"and {count - named} more" in shown
        assert named > 20
        # AND so in the other forms
        assert len(json.dumps(attachment.render(told, SETTINGS))) < 40_000
        assert len(topic.text(told)) < 40_000


def test_a_storm_of_usual_names_leaves_none_out() -> None:
    world = World()
    first, *world.while_asleep = [
        event("exit_code", jobName=f"my-service-import-orders-{n:03}", jobId=f"{n:08}") for n in range(400)
    ]
    world.handle(first)
    shown = [json.dumps(blocks.render(told, SETTINGS)) for told in world.inbox]
    assert all(any(f"my-service-import-orders-{n:03}" in each for each in shown) for n in range(400))
    assert len(shown) <= 6


# --- a topic


def test_a_topic_gets_a_subject_text_and_a_form_for_chats(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:sns:{REGION}:123456789012:failed-jobs"
    told = message.failed(job("exit_code"), SETTINGS, log=["the `end`"])
    sent: list[dict[str, Any]] = []
    with stubbed("sns", monkeypatch, 3) as stub:
        stub.add_response("publish", {"MessageId": "1"})
        stub.client.meta.events.register("provide-client-params.sns.Publish", lambda params, **_: sent.append(params))
        topic.send(told, SETTINGS._replace(topic_arn=arn), lambda: 60.0)
    (params,) = sent
    assert params["TopicArn"] == arn
    assert params["Subject"] == "my-service-do-something: exit code 3"
    forms = json.loads(params["Message"])
    text = forms["default"]
    assert text.startswith(
        "my-service-do-something failed by Essential container in task exited\n\nWhat happened: exit code 3"
    )
    assert "Run it again:\nbatchtab retry 4c7599ae-0a82-49aa-ba5a-4727fcce14a8 --stage prod\n" in text
    assert "The end of its log:\n    the `end`\n" in text
    chats = json.loads(forms["https"])
    assert (chats["version"], chats["source"], chats["content"]["title"]) == ("1.0", "custom", params["Subject"])
    assert chats["content"]["description"].count("```") == 2


def test_a_topic_that_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = f"arn:aws:sns:{REGION}:123456789012:failed-jobs"
    with stubbed("sns", monkeypatch, 3) as stub:
        stub.add_client_error("publish", "AuthorizationError")
        with pytest.raises(DeliveryFailed, match=r"failed-jobs did not take the message: .*AuthorizationError"):
            topic.send(message.failed(job("exit_code"), SETTINGS), SETTINGS._replace(topic_arn=arn), lambda: 60.0)


def test_a_topic_without_details_gets_the_originals_sentence() -> None:
    told = message.failed(job("exit_code"), SETTINGS, log=["x"])
    expected = "my-service-do-something failed by Essential container in task exited\n"
    assert topic.text(told, details=False) == expected


@pytest.mark.parametrize(
    ("title", "subject"),
    [("a\n b\t c", "a b c"), ("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "caf?"), ("x" * 200, "x" * 97 + "...")],
)
def test_a_subject_is_what_sns_takes(title: str, subject: str) -> None:
    assert topic.subject(Message(title, "", "danger", "")) == subject


# --- events are AWS's


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_events_have_the_shape_that_batch_documents(path: Any) -> None:
    # GIVEN a kept event of Batch, whose detail is a job as DescribeJobs answers it
    found = json.loads(path.read_text(encoding="utf-8"))
    if found.get("source") != "aws.batch":
        return
    make: Any = boto3.client
    shape = make("batch", region_name=REGION).meta.service_model.shape_for("JobDetail")
    # THEN it has no member that Batch has not
    assert list(_unknown(found["detail"], shape)) == []


def _unknown(value: Any, shape: Any, path: str = "detail") -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, item in value.items():
            if key in shape.members:
                yield from _unknown(item, shape.members[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            yield from _unknown(item, shape.member, f"{path}[]")
