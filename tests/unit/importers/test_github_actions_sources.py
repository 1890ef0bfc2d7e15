"""Real scheduled workflows, as their authors wrote them: what becomes of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers.importing import Result

FOLDER = Path(__file__).parents[2] / "fixtures" / "importers" / "github-actions"


def imported(name: str) -> Result:
    (path,) = FOLDER.glob(f"{name}*")
    return sources.imported("github-actions", path.read_text(encoding="utf-8"), path.name, service="s")


#: Name of the file: some settings of each job.
GOLDEN: dict[str, dict[str, dict[str, Any]]] = {
    "01": {"node-js-daily-job": {"schedule": "0 0 * * *", "architecture": "arm64"}},
    "02": {
        "bump-dependencies-1-not-waiting": {"schedule": "0 0 * * Sun", "secrets": {"GITHUB_TOKEN": "/s/GITHUB_TOKEN"}},
        "bump-dependencies-1-update": {"after": "bump-dependencies-1-not-waiting"},
        "bump-dependencies-1-pr": {"after": "bump-dependencies-1-update"},
        "bump-dependencies-2-not-waiting": {"schedule": "0 */4 * * *"},
        "bump-dependencies-2-update": {
            "command": ["bash", "-e", "-o", "pipefail", "-c", "cargo update 2>&1 | tee -a cargo_update.log"]
        },
        "bump-dependencies-2-pr": {"after": "bump-dependencies-2-update"},
    },
    "03": {
        "schedule-tests-windows-3-12": {"concurrency_policy": "replace"},
        "schedule-tests-windows-3-13": {"schedule": "42 2 * * *"},
        "schedule-tests-postgresql-16-0": {"environment": {"SERVER_SIDE_BINDING": "0"}, "timeout_seconds": 3600},
        "schedule-tests-postgresql-16-1": {"main_depends_on": {"postgres": "START"}},
        "schedule-tests-postgresql-17-0": {},
        "schedule-tests-postgresql-17-1": {},
    },
    "04": {"scrape-latest-data": {"schedule": "6,26,46 * * * *"}},
    "05": {
        "get-recently-played-tracks": {"secrets": {"CLIENT_ID": "/s/CLIENT_ID", "AUTH_STRING": "/s/AUTH_STRING"}},
    },
    "06": {
        "06-two-schedules-1": {"command": ["bash", "-e", "-c", 'echo "This step always runs"'], "timezone": None},
        "06-two-schedules-2": {"timezone": "America/New_York"},
    },
    "07": {
        "daily-database-backup": {"secrets": {"CRON_SECRET": "/s/CRON_SECRET", "APP_URL": "/s/APP_URL"}},
    },
    "09": {
        "sync-s3-files": {
            "job_role_arn": "arn:aws:iam::123456789012:role/sync",
            "environment": {"ENV_NAME": "prod", "AWS_REGION": "ca-central-1"},
            "concurrency_policy": "queue",
            "timeout_seconds": 600,
        }
    },
    "10": {"build-nightly-image-setup": {}, "build-nightly-image-build": {"after": "build-nightly-image-setup"}},
    "11": {
        "git-provider-sync-scheduled": {
            "image": {"repository": "ghcr.io/itiquette/gitprovidersync", "tag": "1.2"},
            "command": ["sh", "-e", "-c", "gitprovidersync sync"],
        }
    },
    "12": {
        "inductor-perf-nightly-1-get-label-type": {"concurrency_policy": "replace"},
        "inductor-perf-nightly-1-notify": {"after_status": "any"},
        "inductor-perf-nightly-2-get-label-type": {"schedule": "0 7 * * 0"},
        "inductor-perf-nightly-2-notify": {},
    },
}


def test_each_source_is_here() -> None:
    assert sorted(path.name[:2] for path in FOLDER.iterdir()) == sorted([*GOLDEN, "08"])


@pytest.mark.parametrize("name", GOLDEN)
def test_a_source(name: str) -> None:
    # WHEN it is imported
    result = imported(name)
    # THEN its jobs have these settings
    jobs, expected = sources.jobs(result), GOLDEN[name]
    assert [*jobs] == [*expected]
    for job, settings in expected.items():
        assert {key: jobs[job].get(key) for key in settings} == settings
    # AND they start when the workflow does
    assert len(result.proven) == sum("schedule" in job for job in jobs.values())
    assert all(each.is_equal for each in result.proven)
    # AND a person has to decide, and each field is known
    assert result.needs_person
    assert "does not know this field" not in result.report_text


def test_a_workflow_of_actions_alone_is_refused_by_their_names() -> None:
    with pytest.raises(UsageError, match="which Batch does not run: actions/stale"):
        imported("08")
