"""Real scheduled functions, as their authors wrote them: what becomes of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.importers import sources

from batchtab.importers.importing import Result

FOLDER = Path(__file__).parents[2] / "fixtures" / "importers" / "lambda"


def imported(name: str) -> Result:
    (path,) = FOLDER.glob(f"{name}*")
    return sources.imported("lambda", path.read_text(encoding="utf-8"), path.name, service="s")


#: Name of the file: does a person have to decide, and some settings of each job.
GOLDEN: dict[str, tuple[bool, dict[str, dict[str, Any]]]] = {
    "01": (
        True,
        {
            "rate-handler": {"schedule": "rate(1 minute)", "vcpus": 1, "memory_mib": 2048, "timeout_seconds": 66},
            "cron-handler": {"schedule": "cron(0/2 * ? * MON-FRI *)", "attempts": 3},
        },
    ),
    "02": (
        True,
        {
            "crawl-1": {"schedule": "rate(2 hours)"},
            "crawl-2": {"schedule": "cron(0 12 * * ? *)"},
            "aggregate-1": {"suspend": True, "description": "Every ten minutes, if it is on"},
            "aggregate-2": {"schedule": "cron(0 0/4 ? * MON-FRI *)"},
            "aggregate-3": {"schedule": "cron(0 2 ? * SAT-SUN *)"},
            "local": {"schedule": "cron(30 2 * * ? *)", "timezone": "America/New_York"},
        },
    ),
    "03": (True, {"hello": {"timezone": "America/New_York", "command": ["handler.hello"]}}),
    "04": (
        True,
        {"scraper": {"architecture": "arm64", "environment": {"LOG_TABLE_NAME": "ScraperLogs"}, "timeout_seconds": 90}},
    ),
    "05": (
        True,
        {"my-lambda": {"image": {"repository": "s-my-lambda", "tag": "latest"}, "description": "test schedule"}},
    ),
    "06": (
        True,
        {
            "scheduled-schedule1": {"description": "One"},
            "scheduled-schedule2": {"description": "Two"},
            "scheduled-schedule3": {"suspend": True},
        },
    ),
    "07": (
        True,
        {
            "snapshot": {
                "schedule": "cron(0 0/12 * * ? *)",
                "environment": {"SRC_VOLUME_ID": "fsvol-0b428631301385017"},
                "permissions": [
                    {"actions": ["fsx:CreateSnapshot", "fsx:CopySnapshotAndUpdateVolume"], "resources": ["*"]}
                ],
            }
        },
    ),
    "08": (
        False,
        {
            "singleton": {
                "permissions": [{"actions": ["s3:GetObject*", "s3:List*"], "resources": ["arn:aws:s3:::reports/*"]}]
            }
        },
    ),
    "09": (
        True,
        {
            "function": {
                "start": "2026-02-01T00:00:00Z",
                "flexible_window_minutes": 15,
                "concurrency_policy": "queue",
                "attempts": 1,
                "secrets": {"SLACK_TOKEN": "secretsmanager:slack:token::"},
                "job_role_arn": "arn:aws:iam::123456789012:role/reminder",
            }
        },
    ),
    "10": (
        True,
        {
            "scheduler1": {"image": {"repository": "s-scheduler1", "tag": "latest"}, "vcpus": 2, "memory_mib": 4096},
            "scheduler2": {"image": {"repository": "scheduler-2", "tag": "1.4.0"}},
            "scheduler3": {"command": ["/usr/bin/tool", "sweep", "--all"], "timeout_seconds": 60},
        },
    ),
    "11": (True, {"ingest": {"secrets": {"ACCOUNT": "/snowflake/account"}, "concurrency_policy": "queue"}}),
    "12": (
        False,
        {"check-website-periodically": {"managed_policy_arns": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]}},
    ),
}


def test_each_source_is_here() -> None:
    assert sorted(path.name[:2] for path in FOLDER.iterdir()) == sorted(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_source(name: str) -> None:
    # WHEN it is imported
    result = imported(name)
    needs_person, expected = GOLDEN[name]
    # THEN its jobs have these settings
    jobs = sources.jobs(result)
    assert [*jobs] == [*expected]
    for job, settings in expected.items():
        assert {key: jobs[job].get(key) for key in settings} == settings
    # AND they start when the functions do
    assert len(result.proven) == len(jobs)
    assert all(each.is_expected for each in result.proven)
    # AND each field is known
    assert result.needs_person is needs_person
    assert "does not know this field" not in result.report_text
