"""The table's calls are DynamoDB's; what it does not answer is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from job_alerts.dynamo_table import Unavailable
from job_alerts.message import Route
from job_alerts.runs import Run, Runs
from job_alerts.schedule import Schedule
from job_alerts.table import JobState, Pending, Table
from job_alerts.watches import Watched, WatchState
from shared import clients

NOW = 1_772_410_900


def key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    made = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(clients, "_clients", {("dynamodb", "", 4): made})
    with Stubber(made) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def table() -> Table:
    return Table("alerts")


def test_the_first_time_of_an_event_stays(stub: Stubber, table: Table) -> None:
    stub.add_response(
        "update_item",
        {},
        {
            "TableName": "alerts",
            "Key": key("pending", "j1"),
            "UpdateExpression": "SET content = :content, since = if_not_exists(since, :now)",
            "ExpressionAttributeValues": {":content": {"S": "{}"}, ":now": {"N": str(NOW)}},
        },
    )
    table.put_pending("j1", "{}", NOW)


def test_all_pages_of_what_is_pending_are_read_and_sorted(stub: Stubber, table: Table) -> None:
    def item(job_id: str, since: int) -> dict[str, Any]:
        return {**key("pending", job_id), "content": {"S": job_id}, "since": {"N": str(since)}}

    expected = {
        "TableName": "alerts",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "pending"}},
        "ConsistentRead": True,
    }
    first = {"Items": [item("b", 2)], "LastEvaluatedKey": key("pending", "b")}
    stub.add_response("query", first, expected)
    stub.add_response("query", {"Items": [item("a", 1)]}, {**expected, "ExclusiveStartKey": key("pending", "b")})
    assert table.pending() == [Pending("a", "a", 1), Pending("b", "b", 2)]


def test_what_is_left_unprocessed_is_asked_for_again(stub: Stubber, table: Table) -> None:
    stub.add_response(
        "batch_get_item",
        {
            "Responses": {"alerts": [key("told", "a")]},
            "UnprocessedKeys": {"alerts": {"Keys": [key("told", "b")]}},
        },
    )
    stub.add_response("batch_get_item", {"Responses": {"alerts": [key("told", "b")]}, "UnprocessedKeys": {}})
    assert table.sent(["a", "b"]) == {"a", "b"}


def test_told_is_written_before_pending_is_deleted(stub: Stubber, table: Table) -> None:
    put = {"PutRequest": {"Item": {**key("told", "a"), "expires_at": {"N": str(NOW + 7 * 86_400)}}}}
    stub.add_response("batch_write_item", {}, {"RequestItems": {"alerts": [put]}})
    stub.add_response(
        "batch_write_item", {}, {"RequestItems": {"alerts": [{"DeleteRequest": {"Key": key("pending", "a")}}]}}
    )
    table.mark_sent(["a"], NOW)


def test_more_than_a_batch_is_written_in_batches(stub: Stubber, table: Table) -> None:
    for _ in range(3):
        stub.add_response("batch_write_item", {}, {"RequestItems": ANY})
    table.drop_pending([str(number) for number in range(60)])


def test_a_claim_that_another_holds_is_refused(stub: Stubber, table: Table) -> None:
    stub.add_client_error("update_item", "ConditionalCheckFailedException")
    assert table.claim("gather", "me", NOW, 60) is False


def test_a_claim_is_taken_when_it_is_free_or_old_or_ones_own(stub: Stubber, table: Table) -> None:
    stub.add_response(
        "update_item",
        {},
        {
            "TableName": "alerts",
            "Key": key("claim", "gather"),
            "UpdateExpression": ANY,
            "ConditionExpression": "attribute_not_exists(pk) OR #until < :now OR #owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner", "#until": "until"},
            "ExpressionAttributeValues": {
                ":owner": {"S": "me"},
                ":until": {"N": str(NOW + 60)},
                ":now": {"N": str(NOW)},
                ":expires": ANY,
            },
        },
    )
    assert table.claim("gather", "me", NOW, 60) is True


def test_a_claim_of_another_is_not_released(stub: Stubber, table: Table) -> None:
    stub.add_client_error("delete_item", "ConditionalCheckFailedException")
    table.release("gather", "me")


def test_states_and_routes_are_read(stub: Stubber, table: Table) -> None:
    state = {"failures": 3, "untold": 1, "since": 10, "told_at": 20, "last_created_ms": 30}
    item = {**key("job", "a"), **{name: {"N": str(value)} for name, value in state.items()}}
    stub.add_response("batch_get_item", {"Responses": {"alerts": [item]}})
    assert table.states(["a", "b"]) == {"a": JobState(3, 1, 10, 20, 30)}
    rows = [
        {
            **key("route", "a"),
            "channel": {"S": "#a"},
            "mention": {"S": ""},
            "mute": {"BOOL": True},
            "service": {"S": "s"},
        }
    ]
    stub.add_response("batch_get_item", {"Responses": {"alerts": rows}})
    assert table.routes(["a"]) == {"a": Route("a", "#a", "", True, "s")}


def test_messages_of_this_minute_and_the_last_are_counted(stub: Stubber, table: Table) -> None:
    stub.add_response("update_item", {"Attributes": {"messages": {"N": "2"}}})
    stub.add_response("batch_get_item", {"Responses": {"alerts": [{**key("sent", "x"), "messages": {"N": "3"}}]}})
    assert table.count_message(NOW) == 5


def test_nothing_is_asked_for_nothing(stub: Stubber, table: Table) -> None:
    assert table.sent([]) == set()
    assert stub.client is not None


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ThrottlingException"])
def test_a_refusal_is_said(stub: Stubber, table: Table, code: str) -> None:
    stub.add_client_error("query", code)
    with pytest.raises(Unavailable, match=code):
        table.pending()


def test_keys_that_stay_unprocessed_are_said(stub: Stubber, table: Table) -> None:
    for _ in range(5):
        stub.add_response("batch_get_item", {"UnprocessedKeys": {"alerts": {"Keys": [key("told", "a")]}}})
    with pytest.raises(Unavailable, match="unprocessed"):
        table.sent(["a"])


def test_watched_schedules_are_read_and_noted(stub: Stubber, table: Table) -> None:
    # GIVEN a row that Terraform wrote, and one of the sweep's
    row = {**key("late", "a"), "schedule": {"S": "rate(1 day)"}, "late_after_seconds": {"N": "600"}}
    stub.add_response("query", {"Items": [{**row, "job_queue_arn": {"S": "arn"}}]})
    assert table.watches.watched() == [Watched("a", "arn", Schedule("rate(1 day)"), 600)]
    seen = {**key("watch", "a"), "schedule": {"S": "rate(1 day)"}, "checked": {"N": "5"}, "missed": {"N": "2"}}
    stub.add_response("query", {"Items": [seen]})
    assert table.watches.watching() == {"a": WatchState("rate(1 day)", 5, 2, 0)}
    # WHEN one is noted, THEN it goes after years only: a yearly job is looked at once a year
    stub.add_response(
        "put_item",
        {},
        {
            "TableName": "alerts",
            "Item": {**seen, "told_at": {"N": "7"}, "expires_at": {"N": str(5 + 3 * 366 * 86_400)}},
        },
    )
    table.watches.put_watching("a", WatchState("rate(1 day)", 5, 2, 7))
    # AND forgotten, where it is watched no more
    delete = {"RequestItems": {"alerts": [{"DeleteRequest": {"Key": key("watch", "a")}}]}}
    stub.add_response("batch_write_item", {}, delete)
    table.watches.drop_watching(["a"])


def test_a_watched_schedule_has_its_zone_start_and_end(stub: Stubber, table: Table) -> None:
    # GIVEN a row with all that a schedule may say
    said = {"schedule": "cron(0 9 * * ? *)", "timezone": "Asia/Seoul", "start": "2026-03-01T00:00:00Z", "end": ""}
    row = {**key("late", "a"), **{name: {"S": value} for name, value in said.items()}}
    stub.add_response("query", {"Items": [row]})
    (watched,) = table.watches.watched()
    # THEN it is known by all of it, so that a change of any is seen
    assert watched.schedule == Schedule(*said.values())
    assert watched.schedule.text == "cron(0 9 * * ? *) Asia/Seoul from 2026-03-01T00:00:00Z"


def test_a_run_is_looked_up_in_the_table_of_runs(stub: Stubber) -> None:
    # GIVEN a table of runs by its ARN, and two moments
    runs = Runs("arn:aws:dynamodb:ap-northeast-2:123456789012:table/batchtab-prod-job-runs")
    expected = {
        "TableName": "batchtab-prod-job-runs",
        "KeyConditionExpression": "#job = :job AND #item BETWEEN :since AND :until",
        "ExpressionAttributeNames": {"#job": "job", "#item": "item"},
        "ExpressionAttributeValues": {
            ":job": {"S": "a"},
            ":since": {"S": "run#2026-03-02T00:00:00Z"},
            ":until": {"S": "run#2026-03-02T00:00:59Z"},
        },
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": 1,
    }
    item = {"job": {"S": "a"}, "item": {"S": "run#2026-03-02T00:00:00Z"}, "status": {"S": "claimed"}}
    stub.add_response("query", {"Items": [{**item, "lease_until": {"N": "1772409645.123"}}]}, expected)
    # WHEN the last run between them is asked for THEN it is the one that the function noted
    assert runs.last("a", 1_772_409_600, 1_772_409_659) == Run(1_772_409_600, "claimed", 1_772_409_645)
    stub.add_response("query", {"Items": []}, expected)
    assert runs.last("a", 1_772_409_600, 1_772_409_659) is None
    stub.add_client_error("query", "AccessDeniedException")
    with pytest.raises(Unavailable):
        runs.last("a", 0, 1)
