"""What is told, once, together, again, and never lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.lambda_.support import SETTINGS, START, FakeTable, World, event

from job_alerts.failures import DeliveryFailed
from job_alerts.job_event import UnreadableEvent
from job_alerts.message import Route


def table(world: World) -> FakeTable:
    assert world.table is not None
    return world.table


def failure(number: int, name: str | None = None, **detail: Any) -> dict[str, Any]:
    return event(
        "exit_code",
        id_=f"event-{number}",
        jobId=f"job-{number}",
        jobName=name or f"nightly-{number}",
        createdAt=1_772_400_000_000 + number,
        **detail,
    )


@pytest.fixture
def world() -> World:
    return World()


# --- without a table


def test_without_a_table_each_failure_is_told_at_once() -> None:
    world = World(table=False)
    assert [world.handle(failure(1, "a")), world.handle(failure(2, "a"))] == ["sent", "sent"]
    assert len(world.inbox) == 2
    assert world.slept == []


def test_without_a_table_one_process_tells_an_event_once() -> None:
    world = World(table=False)
    world.handle(failure(1))
    assert world.app().handle(failure(1)) == "sent already"
    assert len(world.inbox) == 1


def test_an_event_that_was_refused_is_told_when_it_comes_again() -> None:
    world = World(table=False)
    world.slack_is_up = False
    with pytest.raises(DeliveryFailed):
        world.handle(failure(1))
    world.slack_is_up = True
    assert world.app().handle(failure(1)) == "sent"


# --- what is no failure


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("will_be_tried_again", "not final"),
        ("documented_example", "not final"),
        ("array_child", "left to its array"),
        ("gave_way", "gave way to another run"),
        ("replaced", "replaced by a later run"),
        ("succeeded", "nothing to send"),
        ("sweep", "nothing to send"),
    ],
)
@pytest.mark.parametrize("with_table", [True, False])
def test_what_is_no_failure_is_not_told(name: str, outcome: str, with_table: bool) -> None:
    world = World(table=with_table)
    assert world.handle(event(name)) == outcome
    assert world.inbox == []


def test_another_event_is_an_error(world: World) -> None:
    with pytest.raises(UnreadableEvent):
        world.handle({"source": "aws.ec2"})


# --- once


def test_the_same_event_is_told_once_whichever_process_gets_it(world: World) -> None:
    assert world.handle(failure(1)) == "sent 1"
    assert world.handle(failure(1)) == "sent already"
    assert len(world.inbox) == 1


def test_two_events_of_one_failure_are_one(world: World) -> None:
    world.handle(failure(1))
    again = failure(1)
    again["id"] = "another"
    assert world.handle(again) == "sent already"
    assert len(world.inbox) == 1


def test_where_the_table_does_not_answer_all_is_told(world: World) -> None:
    table(world).down = True
    assert world.handle(failure(1, "a")) == "sent"
    assert world.handle(failure(2, "a")) == "sent"
    assert len(world.inbox) == 2


def test_a_table_that_fails_after_the_message_makes_no_second(world: World) -> None:
    # GIVEN a table that goes down while the message is sent
    def deliver(message: Any) -> None:
        world.inbox.append(message)
        table(world).down = True

    world.deliver = deliver  # type: ignore[method-assign]
    assert world.handle(failure(1)) == "sent"
    assert len(world.inbox) == 1


# --- again and again


def test_repeats_are_counted_and_told_once_an_hour(world: World) -> None:
    # WHEN a job fails every ten minutes for two hours
    for number in range(13):
        world.handle(failure(number, "often"))
        world.clock = START + 600 * (number + 1)
    # THEN the first is told, and one an hour, with what was not
    repeats = [{field.label: field.value for field in message.fields}.get("Again") for message in world.inbox]
    assert repeats == [
        None,
        "7 failures since its last success, 5 of them not sent",
        "13 failures since its last success, 5 of them not sent",
    ]


def test_other_jobs_are_told_meanwhile(world: World) -> None:
    world.handle(failure(1, "a"))
    world.clock += 60
    world.handle(failure(2, "b"))
    assert [message.title.split(":")[0] for message in world.inbox] == ["a", "b"]


def test_folding_can_be_turned_off() -> None:
    world = World(SETTINGS._replace(repeat_seconds=0))
    world.handle(failure(1, "a"))
    world.handle(failure(2, "a"))
    assert len(world.inbox) == 2


def test_a_recovery_is_told_with_the_number_of_failures_and_once(world: World) -> None:
    # GIVEN a job that failed three times
    for number in range(3):
        world.handle(failure(number, "my-service-do-something"))
    # WHEN it succeeds, twice
    assert world.handle(event("succeeded")) == "sent"
    assert world.handle(event("succeeded", jobId="later")) == "nothing to send"
    # THEN one message says so, and the next failure is a first one
    assert world.inbox[-1].sentence == "my-service-do-something recovered after 3 failures"
    assert len(world.inbox) == 2
    world.handle(failure(9, "my-service-do-something"))
    assert "Again" not in [field.label for field in world.inbox[-1].fields]


def test_the_success_of_an_earlier_run_is_no_recovery(world: World) -> None:
    world.handle(failure(1, "my-service-do-something"))
    assert world.handle(event("succeeded", createdAt=1_000)) == "nothing to send"


def test_a_run_that_gave_way_is_no_recovery(world: World) -> None:
    world.handle(failure(1, "my-service-do-something"))
    world.skipped = True
    assert world.handle(event("succeeded")) == "gave way to another run"
    assert len(world.inbox) == 1


def test_a_run_that_was_replaced_is_no_recovery_and_no_further_failure(world: World) -> None:
    # GIVEN a job that failed, and whose next run is ended for the sake of a later one
    world.handle(failure(1, "my-service-do-something"))
    assert world.handle(event("replaced")) == "replaced by a later run"
    # AND even one that ended well before it could be ended
    assert world.handle(event("replaced", status="SUCCEEDED")) == "replaced by a later run"
    # THEN the failure stays told once, and the next success is its recovery
    assert len(world.inbox) == 1
    assert world.handle(event("succeeded")) == "sent"
    assert world.inbox[-1].sentence == "my-service-do-something recovered after 1 failure"


def test_a_reason_that_only_mentions_it_is_a_failure(world: World) -> None:
    assert world.handle(event("replaced", statusReason="Not Replaced by the run of x")) == "sent 1"


def test_a_recovery_that_slack_refuses_is_told_when_it_comes_again(world: World) -> None:
    world.handle(failure(1, "my-service-do-something"))
    world.slack_is_up = False
    with pytest.raises(DeliveryFailed):
        world.handle(event("succeeded"))
    world.slack_is_up = True
    assert world.handle(event("succeeded")) == "sent"


# --- together


def test_what_failed_because_of_it_is_told_with_it(world: World) -> None:
    # GIVEN a job, one that depends on it, and one that depends on that
    root = event("exit_code")
    child = event("dependency_failed")
    grandchild = event(
        "dependency_failed", jobName="my-service-mail", jobId="g", dependsOn=[{"jobId": child["detail"]["jobId"]}]
    )
    # WHEN all fail within the moment for which the first waits
    world.while_asleep = [grandchild, child]
    world.handle(root)
    # THEN one message names them all
    (told,) = world.inbox
    assert told.sentence.startswith("my-service-do-something failed")
    assert sorted(told.names) == ["my-service-mail", "my-service-report"]


def test_dependents_that_come_before_their_root_are_told_with_it(world: World) -> None:
    world.while_asleep = [event("exit_code")]
    world.handle(event("dependency_failed"))
    (told,) = world.inbox
    assert told.sentence.startswith("my-service-do-something failed")
    assert told.names == ("my-service-report",)


@pytest.mark.parametrize("storm_seconds", [1, 20, 60, 100])
def test_two_hundred_failures_are_few_messages_that_name_each_once(world: World, storm_seconds: int) -> None:
    # GIVEN a storm: 200 jobs fail one after the other within a minute or so
    coming = [(START + number * storm_seconds // 200, failure(number)) for number in range(200)]

    def sleep(seconds: float) -> None:
        world.clock += int(seconds)
        while coming and coming[0][0] <= world.clock:
            assert world.app().handle(coming.pop(0)[1]) == "left to another"

    world.sleep = sleep  # type: ignore[method-assign]
    # WHEN each is handled when it comes
    while coming:
        moment, one = coming.pop(0)
        world.clock = max(world.clock, moment)
        world.handle(one)
    # THEN there are at most ten messages, which together name all, and none twice
    assert len(world.inbox) <= 10
    named = [name.split(":")[0] for message in world.inbox for name in message.names]
    named += [message.title.split(":")[0] for message in world.inbox if not message.names]
    assert sorted(named) == sorted(f"nightly-{number}" for number in range(200))
    assert table(world).waiting == {}


def test_pauses_grow_in_a_storm_and_stay_within_the_functions_time(world: World) -> None:
    table(world).minutes = {START // 60: 50}
    world.handle(failure(1))
    assert world.slept == [40.0]


def test_a_failure_is_left_to_the_process_that_is_about_to_tell(world: World) -> None:
    outcomes: list[str] = []
    original = world.sleep

    def sleep(seconds: float) -> None:
        outcomes.append(world.app().handle(failure(2)))
        world.sleep = original  # type: ignore[method-assign]
        original(seconds)

    world.sleep = sleep  # type: ignore[method-assign]
    assert world.handle(failure(1)) == "sent 2"
    assert outcomes == ["left to another"]


def test_one_event_that_two_processes_have_at_once_is_told_once(world: World) -> None:
    # GIVEN an event that comes a second time while the first waits for what belongs to it
    world.while_asleep = [failure(1)]
    assert world.handle(failure(1)) == "sent 1"
    assert len(world.inbox) == 1
    # AND one that is told as soon as it comes
    outcomes: list[str] = []
    original = world.deliver

    def deliver(message: Any) -> None:
        if not outcomes:
            outcomes.append("")
            outcomes[0] = world.app().handle(event("queue_blocked"))
        original(message)

    world.deliver = deliver  # type: ignore[method-assign]
    assert world.handle(event("queue_blocked")) == "sent"
    assert outcomes == ["sent already"]
    assert len(world.inbox) == 2


def test_a_process_that_died_holds_nobody_up(world: World) -> None:
    # GIVEN a claim of a process that was stopped in the middle
    table(world).claims["gather"] = ("dead", START + 150)
    assert world.handle(failure(1)) == "left to another"
    # WHEN its time is over, another failure tells both
    world.clock = START + 200
    assert world.handle(failure(2)) == "sent 2"


def test_the_log_is_read_for_those_told_alone(world: World) -> None:
    world.while_asleep = [failure(number) for number in range(1, 6)]
    world.handle(failure(0))
    assert world.tails == []
    quiet = World()
    quiet.handle(failure(0))
    assert quiet.tails == ["nightly-0"]


# --- never lost


def test_while_slack_is_down_all_wait_and_arrive_when_it_is_back(world: World) -> None:
    world.slack_is_up = False
    world.while_asleep = [failure(2)]
    with pytest.raises(DeliveryFailed):
        world.handle(failure(1))
    assert len(table(world).waiting) == 2
    # WHEN Lambda tries the event again THEN all that waited is told
    world.slack_is_up = True
    world.clock += 60
    assert world.handle(failure(1)) == "sent 2"
    assert len(world.inbox) == 2


def test_the_clock_tells_what_was_left_behind(world: World) -> None:
    world.slack_is_up = False
    with pytest.raises(DeliveryFailed):
        world.handle(failure(1))
    world.slack_is_up = True
    assert world.handle(event("sweep")) == "nothing to send"  # Lambda's own retries come first
    world.clock += 121
    assert world.handle(event("sweep")) == "sent 1"
    assert len(world.inbox) == 1


def test_what_slack_never_takes_goes_into_the_dead_letter_queue_and_comes_back_from_it(world: World) -> None:
    # GIVEN two failures, one of them left to a process that could not tell it
    world.slack_is_up = False
    world.while_asleep = [failure(2)]
    with pytest.raises(DeliveryFailed):
        world.handle(failure(1))
    # WHEN Slack is down for longer than is waited
    world.clock += 901
    assert "2 put into the dead-letter queue" in world.handle(event("sweep"))
    assert len(world.kept) == 2
    assert table(world).waiting == {}
    # THEN what was kept is told when it is given to the function again, once
    world.slack_is_up = True
    for body in [*world.kept, world.kept[0]]:
        world.handle(json.loads(body))
    assert sorted(message.title.split(":")[0] for message in world.inbox) == ["nightly-1", "nightly-2"]


def test_an_event_that_was_told_by_the_clock_is_not_told_by_a_redrive(world: World) -> None:
    world.slack_is_up = False
    with pytest.raises(DeliveryFailed):
        world.handle(failure(1))
    world.slack_is_up = True
    world.clock += 300
    world.handle(event("sweep"))
    assert world.handle(failure(1)) == "sent already"


def test_what_cannot_be_read_holds_up_nothing(world: World) -> None:
    table(world).put_pending("spoiled", "{", START)
    assert world.handle(failure(1)) == "sent 1"
    assert table(world).waiting == {}


# --- routes


def test_alerts_go_where_the_service_wants_them_and_the_job_more_so(world: World) -> None:
    table(world).known_routes = {
        "my-service": Route("my-service", "#my-service", "here"),
        "my-service-do-often": Route("my-service-do-often", "#often"),
    }
    world.handle(failure(1, "my-service-do-something"))
    world.handle(failure(2, "my-service-do-often"))
    world.handle(failure(3, "other"))
    assert [(message.channel, message.mention) for message in world.inbox] == [
        ("#my-service", "here"),
        ("#often", "here"),
        ("", ""),
    ]


def test_a_muted_job_is_not_told_and_its_recovery_neither(world: World) -> None:
    table(world).known_routes = {"my-service-do-something": Route("my-service-do-something", mute=True)}
    assert world.handle(failure(1, "my-service-do-something")) == "sent 1"
    assert world.handle(event("succeeded")) == "muted"
    assert world.inbox == []
    assert table(world).waiting == {}


def test_a_storm_is_told_in_each_channel_that_it_belongs_to(world: World) -> None:
    table(world).known_routes = {"a": Route("a", "#a")}
    world.while_asleep = [failure(n, f"a-{n}") for n in range(1, 5)] + [failure(n, f"b-{n}") for n in range(5, 9)]
    world.handle(failure(0, "b-0"))
    assert {message.channel: len(message.names) for message in world.inbox} == {"#a": 4, "": 5}


# --- other events


def test_a_blocked_queue_is_told_once_for_each_job(world: World) -> None:
    assert world.handle(event("queue_blocked")) == "sent"
    assert world.handle(event("queue_blocked", id_="again")) == "sent already"
    assert world.handle(event("queue_blocked", jobId="another")) == "sent"
    assert len(world.inbox) == 2


def test_a_trigger_that_failed_is_told_once(world: World) -> None:
    assert world.handle(event("trigger_dead_letter")) == "sent"
    assert world.handle(event("trigger_dead_letter")) == "sent already"
    assert len(world.inbox) == 1


def test_a_trigger_that_slack_refuses_stays_in_its_queue(world: World) -> None:
    world.slack_is_up = False
    with pytest.raises(DeliveryFailed):
        world.handle(event("trigger_dead_letter"))
    world.slack_is_up = True
    assert world.handle(event("trigger_dead_letter")) == "sent"
