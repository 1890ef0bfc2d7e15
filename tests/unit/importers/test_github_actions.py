"""Workflows of GitHub Actions: each field's value in jobs.yaml, what is said of it, and what the commands do."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers.findings import Fate, Finding
from batchtab.importers.importing import Result
from batchtab.importers.kinds.github_actions.expressions import Status, answer, holds
from batchtab.importers.kinds.github_actions.matrix import combinations

RICH: dict[str, Any] = {
    "name": "Nightly",
    "run-name": "Nightly of ${{ github.actor }}",
    "on": {
        "schedule": [{"cron": "30 5 * * 1-5", "timezone": "Europe/Berlin"}],
        "workflow_dispatch": {"inputs": {"day": {"type": "string"}}},
        "push": {"branches": ["main"]},
    },
    "permissions": {"contents": "read"},
    "env": {"LEVEL": "info", "TOKEN": "${{ secrets.API_TOKEN }}", "REGION": "${{ vars.REGION }}"},
    "defaults": {"run": {"shell": "bash", "working-directory": "tools"}},
    "concurrency": {"group": "${{ github.workflow }}", "cancel-in-progress": True},
    "jobs": {
        "fetch": {
            "name": "Fetch all",
            "runs-on": "ubuntu-24.04-arm",
            "timeout-minutes": 30,
            "permissions": {"id-token": "write"},
            "environment": {"name": "prod"},
            "outputs": {"n": "${{ steps.a.outputs.n }}"},
            "env": {"MODE": "full"},
            "container": {
                "image": "ghcr.io/acme/tools:1.2",
                "env": {"HOME": "/tmp"},
                "options": "--user 1000",
                "volumes": ["/a:/b"],
                "credentials": {"username": "acme", "password": "${{ secrets.PULL }}"},
            },
            "services": {"redis": {"image": "redis:7", "ports": ["6379:6379"], "env": {"A": "b"}}},
            "steps": [
                {"name": "Code", "uses": "actions/checkout@v4", "with": {"fetch-depth": 0}},
                {
                    "uses": "aws-actions/configure-aws-credentials@v4",
                    "with": {"role-to-assume": "arn:aws:iam::123456789012:role/x", "aws-region": "eu-west-1"},
                },
                {"id": "a", "name": "Fetch", "run": "python fetch.py", "env": {"STEP": "1"}, "timeout-minutes": 5},
                {"run": "echo done", "working-directory": "out", "shell": "sh", "continue-on-error": True},
                {"run": "echo failed", "if": "failure()"},
                {"uses": "slackapi/slack-github-action@v2", "if": "always()"},
            ],
        },
        "publish": {
            "needs": "fetch",
            "if": "always()",
            "runs-on": "self-hosted",
            "strategy": {"matrix": {"target": ["a"]}, "fail-fast": False},
            "steps": [{"run": "publish ${{ matrix.target }}"}],
        },
    },
}
MATRIX: dict[str, Any] = {
    "on": {"schedule": [{"cron": "0 0 1,15 * 1"}, {"cron": "0 6 * * *"}]},
    "jobs": {
        "test": {
            "if": "github.event.schedule == '0 6 * * *' || github.ref == 'refs/heads/main'",
            "runs-on": "${{ matrix.os }}",
            "continue-on-error": True,
            "concurrency": "one",
            "strategy": {
                "matrix": {"os": ["ubuntu-latest"], "v": [1, 2], "exclude": [{"v": 2}], "include": [{"v": 3, "x": "y"}]}
            },
            "steps": [
                {"if": "github.event.schedule != '0 6 * * *'", "run": "echo ${{ matrix.v }}"},
                {"run": "echo always", "env": {"X": "${{ matrix.x }}"}},
            ],
        }
    },
}


def workflow(document: object, **options: Any) -> Result:
    return sources.imported("github-actions", yaml.safe_dump(document, sort_keys=False), **options)


def small(steps: list[Any] | None = None, cron: str = "0 6 * * *", **job: Any) -> dict[str, Any]:
    """A workflow of one job."""
    own = {"runs-on": "ubuntu-latest", "steps": steps or [{"run": "echo a"}]} | job
    return {"name": "w", "on": {"schedule": [{"cron": cron}]}, "jobs": {"j": own}}


def finding(result: Result, field: str) -> Finding:
    """The first finding of a field."""
    return next(each for each in result.imported.findings if each.field.endswith(field))


def test_a_rich_workflow_becomes_jobs() -> None:
    # WHEN it is imported
    result = workflow(RICH, service="reports")
    jobs = sources.jobs(result)
    assert [*jobs] == ["nightly-fetch", "nightly-publish-a"]
    # THEN the first job has its fields
    job = jobs["nightly-fetch"]
    script = job.pop("command")
    assert script[:3] == ["bash", "-e", "-c"]
    assert job == {
        "image": {"repository": "ghcr.io/acme/tools", "tag": "1.2"},
        "schedule": "30 5 * * 1-5",
        "timezone": "Europe/Berlin",
        "concurrency_policy": "replace",
        "vcpus": 2,
        "memory_mib": 8192,
        "timeout_seconds": 1800,
        "attempts": 1,
        "architecture": "arm64",
        "read_only_root_filesystem": False,
        "containers": {
            "redis": {
                "image": {"repository": "docker.io/library/redis", "tag": "7"},
                "read_only_root_filesystem": False,
                "environment": {"A": "b"},
            }
        },
        "main_depends_on": {"redis": "START"},
        "job_role_arn": "arn:aws:iam::123456789012:role/x",
        "environment": {"LEVEL": "info", "MODE": "full", "HOME": "/tmp", "AWS_REGION": "eu-west-1"},
        "secrets": {"TOKEN": "/reports/API_TOKEN"},
    }
    # AND the variable of one step is that step's
    assert "export STEP=1\npython fetch.py\n)" in script[-1]
    # AND the second one follows it, whatever its end
    assert jobs["nightly-publish-a"]["after"] == "nightly-fetch"
    assert jobs["nightly-publish-a"]["after_status"] == "any"
    assert jobs["nightly-publish-a"]["command"][-1] == "cd tools\npublish a"
    assert result.proven[0].is_equal


@pytest.mark.parametrize(
    ("field", "fate", "needs_person"),
    [
        ("run-name", Fate.NOT_CARRIED, False),
        ("on.push.branches[0]", Fate.NOT_CARRIED, False),
        ("on.workflow_dispatch", Fate.NOT_CARRIED, False),
        ("env.TOKEN", Fate.CHANGED, True),
        ("env.REGION", Fate.NOT_CARRIED, True),
        ("jobs.fetch.permissions", Fate.NOT_CARRIED, False),
        ("jobs.fetch.environment", Fate.NOT_CARRIED, True),
        ("jobs.fetch.outputs", Fate.NOT_CARRIED, True),
        ("container.image", Fate.CHANGED, True),
        ("container.credentials", Fate.NOT_CARRIED, True),
        ("container.volumes", Fate.NOT_CARRIED, True),
        ("services.redis.image", Fate.CHANGED, True),
        ("steps[0].uses", Fate.NOT_CARRIED, False),
        ("with.role-to-assume", Fate.CHANGED, True),
        ("steps[2].timeout-minutes", Fate.NOT_CARRIED, False),
        ("steps[4].if", Fate.NOT_CARRIED, True),
        ("steps[5].uses", Fate.NOT_CARRIED, True),
        ("jobs.publish.runs-on", Fate.CHANGED, True),
        ("strategy.fail-fast", Fate.NOT_CARRIED, False),
    ],
)
def test_what_became_of_a_field(field: str, fate: Fate, needs_person: bool) -> None:
    found = finding(workflow(RICH), field)
    assert (found.fate, bool(found.todo)) == (fate, needs_person)


@pytest.mark.parametrize("document", [RICH, MATRIX], ids=["rich", "matrix"])
def test_no_field_is_without_effect(document: dict[str, Any]) -> None:
    # GIVEN what an import says of a rich source
    whole = sources.outcome(workflow(document, years=1))
    for path, less in sources.without_one(document):
        # WHEN one field is dropped THEN it says something else
        with suppress(UsageError):
            assert sources.outcome(workflow(less, years=1)) != whole, path


def test_each_combination_and_each_schedule_is_a_job() -> None:
    result = workflow(MATRIX, service="s")
    # THEN there are two combinations, twice for day of month or day of week, and for the second schedule
    jobs = sources.jobs(result)
    assert [*jobs] == [
        *("source-1-ubuntu-latest-1", "source-1-ubuntu-latest-1-2", "source-1-3-y"),
        *("source-1-3-y-2", "source-2-ubuntu-latest-1", "source-2-3-y"),
    ]
    # AND a step that is for one schedule is in its jobs alone
    assert "echo 1" in jobs["source-1-ubuntu-latest-1"]["command"][-1]
    assert jobs["source-2-ubuntu-latest-1"]["command"][-1] == "echo always"
    assert jobs["source-1-ubuntu-latest-1"]["concurrency_policy"] == "queue"
    assert jobs["source-1-ubuntu-latest-1"]["queue_limit"] == 1
    assert all(each.is_equal for each in result.proven)


def run(steps: list[Any], tmp_path: Path, **job: Any) -> subprocess.CompletedProcess[str]:
    """The command that is imported from steps, as a job runs it."""
    found = sources.jobs(workflow(small(steps, **job)))["w"]
    env = {"PATH": "/usr/bin:/bin", **found.get("environment", {}), **dict.fromkeys(found.get("secrets", {}), "s3cret")}
    return subprocess.run(
        found["command"], cwd=tmp_path, env=env, check=False, capture_output=True, text=True, timeout=300
    )


def test_the_command_ends_at_the_first_failure(tmp_path: Path) -> None:
    done = run([{"run": "echo a\nfalse\necho b"}, {"run": "echo c"}], tmp_path)
    assert (done.returncode, done.stdout) == (1, "a\n")


def test_only_a_named_bash_fails_in_the_middle_of_a_pipe(tmp_path: Path) -> None:
    assert run([{"run": "false | cat\necho on"}], tmp_path).stdout == "on\n"
    assert run([{"run": "false | cat\necho on", "shell": "bash"}], tmp_path).returncode == 1
    assert run([{"run": "false | cat\necho on", "shell": "bash"}, {"run": "echo"}], tmp_path).returncode == 1


def test_folders_and_variables_end_with_their_step(tmp_path: Path) -> None:
    (tmp_path / "in side").mkdir()
    steps = [
        {"run": "pwd; cd /; X=1; echo $Y", "working-directory": "in side", "env": {"Y": "it's"}},
        {"run": "pwd; echo \"x$X y$Y\" 'q'", "env": {"Y": "other"}},
    ]
    done = run(steps, tmp_path)
    assert done.stdout == f"{tmp_path}/in side\nit's\n{tmp_path}\nx yother q\n"


def test_the_command_goes_on_after_a_step_that_may_fail(tmp_path: Path) -> None:
    steps = [{"run": "echo a\nfalse\necho b", "continue-on-error": True}, {"run": "echo c"}]
    done = run(steps, tmp_path)
    assert (done.returncode, done.stdout) == (0, "a\nc\n")
    assert run([steps[0]], tmp_path).returncode == 0


def test_steps_of_other_shells(tmp_path: Path) -> None:
    steps = [{"run": "print('py')", "shell": "python3"}, {"run": "echo sh $0", "shell": "sh"}, {"run": "echo bash"}]
    assert run(steps, tmp_path).stdout == "py\nsh sh\nbash\n"
    assert run([{"run": "print('py')", "shell": "python3"}], tmp_path).stdout == "py\n"


def test_secrets_and_variables_within_a_script(tmp_path: Path) -> None:
    script = 'echo "${{ secrets.KEY }} ${{ env.LEVEL }} ${{ github.event_name }}"'
    assert run([{"run": script}], tmp_path, env={"LEVEL": "info"}).stdout == "s3cret info schedule\n"


def test_a_secret_within_single_quotes_is_named() -> None:
    result = workflow(small([{"run": "curl -H 'x: ${{ secrets.KEY }}' https://example.com"}]))
    assert any("double quotes" in each.todo for each in result.imported.findings.decisions())


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("echo ${{ github.sha }}", "${{ github.sha }}"),
        ("echo a=b >> $GITHUB_OUTPUT", "$GITHUB_OUTPUT"),
        ('echo "${GITHUB_REPOSITORY}"', "$GITHUB_REPOSITORY"),
        ("echo ${{ steps.a.outputs.b }}", "${{ steps.a.outputs.b }}"),
        ("echo ${{ vars.REGION }}", "${{ vars.REGION }}"),
    ],
)
def test_what_only_github_knows_is_named(script: str, what: str) -> None:
    result = workflow(small([{"run": script}]))
    assert what in [each.value for each in result.imported.findings.decisions()]


def test_a_secret_in_a_script_is_not_shown() -> None:
    result = workflow(small([{"run": "curl --header 'Authorization: Bearer abcdefghijklmnop1234' https://a.example"}]))
    assert any("looks like a secret" in each.note for each in result.imported.findings.decisions())
    assert "abcdefghijklmnop1234" not in result.report_text + result.jobs_text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"group": "a", "cancel-in-progress": True}, ("replace", None)),
        ({"group": "a", "cancel-in-progress": False}, ("queue", 1)),
        ("a", ("queue", 1)),
        (None, (None, None)),
    ],
)
def test_concurrency(given: object, expected: tuple[str | None, int | None]) -> None:
    job = sources.jobs(workflow(small() | ({"concurrency": given} if given else {})))["w"]
    assert (job.get("concurrency_policy"), job.get("queue_limit")) == expected


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("@daily", "GitHub refuses words"),
        ("0 0 * * * *", "has 6 fields"),
        ("61 0 * * *", ""),
        ("0 0 31 2 *", ""),
        ("", "has 0 fields"),
    ],
)
def test_a_schedule_that_cannot_be_is_reported_and_the_job_imported(cron: str, why: str) -> None:
    result = workflow(small(cron=cron))
    assert "schedule" not in sources.jobs(result)["w"]
    (found,) = [
        each for each in result.imported.findings.decisions() if "cron" in each.field or each.field == "schedule"
    ]
    assert why in found.note


def test_a_schedule_that_github_slows_down_is_named() -> None:
    assert finding(workflow(small(cron="*/2 * * * *")), "cron").field
    decisions = workflow(small(cron="*/2 * * * *")).imported.findings.decisions()
    assert any("five minutes" in each.todo for each in decisions)
    assert not any("five minutes" in each.todo for each in workflow(small(cron="*/5 * * * *")).imported.findings)


def test_times_that_clocks_skip_are_made_up_on_github_and_not_on_aws() -> None:
    document = small()
    document["on"]["schedule"] = [{"cron": "30 2 * * *", "timezone": "Europe/Berlin"}]
    (proven,) = workflow(document).proven
    assert [each.cause for each in proven.differences] == ["clock change"]


def test_jobs_need_each_other() -> None:
    step = {"steps": [{"run": "echo"}], "runs-on": "ubuntu-latest"}
    document = small()
    document["jobs"] = {
        "last": step | {"needs": ["a", "b"]},
        "a": step,
        "b": step | {"needs": "a"},
        "never": step | {"if": "github.event_name == 'push'"},
        "after-never": step | {"needs": "never"},
        "failed": step | {"needs": "a", "if": "failure()"},
    }
    jobs = sources.jobs(workflow(document))
    assert [*jobs] == ["w-a", "w-b", "w-failed", "w-last"]
    assert (jobs["w-b"]["after"], jobs["w-last"]["after_all"]) == ("w-a", ["w-a", "w-b"])
    assert (jobs["w-failed"]["after"], jobs["w-failed"]["after_status"]) == ("w-a", "failed")
    assert [name for name, job in jobs.items() if "schedule" in job] == ["w-a"]


def test_a_job_after_two_jobs_for_one_schedule_follows_each() -> None:
    step = {"steps": [{"run": "echo"}], "runs-on": "ubuntu-latest"}
    document = small(cron="0 0 1 * 1")
    document["jobs"] = {"a": step, "b": step | {"needs": "a"}}
    assert sources.jobs(workflow(document))["w-b"]["after"] == ["w-a", "w-a-2"]


@pytest.mark.parametrize(
    "matrix", ["${{ fromJSON(needs.a.outputs.m) }}", {"v": [*range(20)]}, {"v": "${{ fromJSON('[1]') }}"}, {"v": []}]
)
def test_a_matrix_that_is_not_known_or_too_large_is_refused_by_name(matrix: object) -> None:
    document = small()
    document["jobs"]["m"] = document["jobs"]["j"] | {"strategy": {"matrix": matrix}}
    result = workflow(document)
    assert [*sources.jobs(result)] == ["w-j"]
    assert finding(result, "jobs.m.strategy.matrix").todo


def test_combinations_as_github_makes_them() -> None:
    # GIVEN the example of GitHub's documentation
    matrix = {
        "fruit": ["apple", "pear"],
        "animal": ["cat", "dog"],
        "include": [
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
    }
    # THEN the combinations are those that it names
    assert combinations(matrix) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


KNOWN = {"github.event_name": "schedule", "github.event.schedule": "0 6 * * *", "matrix.v": "3"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event_name == 'schedule'", True),
        ("${{ github.event_name == 'push' }}", False),
        ("github.event_name == 'Schedule'", True),
        ("github.event_name != 'push' && matrix.v == 3", True),
        ("!(github.event_name == 'push')", True),
        ("github.sha == 'a'", None),
        ("github.sha == 'a' && false", False),
        ("github.sha == 'a' || true", True),
        ("github.repository == 'a/b'", True),
        ("github.ref == 'refs/heads/main'", True),
        ("success()", True),
        ("failure() || always()", True),
        ("contains(github.ref, 'main')", None),
        ("contains(github.ref, 'main') || true", True),
        ("fromJSON(vars.A)[0].b == 'c' || true", True),
        ("contains('Main', 'main') && startsWith('abc', 'ab') && !endsWith('abc', 'ab')", True),
        ("false", False),
        (False, False),
        (0, False),
        ("'false'", True),
        ("'0'", True),
        ("true == 'true'", False),
        ("github.event.inputs.dry == false", True),
        ("inputs.dry", False),
        ("github.event.pull_request.draft", False),
        ("github.event.sender.login == 'a'", None),
        ("matrix.v > 2", True),
        ("${{ github.sha }} == 'a'", True),
        ("${{ false }} || ${{ false }}", True),
        ("!cancelled()", True),
        ("Always()", True),
        ("!success()", False),
        ("a ==", None),
        ("(((", None),
        ("'it''s' == 'it''s'", True),
        ("", True),
        ("(" * 5000 + "true" + ")" * 5000, None),
    ],
)
def test_conditions(text: object, value: bool | None) -> None:
    assert holds(text, KNOWN) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ matrix.v }}", "3"),
        ("${{ github.event.inputs.env || 'prod' }}", "prod"),
        ("${{ github.event_name == 'schedule' && 'night' || 'day' }}", "night"),
        ("${{ github.event_name == 'push' && 'night' || 'day' }}", "day"),
        ("${{ inputs.a && 'b' }}", ""),
        ("${{ github.event_name == 'push' || false }}", "false"),
        ("${{ 3.50 }}", "3.5"),
        ("${{ github.sha || 'x' }}", None),
        ("${{ github.sha && 'x' || 'y' }}", None),
        ("${{ !github.sha }}", None),
        ("${{ needs.*.result }}", None),
    ],
)
def test_an_expression_with_a_value(text: str, value: str | None) -> None:
    assert answer(text, KNOWN) == value


@pytest.mark.parametrize(
    ("text", "after"),
    [
        # what it is after a success, a failure, a skipped job and a cancelled run
        ("true", (True, False, False, False)),
        ("", (True, False, False, False)),
        ("success()", (True, False, False, False)),
        ("failure()", (False, True, False, False)),
        ("cancelled()", (False, False, False, True)),
        ("always()", (True, True, True, True)),
        ("!cancelled()", (True, True, True, False)),
        ("${{ !cancelled() }}", (True, True, True, False)),
        ("!failure()", (True, False, True, True)),
        ("!success()", (False, True, True, True)),
        ("success() || failure()", (True, True, False, False)),
        ("!failure() && !cancelled()", (True, False, True, False)),
        ("failure() && github.sha == 'a'", (False, None, False, False)),
        ("always() && github.event_name == 'push'", (False, False, False, False)),
        ("'always()' == 'a'", (False, False, False, False)),
    ],
)
def test_a_condition_after_each_status(text: str, after: tuple[bool | None, ...]) -> None:
    assert tuple(holds(text, KNOWN, each) for each in Status) == after


STEP = {"steps": [{"run": "echo"}], "runs-on": "ubuntu-latest"}


def chain(jobs: dict[str, Any]) -> Result:
    """A workflow of jobs that all run a command."""
    return workflow(small() | {"jobs": {key: STEP | job for key, job in jobs.items()}})


def trigger(result: Result, name: str) -> dict[str, Any]:
    job = sources.jobs(result)[name]
    return {key: job[key] for key in ("schedule", "after", "after_all", "after_status") if key in job}


def decided(result: Result, job: str) -> list[str]:
    """The fields of a job that need a person, but for the image that all need."""
    return [each.field for each in result.imported.findings.of_job(job) if each.todo and "container" not in each.field]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("success()", None),
        ("!failure()", None),
        ("!failure() && !cancelled()", None),
        ("always()", "any"),
        ("!cancelled()", "any"),
        ("${{ !cancelled() }}", "any"),
        ("success() || failure()", "any"),
        ("failure()", "failed"),
        ("!success()", "failed"),
        ("always() && needs.a.result == 'failure'", "failed"),
        ("always() && needs.a.result == 'success'", None),
        ("!cancelled() && contains(needs.*.result, 'failure')", "failed"),
    ],
)
def test_a_condition_of_a_job_is_which_end_it_follows(condition: str, status: str | None) -> None:
    result = chain({"a": {}, "b": {"needs": "a", "if": condition}})
    assert trigger(result, "w-b") == {"after": "w-a"} | ({"after_status": status} if status else {})
    assert decided(result, "w-b") == []


@pytest.mark.parametrize("condition", [False, "false", "${{ false }}", "failure()", "cancelled()"])
def test_a_job_whose_condition_is_false_is_not_there(condition: object) -> None:
    result = chain({"a": {}, "b": {"if": condition}, "c": {"needs": "b"}})
    assert [*sources.jobs(result)] == ["w-a"]
    assert finding(result, "jobs.b.if").fate in {Fate.CHANGED, Fate.NOT_CARRIED}
    notes = [each.note for each in result.imported.findings if each.field == "jobs.c.needs"]
    assert any("b does not run at this schedule" in each for each in notes)


def test_a_job_that_only_a_cancelled_run_starts_needs_a_person() -> None:
    result = chain({"a": {}, "b": {"needs": "a", "if": "cancelled()"}})
    assert [*sources.jobs(result)] == ["w-a"]
    assert finding(result, "jobs.b.if").todo


def test_a_job_goes_on_without_a_needed_one_that_is_off() -> None:
    result = chain(
        {"a": {}, "off": {"if": False}, "b": {"needs": ["a", "off"], "if": "!failure()"}, "c": {"needs": ["a", "off"]}}
    )
    assert [*sources.jobs(result)] == ["w-a", "w-b"]
    assert trigger(result, "w-b") == {"after": "w-a"}
    # AND if nothing is left to wait for, the schedule starts it
    alone = chain({"off": {"if": False}, "b": {"needs": "off", "if": "always()"}})
    assert trigger(alone, "w-b") == {"schedule": "0 6 * * *"}


def test_after_a_failure_of_any_of_several() -> None:
    result = chain(
        {"a": {"strategy": {"matrix": {"v": [1, 2]}}}, "b": {}, "c": {"needs": ["a", "b"], "if": "failure()"}}
    )
    # THEN it starts at each failure, and a person knows that it may start several times
    assert trigger(result, "w-c") == {"after": ["w-a-1", "w-a-2", "w-b"], "after_status": "failed"}
    assert decided(result, "w-c") == ["jobs.c.needs"]


def test_after_a_failure_of_any_job_of_a_chain() -> None:
    jobs: dict[str, Any] = {"a": {}, "b": {"needs": "a"}, "c": {"needs": "b", "if": "failure()"}}
    result = chain(jobs)
    # THEN that of the first counts as well, and only one of them can fail
    assert trigger(result, "w-c") == {"after": ["w-a", "w-b"], "after_status": "failed"}
    assert decided(result, "w-c") == []
    # AND the result of a job is its own
    jobs["c"]["if"] = "always() && needs.b.result == 'failure'"
    assert trigger(chain(jobs), "w-c") == {"after": "w-b", "after_status": "failed"}


def test_after_a_job_that_does_not_start_in_each_run() -> None:
    # GIVEN a job whatever the end of others, one of which starts only after a success
    several = chain({"a": {}, "b": {"needs": "a"}, "c": {"needs": ["a", "b"], "if": "always()"}})
    # THEN it does not wait for what may never come
    assert trigger(several, "w-c") == {}
    assert decided(several, "w-c") == ["jobs.c.needs"]
    # AND after such a job alone, it starts where that does, which a person decides
    one = chain({"a": {}, "b": {"needs": "a"}, "c": {"needs": "b", "if": "always()"}})
    assert trigger(one, "w-c") == {"after": "w-b", "after_status": "any"}
    assert decided(one, "w-c") == ["jobs.c.needs"]


def test_after_a_job_that_starts_after_a_failure() -> None:
    jobs: dict[str, Any] = {"a": {}, "b": {"needs": "a", "if": "failure()"}, "c": {"needs": "b"}}
    # THEN GitHub never starts one that needs the success of all
    assert [*sources.jobs(chain(jobs))] == ["w-a", "w-b"]
    # AND one that only must not follow a failure waits for nothing that may never come
    jobs["c"] = {"needs": ["a", "b"], "if": "!failure()"}
    assert trigger(chain(jobs), "w-c") == {}
    assert decided(chain(jobs), "w-c") == ["jobs.c.needs"]


def test_after_a_job_that_starts_at_any_end() -> None:
    jobs: dict[str, Any] = {"a": {}, "b": {"needs": "a", "if": "always()"}, "c": {"needs": "b"}}
    result = chain(jobs)
    assert trigger(result, "w-c") == {"after": "w-b"}
    assert decided(result, "w-c") == ["jobs.c.needs"]
    # AND any end of it is of each run
    jobs["c"]["if"] = "always()"
    assert decided(chain(jobs), "w-c") == []


def test_a_job_after_a_failure_of_what_is_not_here_is_not_scheduled() -> None:
    result = chain({"z": {}, "a": {"steps": [{"uses": "actions/stale@v9"}]}, "c": {"needs": "a", "if": "failure()"}})
    assert trigger(result, "w-c") == {}
    assert "jobs.c.needs" in decided(result, "w-c")


@pytest.mark.parametrize(
    ("condition", "runs", "needs_person"),
    [
        (False, False, False),
        ("${{ false }}", False, False),
        (True, True, False),
        ("success()", True, False),
        ("!failure()", True, False),
        ("!cancelled()", True, True),
        ("always()", True, True),
        ("success() || failure()", True, True),
        ("failure()", False, True),
        ("cancelled()", False, True),
        ("!success()", False, True),
        ("steps.a.outputs.b", True, True),
    ],
)
def test_a_condition_of_a_step(condition: object, runs: bool, needs_person: bool) -> None:
    result = workflow(small([{"run": "echo a"}, {"run": "echo b", "if": condition}]))
    assert ("echo b" in sources.jobs(result)["w"]["command"][-1]) is runs
    assert bool(finding(result, "steps[1].if").todo) is needs_person


def test_steps_in_a_container_run_with_sh_where_no_shell_is_named(tmp_path: Path) -> None:
    both = [{"run": "echo a"}, {"run": "echo b\ncd /", "continue-on-error": True}, {"run": "echo c | cat; pwd"}]
    # THEN an image without bash runs them
    for steps in ([{"run": "echo a"}], both, [{"run": "print(1)", "shell": "python3"}, {"run": "echo a"}]):
        found = sources.jobs(workflow(small(steps, container="alpine:3.20")))["w"]["command"]
        assert found[:3] == ["sh", "-e", "-c"]
        assert "bash" not in found[-1]
    done = run(both, tmp_path, container={"image": "alpine:3.20"})
    assert (done.returncode, done.stdout) == (0, f"a\nb\nc\n{tmp_path}\n")
    # AND a shell that is named, for the step or for all, is used
    named = workflow(small([{"run": "a"}], container="x:1", defaults={"run": {"shell": "bash"}}))
    assert sources.jobs(named)["w"]["command"] == ["bash", "-e", "-o", "pipefail", "-c", "a"]


def test_services_have_a_size_on_ec2() -> None:
    document = small(services={"redis": {"image": "redis:7"}})
    on_ec2 = sources.jobs(workflow(document, is_fargate=False))["w"]["containers"]["redis"]
    assert (on_ec2["vcpus"], on_ec2["memory_mib"]) == (1, 1024)
    assert "vcpus" not in sources.jobs(workflow(document))["w"]["containers"]["redis"]


@pytest.mark.parametrize(
    ("ports", "job", "todo"),
    [
        (["6379:6379"], {}, ""),
        ([6379], {}, ""),
        (["6379/tcp"], {}, ""),
        (["127.0.0.1:6379:6379/tcp"], {}, ""),
        (["16379:6379"], {}, "use port 6379 in place of 16379"),
        (["127.0.0.1:16379:6379"], {}, "use port 6379 in place of 16379"),
        (["16379:6379"], {"container": "node:20"}, ""),
        (["${{ vars.PORT }}:6379"], {}, "use the port on which redis itself listens"),
        ("16379:6379", {}, "correct the source"),
    ],
)
def test_a_port_that_github_maps_needs_a_person(ports: object, job: dict[str, Any], todo: str) -> None:
    found = finding(workflow(small(services={"redis": {"image": "redis:7", "ports": ports}}, **job)), "ports[0]"
                    if isinstance(ports, list) else "ports")  # fmt: skip
    assert found.fate is Fate.NOT_CARRIED
    assert found.todo.startswith(todo) if todo else not found.todo


def test_two_services_cannot_have_one_port() -> None:
    services = {name: {"image": "postgres:16", "ports": ["5432"]} for name in ("a", "b")}
    result = workflow(small(services=services, container="node:20"))
    assert not finding(result, "services.a.ports[0]").todo
    assert "let b listen on another port" in finding(result, "services.b.ports[0]").todo


@pytest.mark.parametrize(
    "job",
    [
        {"if": "github.event_name == 'push'"},
        {"needs": "off"},
        {"if": "cancelled()"},
        {"steps": [{"uses": "actions/stale@v9"}]},
        {"steps": [{"run": "echo", "if": False}]},
    ],
)
def test_of_a_job_that_is_not_made_nothing_is_changed(job: dict[str, Any]) -> None:
    more = {
        "name": "N",
        "strategy": {"matrix": {"v": [1]}, "fail-fast": False},
        "timeout-minutes": 5,
        "env": {"A": "b"},
    }
    result = chain({"a": {}, "off": {"if": False}, "c": more | job})
    assert [*sources.jobs(result)] == ["w-a"]
    found = [each for each in result.imported.findings if each.job == "w-c-1"]
    # THEN each of its fields has a result, and none is in jobs.yaml
    assert {each.fate for each in found} == {Fate.NOT_CARRIED}
    assert {"jobs.c.name", "jobs.c.timeout-minutes", "jobs.c.env.A"} <= {each.field for each in found}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "jobs: {}",
        "{on: push, jobs: {}}",
        "{on: {schedule: []}, jobs: {a: {}}}",
        "{on: {schedule: [{cron: 0 0 * * *}]}, jobs: {}}",
        "{on: {schedule: [{cron: 0 0 * * *}]}, jobs: [1]}",
        "{on: {schedule: [{cron: 0 0 * * *}]}, jobs: {a: 7}}",
        "{on: {schedule: [{cron: 0 0 * * *}]}, jobs: {a: {steps: [{uses: actions/stale@v9}]}}}",
        "{on: {schedule: [{cron: 0 0 * * *}]}, jobs: {a: {uses: ./b.yml}}}",
        "on: !!python/object/apply:os.system ['touch /tmp/never']",
        "\x00",
        "a: 1\na: 2",
        "jobs: {}\n---\njobs: {}",
    ],
)
def test_what_is_no_source_is_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        sources.imported("github-actions", text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "job",
    [
        {"runs-on": 7, "timeout-minutes": "soon", "env": "text", "needs": {"a": 1}},
        {"runs-on": {"group": "g", "labels": ["ubuntu-latest"]}, "timeout-minutes": 10**400, "services": [1]},
        {"container": {"image": "${{ inputs.image }}"}, "strategy": "text", "defaults": 7},
        {"env": {"größe": "1", "A B": "2", "E": None, "L": [1]}, "if": ["a"], "concurrency": 7},
        {"needs": "j", "environment": "日本\n"},
        {"steps": [7, {"run": 7}, {"run": "echo", "shell": "perl {0}", "env": [1], "if": 1}, {}]},
        {"strategy": {"matrix": {"include": [7, {"a": {"b": [1]}}]}}},
    ],
)
def test_odd_values_end_in_findings(job: dict[str, Any]) -> None:
    result = workflow(small(**job))
    assert result.imported.jobs
    assert result.needs_person
