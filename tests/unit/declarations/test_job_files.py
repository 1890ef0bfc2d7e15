"""Job files of `tests/fixtures/job_files`, in which each job once was refused, taken or explained wrongly."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batchtab import limits
from batchtab.declarations import catalog
from batchtab.declarations.cautions import cautions
from batchtab.declarations.diagnostics import Diagnostic, Diagnostics
from batchtab.declarations.other_words import COMING
from batchtab.declarations.service import read_services

FILES = Path(__file__).resolve().parents[2] / "fixtures" / "job_files"
UNKNOWN = "is an unknown key"
TAGS = "allowed are letters, digits, spaces and _ . : / = + - @"
FAULTS = {
    "all-excepted": ["3: job a: schedule: '* * * * *' never runs: except excludes all its times"],
    "dollar-fields": [
        f"6: job tagged: tags.formula: '${{x}}' has '$', '{{', '}}': {TAGS}",
        f"7: job silent: tags.who: '${{terraform.workspace}}' has '$', '{{', '}}': {TAGS}",
    ],
    "hints": [
        "3: job a: command: 'sh -c 'echo hi'' is not a list [hint: write [sh, -c, echo hi]: no shell splits it]",
        "5: job c: memory_mib: '2 GiB' is not a whole number [hint: write memory_mib: 2048]",
    ],
    "images": [],
    "retry": [],
    "secrets": [],
    "tags": [
        "3: job case: tags.Team: differs from the tag team of stage example in case only, which IAM refuses"
        " [hint: write team]",
        f"4: job chars: tags.owner: 'Doe, Jane' has ',': {TAGS}",
        f"4: job chars: tags.note: 'a (b) #1' has '#', '(', ')': {TAGS}",
        f"4: job chars: tags.emoji: '🚀' has '🚀': {TAGS}",
    ],
    "unknown-keys": [
        f"2: defaults: gpu: {UNKNOWN} [hint: write gpus: 1]",
        f"4: job a: gpu: {UNKNOWN} [hint: write gpus: 1]",
        f"6: job c: name: {UNKNOWN} [hint: a job's name is its key below jobs]",
        f"7: job d: enabled: {UNKNOWN} [hint: write suspend: true]",
        f"8: job e: depends_on: {UNKNOWN} [hint: write after: [a]]",
        f"9: job f: notify: {UNKNOWN} [hint: write alerts: {{channel: '#x'}}]",
        f"10: job g: concurrency: {UNKNOWN} [hint: write concurrency_policy: forbid]",
        f"11: job h: retry: {UNKNOWN} [hint: write attempts: 3]",
    ],
    "wrong-words": [
        "3: job a: command: 'python x.py' is not a list [hint: write [python, x.py]: no shell splits it]",
        f"3: job a: cron: {UNKNOWN} [hint: write schedule: 0 0 * * *]",
        f"3: job a: memory: {UNKNOWN} [hint: write memory_mib: 512]",
        f"3: job a: timeout: {UNKNOWN} [hint: it is timeout_seconds here: 60 to 2147483647 (seconds)]",
        "4: job b: vcpus: 0.3 is not allowed: a whole number on EC2, or one of 0.25, 0.5, 1, 2, 4, 8, 16, 32 on"
        " Fargate",
        "4: job b: schedule: '0 0 1 * 1' sets day-of-month and day-of-week: crontab runs on either, which AWS"
        " cannot express [hint: write two jobs: '0 0 1 * *' and '0 0 * * MON']",
        "5: job c: timezone: 'KST' is an abbreviation: a name such as Asia/Seoul says when its clocks change"
        " [hint: write Asia/Seoul]",
        "6: job d: after[0]: 'zz' is not a job: a, b, c, d, e, f",
        "6: job d: queue: 'nope' is not a queue of stage example: default, continuously",
        f"7: job e: retries: {UNKNOWN} [hint: write attempts: 4]",
        f"8: job f: secrets.X: is not allowed: {limits.SECRET.describe()}",
        f"8: job f: permissions[0].actions[0]: '*' is not allowed: {limits.IAM_ACTION.describe()}",
    ],
}
WARNINGS = {
    "images": [
        "2: warning: image.tag: 'latest' moves: a run takes the image that was pushed last, which no plan shows"
    ],
    "retry": ["6: warning: job none: evaluate_on_exit: has no effect: attempts is 1, so no failure is retried"],
}
# Until the pattern of secrets knows those that RDS keeps.
UNTIL_RDS = pytest.mark.xfail("!" not in limits.SECRET.pattern, reason="rds!… is refused", strict=True)


def found_in(project: Path, name: str) -> list[Diagnostic]:
    """What is wrong with a file in the stage on AWS; what is warned of if nothing is wrong."""
    shutil.rmtree(project / "jobs")
    (project / "jobs" / "t").mkdir(parents=True)
    shutil.copy(FILES / f"{name}.yaml", project / "jobs" / "t" / "jobs.yaml")
    try:
        loaded = catalog.load("example", project)
    except Diagnostics as error:
        return [*error.problems]
    return [*cautions([loaded], datetime(2026, 11, 29, tzinfo=UTC))]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=UNTIL_RDS) if name == "secrets" else name for name in FAULTS]
)
def test_each_job_is_taken_or_refused_in_these_words(project: Path, name: str) -> None:
    # GIVEN a file whose fields that are new may be known by now, or not yet
    found = [each for each in found_in(project, name) if each.field.partition("[")[0].partition(".")[0] not in COMING]
    # THEN each of the others has one of these lines
    lines = [str(each).split("jobs.yaml:", 1)[1] for each in found]
    if FAULTS[name]:
        assert lines == FAULTS[name]
    else:
        assert [line.partition(" [hint: ")[0] for line in lines] == WARNINGS.get(name, [])


@pytest.mark.parametrize("name", ["hints", "unknown-keys", "wrong-words"])
def test_a_field_that_is_new_leads_to_no_other(project: Path, name: str) -> None:
    found = [each for each in found_in(project, name) if each.field in COMING]
    assert not any("did you mean" in each.hint or "supported" in str(each) for each in found)


def test_every_file_is_tried() -> None:
    assert {path.stem for path in FILES.glob("*.yaml")} == {*FAULTS}


def test_what_is_taken_has_the_value_that_is_written(tmp_path: Path) -> None:
    # GIVEN the files as services
    jobs = {}
    for path in FILES.glob("*.yaml"):
        folder = tmp_path / path.stem / "t"
        folder.mkdir(parents=True)
        shutil.copy(path, folder / "jobs.yaml")
        (source,), _ = read_services(tmp_path / path.stem)
        jobs[path.stem] = source.spec.jobs
    # THEN dollars are letters, an old time zone is one, and a rule on exit codes alone does not end all jobs
    assert jobs["dollar-fields"]["perm"].permissions[0].resources == ("arn:aws:s3:::b/${aws:PrincipalTag/team}/*",)
    assert jobs["dollar-fields"]["params"].parameters == {"fmt": "%{http_code}"}
    assert jobs["dollar-fields"]["described"].description == "Costs about ${amount}"
    assert jobs["dollar-fields"]["silent"].parameters == {"home": "$${HOME}", "when": "${timestamp()}"}
    assert jobs["hints"]["b"].timezone == "EST5EDT"
    assert not jobs["retry"]["star"].evaluate_on_exit[-1].catches_all
    assert jobs["retry"]["five"].evaluate_on_exit[-1].catches_all
    assert len(jobs["retry"]["five"].evaluate_on_exit) == limits.EVALUATE_ON_EXIT_RULES_MAX
    # AND an image is in the account's own registry unless a host says another
    assert {name: each.image is not None and each.image.in_ecr for name, each in jobs["images"].items()} == {
        "a": True, "dual": False, "fips": False, "ptc": True,
    }  # fmt: skip
    assert str(jobs["images"]["fips"].image) == "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/fips:v1"
