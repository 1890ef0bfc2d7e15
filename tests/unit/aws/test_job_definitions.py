"""Which revisions of a job definition Batch would run."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from batchtab.aws.client import Aws
from batchtab.aws.job_definitions import Active, active_revisions

NAME = "batchtab-prod-billing-invoice"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """AWS with one client for Batch, to be stubbed."""
    made = Aws("ap-northeast-2", "http://127.0.0.1:9")
    batch = made.client("batch")
    monkeypatch.setattr(made, "client", lambda _service: batch)
    return made


def definition(revision: int, name: str = NAME) -> dict[str, Any]:
    return {"jobDefinitionName": name, "jobDefinitionArn": f"arn:{name}", "revision": revision, "type": "container"}


def test_the_active_revisions_of_all_pages_are_found(aws: Aws) -> None:
    # GIVEN two pages, with a definition of another name among them
    wanted = {"jobDefinitionName": NAME, "status": "ACTIVE", "maxResults": 100}
    with Stubber(aws.client("batch")) as batch:
        first = {"jobDefinitions": [definition(3), definition(9, "another")], "nextToken": "t"}
        batch.add_response("describe_job_definitions", first, wanted)
        batch.add_response(
            "describe_job_definitions", {"jobDefinitions": [definition(1)]}, {**wanted, "nextToken": "t"}
        )
        # THEN those of the name are
        assert active_revisions(aws, [NAME]) == Active({NAME: [3, 1]})
        batch.assert_no_pending_responses()


def test_of_a_definition_that_is_not_there_none_is_active(aws: Aws) -> None:
    with Stubber(aws.client("batch")) as batch:
        batch.add_response("describe_job_definitions", {"jobDefinitions": []})
        assert active_revisions(aws, [NAME]) == Active({NAME: []})
    # AND of no names nothing is asked
    assert active_revisions(aws, []) == Active({})


def test_after_a_thousand_revisions_no_more_are_asked_for(aws: Aws) -> None:
    with Stubber(aws.client("batch")) as batch:
        for page in range(11):
            many = [definition(page * 100 + number + 1) for number in range(100)]
            batch.add_response("describe_job_definitions", {"jobDefinitions": many, "nextToken": f"t{page}"})
        assert len(active_revisions(aws, [NAME]).revisions[NAME]) == 1000


def test_a_refusal_is_raised(aws: Aws) -> None:
    with Stubber(aws.client("batch")) as batch:
        batch.add_client_error("describe_job_definitions", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            active_revisions(aws, [NAME])


def test_up_to_twenty_definitions_are_asked_for_by_their_names(aws: Aws) -> None:
    with Stubber(aws.client("batch")) as batch:
        for _ in range(20):
            batch.add_response("describe_job_definitions", {"jobDefinitions": []})
        assert active_revisions(aws, [f"job-{number}" for number in range(20)]).read is None
        batch.assert_no_pending_responses()


def test_of_five_hundred_definitions_the_accounts_pages_are_read_and_no_call_is_for_one_alone(aws: Aws) -> None:
    # GIVEN 500 jobs in an account with others, 600 definitions in all
    names = [f"job-{number}" for number in range(500)]
    wanted = {"status": "ACTIVE", "maxResults": 100}
    with Stubber(aws.client("batch")) as batch:
        for page in range(6):
            many = [definition(7, f"job-{page * 100 + number}") for number in range(99)]
            answer = {"jobDefinitions": [*many, definition(page + 1, "job-0")]}
            token = {"nextToken": f"t{page}"} if page else {}
            more = {"nextToken": f"t{page + 1}"} if page < 5 else {}
            batch.add_response("describe_job_definitions", answer | more, wanted | token)
        # WHEN they are looked up THEN six calls do
        found = active_revisions(aws, names)
        batch.assert_no_pending_responses()
    # AND those of the names are found, on whatever pages
    assert list(found.revisions) == names
    assert found.revisions["job-0"] == [7, 1, 2, 3, 4, 5, 6]
    assert (found.revisions["job-498"], found.revisions["job-499"], found.read) == ([7], [], None)


def test_after_fifty_pages_no_more_of_an_account_are_read(aws: Aws) -> None:
    with Stubber(aws.client("batch")) as batch:
        for page in range(50):
            batch.add_response(
                "describe_job_definitions", {"jobDefinitions": [definition(page + 1)], "nextToken": f"t{page}"}
            )
        found = active_revisions(aws, [NAME, *(f"job-{number}" for number in range(20))])
        batch.assert_no_pending_responses()
    assert (len(found.revisions[NAME]), found.read) == (50, 50)
