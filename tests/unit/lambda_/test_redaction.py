"""An event is logged without what the job was given."""

from __future__ import annotations

import json

from tests.unit.lambda_.support import event

from job_alerts.redaction import redact


def test_values_of_the_environment_are_masked_and_names_stay() -> None:
    logged = redact(event("exit_code"))
    assert logged["detail"]["container"]["environment"] == [
        {"name": "LOG_LEVEL", "value": "***"},
        {"name": "DB_PASSWORD", "value": "***"},
    ]
    assert "correct-horse" not in json.dumps(logged)


def test_containers_of_every_kind_are_masked() -> None:
    for detail in (
        {"ecsProperties": {"taskProperties": [{"containers": [{"environment": [{"name": "A", "value": "s3cret"}]}]}]}},
        {
            "nodeProperties": {
                "nodeRangeProperties": [{"container": {"environment": [{"name": "A", "value": "s3cret"}]}}]
            }
        },
        {"eksProperties": {"podProperties": {"containers": [{"env": [{"name": "A", "value": "s3cret"}]}]}}},
        {"parameters": {"key": "s3cret"}},
    ):
        assert "s3cret" not in json.dumps(redact({"detail": detail}))


def test_references_to_secrets_and_other_facts_stay() -> None:
    logged = redact(event("exit_code"))
    assert logged["detail"]["container"]["secrets"][0]["valueFrom"].endswith(":parameter/my-service/token")
    assert logged["detail"]["jobName"] == "my-service-do-something"


def test_secrets_in_a_command_are_masked() -> None:
    assert "hunter2" not in json.dumps(redact(event("local_aws")))


def test_the_event_itself_is_not_changed() -> None:
    given = event("exit_code")
    redact(given)
    assert given == event("exit_code")
