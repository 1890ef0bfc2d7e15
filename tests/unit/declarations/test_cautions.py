"""What is allowed and mostly not meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from batchtab.declarations import joins
from batchtab.declarations.catalog import load, load_all
from batchtab.declarations.cautions import cautions
from batchtab.declarations.chain import resolve

NOW = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
OVERLAP = "seconds between two runs, and concurrency_policy allow lets them overlap [hint: concurrency_policy: forbid,"
SECRET = "looks like a secret, which all see who read this file, a plan or the job definition"
USELESS = "evaluate_on_exit: has no effect: attempts is 1, so no failure is retried [hint: attempts: 2 or more]"
RETRY = "evaluate_on_exit: [{action: RETRY, on_exit_code: 1}]"
JOINED = "names jobs that run equally often, and the end of each starts this one: 2 runs [hint: after_all: ["


def warned(project: Path, jobs: str, head: str = "", stage: str = "example") -> list[str]:
    """The warnings of a service `w`, each from its line on."""
    path = project / "jobs" / "w" / "jobs.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"service: w\n{head}\njobs:\n{jobs}\n", encoding="utf-8")
    return [
        str(found).split("jobs.yaml:", 1)[1] for found in cautions([load(stage, project)], NOW) if "/w/" in found.file
    ]


def of_job(project: Path, fields: str, stage: str = "example") -> list[str]:
    """The warnings of a job with these fields, from its field on."""
    return [
        line.partition("warning: job j: ")[2] for line in warned(project, f"  j: {{command: [x], {fields}}}", "", stage)
    ]


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [("schedule: '*/5 * * * *', timeout_seconds: 301", 300), ("schedule: rate(10 minutes)", 600),
     ("schedule: '0 9,10 * * *', timeout_seconds: 3601, timezone: Asia/Seoul", 3600)],
)  # fmt: skip
def test_a_run_that_may_last_until_the_next_is_warned_of(project: Path, fields: str, seconds: int) -> None:
    (line,) = of_job(project, fields)
    assert line.startswith("timeout_seconds: ")
    assert line.endswith(f"is longer than the {seconds} {OVERLAP} or at most {seconds}]")


@pytest.mark.parametrize(
    "fields",
    [
        "schedule: '*/5 * * * *', timeout_seconds: 300",
        "schedule: '*/5 * * * *', concurrency_policy: forbid",
        "schedule: '*/5 * * * *', suspend: true",
        "schedule: '@daily'",
        "timeout_seconds: 100000",
    ],
)
def test_a_run_that_ends_before_the_next_or_gives_way_is_not(project: Path, fields: str) -> None:
    assert of_job(project, fields) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter22"),
        ("API_TOKEN", "abcdefgh"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("DATABASE", "postgres://app:hunter22@db/app"),
        ("TOKEN_URL", "https://app:hunter22@auth.example.com"),
    ],
)
def test_a_secret_written_down_is_warned_of_and_not_repeated(project: Path, name: str, value: str) -> None:
    assert of_job(project, f"environment: {{{name}: '{value}'}}") == [
        f"environment.{name}: {SECRET} [hint: secrets: {{{name}: /a/parameter}}, and another secret]"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTHOR", "somebody"),
        ("MAX_TOKENS", "100000"),
        ("TOKEN_URL", "https://auth.example.com/token"),
        ("SECRET_NAME", "prod-database"),
        ("PASSWORD_FILE", "/run/secrets/db"),
        ("DB_PASSWORD", "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:db"),
        ("PASSWORD_REQUIRED", "certainly"),
        ("SECRET", "${HOME}"),
        ("LOG_LEVEL", "debugging"),
    ],
)
def test_what_only_speaks_of_a_secret_is_none(project: Path, name: str, value: str) -> None:
    assert of_job(project, f"environment: {{{name}: '{value}'}}") == []


def test_a_privileged_container_is_warned_of(project: Path) -> None:
    assert of_job(project, "privileged: true") == [
        "privileged: true lets the container do everything on its EC2 instance, like root there"
        " [hint: leave it out, and name the devices that it needs]"
    ]


def test_a_policy_of_awss_by_which_a_job_may_do_everything_is_warned_of(project: Path) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert of_job(project, f"managed_policy_arns: ['{arn}', 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']") == [
        f"managed_policy_arns: '{arn}' lets the job give itself or others more than is said here"
        " [hint: permissions, with the actions that it needs]"
    ]


def test_a_container_beside_the_jobs_own_is_looked_at_too(project: Path) -> None:
    beside = "containers: {proxy: {vcpus: 1, memory_mib: 64, privileged: true, environment: {API_TOKEN: abcdefgh}}}"
    assert [line.partition(" ")[0] for line in of_job(project, beside)] == [
        "containers.proxy.environment.API_TOKEN:",
        "containers.proxy.privileged:",
    ]


def test_an_image_whose_tag_moves_is_warned_of_where_it_is_named(project: Path) -> None:
    moves = "image.tag: 'latest' moves: a run takes the image that was pushed last, which no plan shows"
    pinned = "[hint: the tag of a version, or digest: sha256:…]"
    latest = "image: {repository: r, tag: latest}"
    # GIVEN it in a service, of which two jobs run; in a job; in the defaults
    assert warned(project, "  a: {command: [x]}\n  b: {command: [x]}", latest) == [f"2: warning: {moves} {pinned}"]
    assert of_job(project, latest) == [f"{moves} {pinned}"]
    assert warned(project, "  a: {command: [x]}", f"defaults: {{{latest}}}") == [
        f"2: warning: defaults: {moves} {pinned}"
    ]
    # THEN local AWS, where all is built anew, is no place to warn of it
    assert of_job(project, latest, "local") == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            "schedule: at(2026-11-29T09:00:00)",
            "schedule: 'at(2026-11-29T09:00:00)' is over: the job does not run any more",
        ),
        ("schedule: cron(0 9 1 1 ? 2026)", "schedule: 'cron(0 9 1 1 ? 2026)' is over"),
        ("schedule: '@daily', end: 2026-11-28", "end: '2026-11-28' is over: the job does not run any more"),
    ],
)
def test_what_is_over_is_warned_of(project: Path, fields: str, expected: str) -> None:
    (line,) = of_job(project, fields)
    assert line.startswith(expected)


@pytest.mark.parametrize(
    "fields", ["schedule: at(2026-11-29T10:00:00)", "schedule: '@daily', end: 2026-12-01", "schedule: rate(1 day)"]
)
def test_what_is_to_come_is_not(project: Path, fields: str) -> None:
    assert of_job(project, fields) == []


def test_rules_for_retries_without_a_retry_are_warned_of(project: Path) -> None:
    assert of_job(project, f"attempts: 1, {RETRY}") == [USELESS]
    assert of_job(project, f"attempts: 2, {RETRY}") == []
    # GIVEN rules in the defaults THEN they are meant for the jobs that are tried again, if there are any
    assert warned(project, "  j: {command: [x], attempts: 1}", f"defaults: {{attempts: 2, {RETRY}}}") == []
    assert warned(project, "  j: {command: [x]}", f"defaults: {{{RETRY}}}") == [f"2: warning: defaults: {USELESS}"]


@pytest.mark.parametrize(
    ("one", "other", "after", "is_warned"),
    [
        ("0 0 * * *", "'@daily'", "after: [a, b]", True),
        ("rate(1 day)", "rate(1 day)", "after: [a, b]", True),
        ("0 1 * * *", "30 1 * * *", "after: [a, b]", True),
        ("0 1 * * *", "'0 1 * * *', timezone: Asia/Seoul, start: 2026-12-24", "after: [a, w/b]", True),
        ("0 9 1 * *", "0 9 15 * *", "after: [a, b]", True),
        ("at(2026-12-24T01:00:00)", "at(2026-12-24T01:00:00)", "after: [a, b]", True),
        ("at(2026-12-24T01:00:00)", "at(2026-12-25T01:00:00)", "after: [a, b]", False),
        ("at(2026-11-24T01:00:00)", "at(2026-11-24T01:00:00)", "after: [a, b]", False),
        ("0 * * * *", "0 0 * * 0", "after: [a, b]", False),
        ("0 1 * * *", "0 1 * * 1-5", "after: [a, b]", False),
        ("'*/5 9 * * *'", "'*/5 9 1 * *'", "after: [a, b]", False),
        ("0 0 * * *", "'@daily'", "after: [a, w/a]", False),
        ("0 0 * * *", "'@daily'", "after: [a, b], after_status: failed", False),
        ("0 0 * * *", "'@daily'", "after: a", False),
        ("rate(1 day)", "0 0 * * *", "after: [a, b]", True),
        ("rate(2 days)", "0 0 * * *", "after: [a, b]", False),
        ("0 0 * * *", "'@daily', suspend: true", "after: [a, b]", False),
    ],
)
def test_following_jobs_that_are_due_together_is_warned_of(
    project: Path, one: str, other: str, after: str, is_warned: bool
) -> None:
    jobs = {"a": f"schedule: {one}", "b": f"schedule: {other}", "c": after}
    found = warned(project, "\n".join(f"  {name}: {{command: [x], {fields}}}" for name, fields in jobs.items()))
    found = [line for line in found if "job c: " in line]
    assert bool(found) is is_warned
    assert all(JOINED in line for line in found)


@pytest.mark.parametrize(
    ("jobs", "is_warned"),
    [
        ("c: after: a | d: after: a | n: after: [c, d]", True),
        ("c: after: a | n: after: [a, c]", True),
        ("c: after: a | d: after: c | n: after: [c, d]", True),
        ("c: after: a | d: after: b | n: after: [c, d]", True),
        ("c: after: [a, h] | d: after: [h, a] | n: after: [c, d]", True),
        ("c: after_all: [a, b] | n: after: [a, c]", True),
        ("c: after: a | d: after: h | n: after: [c, d]", False),
        ("c: after: [a, h] | d: after: a | n: after: [c, d]", False),
        ("c: after: a | d: after: a, after_status: failed | n: after: [c, d]", False),
        ("c: after: a | d: after: a, suspend: true | n: after: [c, d]", False),
        ("c: after: a | d: array_size: 2 | n: after: [c, d]", False),
        ("c: after: a | d: after: a | n: after: [c, d], suspend: true", False),
        ("c: after: a | d: after: a | n: after_all: [c, d]", False),
    ],
)
def test_following_chains_of_one_origin_is_warned_of(project: Path, jobs: str, is_warned: bool) -> None:
    # GIVEN two nightly jobs and an hourly one, and jobs after them
    every = {"a": "schedule: 0 1 * * *", "b": "schedule: 30 1 * * *", "h": "schedule: 0 * * * *, timeout_seconds: 60"}
    every |= dict(each.strip().split(": ", 1) for each in jobs.split("|"))
    found = warned(project, "\n".join(f"  {name}: {{command: [x], {fields}}}" for name, fields in every.items()))
    # THEN it is the last that starts more than once
    found = [line for line in found if "job n: after: " in line]
    assert bool(found) is is_warned
    assert all(JOINED in line for line in found)


def test_chains_of_thousands_are_not_followed_to_their_ends(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN 1,000 jobs, each after the two before it
    asked: list[str] = []
    monkeypatch.setattr(joins, "resolve", lambda *given: (asked.append(given[1]), resolve(*given))[1])
    after = {n: f"after: [j{n - 1}, j{n - 2}]" for n in range(2, 1000)} | {0: "schedule: '@daily'", 1: "after: j0"}
    found = warned(project, "\n".join(f"  j{n}: {{command: [x], {after[n]}}}" for n in range(1000)))
    # THEN those near the beginning are warned of, and no more is looked at than that takes
    assert 90 < len(found) <= 100
    assert all(JOINED in line for line in found)
    assert len(asked) < 1000 * 2 * 2 * 110


def test_waiting_for_all_of_one_job_is_warned_of(project: Path) -> None:
    jobs = "  a: {command: [x], schedule: '@daily'}\n  c: {command: [x], after_all: [w/a]}"
    assert warned(project, jobs) == [
        '5: warning: job c: after_all: ["w/a"] names one job only [hint: after: w/a]',
    ]


def test_a_parameter_that_no_command_uses_is_warned_of(project: Path) -> None:
    # GIVEN parameters of a job and of the defaults, of which commands use some
    jobs = "  a: {command: [x, Ref::used, Ref::shared], parameters: {used: v, lost: v}}\n  b: {command: [x]}"
    # THEN the others are lost
    assert warned(project, jobs, "defaults: {parameters: {shared: v, nowhere: v}}") == [
        "2: warning: defaults: parameters.nowhere: has no effect: no command of the service uses it"
        " [hint: write Ref::nowhere where it belongs]",
        "4: warning: job a: parameters.lost: has no effect: the job's command does not use it"
        " [hint: write Ref::lost where it belongs]",
    ]


def test_a_warning_of_several_stages_is_one_line(project: Path) -> None:
    found = cautions(load_all(project), NOW)
    assert [(each.file.rpartition("jobs/")[2], each.line, each.severity) for each in found] == [
        ("my-service/jobs.yaml", 3, "warning")
    ]
