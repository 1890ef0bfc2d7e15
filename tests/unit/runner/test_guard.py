"""The rule that keeps two jobs of one name apart, without a network."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchtab.runner.guard import CheckError, Guard, Verdict

LIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
FINISHED = ("SUCCEEDED", "FAILED")


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Pages:
    """ListJobs, newest first, 100 to a page; the next calls raise the errors."""

    def __init__(self, jobs: list[dict[str, Any]], errors: list[Exception] | None = None) -> None:
        self.jobs = sorted(jobs, key=lambda job: job["createdAt"], reverse=True)
        self.errors = errors or []
        self.calls = 0

    def __call__(self, token: str | None) -> dict[str, Any]:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        begin = int(token or 0)
        page: dict[str, Any] = {"jobSummaryList": self.jobs[begin : begin + 100]}
        if begin + 100 < len(self.jobs):
            page["nextToken"] = str(begin + 100)
        return page


class ServiceError(Exception):
    """An error as botocore raises it."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


def job(job_id: str, created_at: int, status: str = "RUNNING", name: str = "nightly") -> dict[str, Any]:
    return {"jobId": job_id, "jobName": name, "createdAt": created_at, "status": status}


def check(pages: Pages, job_id: str, *, seconds: float = 60, clock: Clock | None = None) -> Verdict:
    clock = clock or Clock()
    guard = Guard(pages, job_name="nightly", job_id=job_id, seconds=seconds, now=clock.now, sleep=clock.sleep)
    return guard.check()


def test_alone_it_runs() -> None:
    # GIVEN only itself, and finished runs
    pages = Pages([job("me", 50), job("old", 1, "SUCCEEDED"), job("older", 0, "FAILED")])
    # THEN it may run, and one call was enough
    assert check(pages, "me").job_id == ""
    assert pages.calls == 1


@pytest.mark.parametrize("status", [*LIVE, "A_STATUS_OF_TOMORROW"])
def test_an_earlier_job_that_has_not_finished_goes_first_in_every_status(status: str) -> None:
    # GIVEN an earlier job of the name
    verdict = check(Pages([job("me", 50), job("first", 10, status)]), "me")
    # THEN this one gives way, and knows to whom
    assert (verdict.job_id, verdict.status, verdict.created_at) == ("first", status, 10)


@pytest.mark.parametrize("status", LIVE)
def test_a_later_job_gives_way_to_us_so_we_do_not_give_way_to_it(status: str) -> None:
    # GIVEN a later job, which may be running its own check already
    # THEN this one runs
    assert check(Pages([job("me", 50), job("later", 51, status)]), "me").job_id == ""


def test_of_two_created_in_one_millisecond_the_lesser_id_runs() -> None:
    # GIVEN two of the same instant
    jobs = [job("b", 50), job("a", 50)]
    # THEN exactly one of them runs
    assert check(Pages(jobs), "a").job_id == ""
    assert check(Pages(jobs), "b").job_id == "a"


@pytest.mark.parametrize("name", ["Nightly", "NIGHTLY", "nightly-2", "nightl"])
def test_other_names_do_not_count(name: str) -> None:
    # GIVEN an earlier job whose name differs in case only, or begins alike
    # THEN it is another job
    assert check(Pages([job("me", 50), job("other", 10, name=name)]), "me").job_id == ""


@pytest.mark.parametrize("own_id", ["parent", "parent:0", "parent:17", "parent#3"])
def test_its_own_array_and_its_own_attempts_do_not_count(own_id: str) -> None:
    # GIVEN an array's parent and children, listed or not
    jobs = [job("parent", 50, "PENDING"), job("parent:0", 40), job("parent:1", 60, "SUCCEEDED")]
    # THEN no part of it gives way to another part
    assert check(Pages(jobs), own_id).job_id == ""


def test_another_array_counts_once_and_by_its_earliest() -> None:
    # GIVEN another array of the name, of which only the parent is told as live
    jobs = [job("me", 50), job("array", 10, "PENDING"), job("array:0", 60, "SUCCEEDED")]
    # THEN its parent is who one gives way to
    assert check(Pages(jobs), "me").job_id == "array"


def test_the_running_one_is_found_behind_5000_finished() -> None:
    # GIVEN a run of long ago that still runs, and 5,000 that came and went since
    jobs = [job("me", 9999), *(job(f"done-{n}", 10 + n, "SUCCEEDED") for n in range(5000)), job("long", 1)]
    pages = Pages(jobs)
    # THEN it is found, on the last page
    assert check(pages, "me").job_id == "long"
    assert pages.calls == 51


def test_it_stops_reading_when_it_gives_way() -> None:
    # GIVEN an earlier run on the first page, and 5,000 finished ones behind it
    jobs = [job("me", 9999), job("running", 9998), *(job(f"d-{n}", n, "FAILED") for n in range(5000))]
    pages = Pages(jobs)
    # THEN one call tells enough
    assert check(pages, "me").job_id == "running"
    assert pages.calls == 1


def test_throttling_is_waited_out() -> None:
    # GIVEN a Batch that is busy for six calls
    clock = Clock()
    pages = Pages([job("me", 1)], [ServiceError("TooManyRequestsException") for _ in range(6)])
    # THEN the seventh tells, after pauses that grew
    assert check(pages, "me", clock=clock).job_id == ""
    assert pages.calls == 7
    assert 5 < clock.seconds < 25


def test_a_batch_that_stays_busy_ends_the_check_in_time() -> None:
    # GIVEN a Batch that is busy for ever
    clock = Clock()
    pages = Pages([], [ServiceError("ThrottlingException") for _ in range(1000)])
    # WHEN it is asked
    with pytest.raises(CheckError, match=r"gave up after .* calls in 30 s; ThrottlingException"):
        check(pages, "me", seconds=30, clock=clock)
    # THEN the time is kept, and the calls are few
    assert clock.seconds <= 30
    assert pages.calls < 20


@pytest.mark.parametrize("code", ["AccessDeniedException", "ClientException", "UnrecognizedClientException"])
def test_an_error_that_will_not_pass_is_not_tried_again(code: str) -> None:
    # GIVEN a role without batch:ListJobs, or a queue that is not there
    pages = Pages([], [ServiceError(code)] * 5)
    # THEN one call is enough to know
    with pytest.raises(CheckError, match=code):
        check(pages, "me")
    assert pages.calls == 1


def test_a_job_that_is_not_listed_yet_is_looked_for_again() -> None:
    # GIVEN a list that lags behind
    pages = Pages([job("other", 10, "SUCCEEDED")])
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        pages.jobs.append(job("me", 20))

    # WHEN it catches up
    guard = Guard(pages, job_name="nightly", job_id="me", seconds=60, now=clock.now, sleep=sleep)
    # THEN the check goes on
    assert guard.check().job_id == ""
    assert pages.calls == 2


def test_a_job_under_another_name_is_told_so() -> None:
    # GIVEN a job that was submitted by hand under another name
    pages = Pages([job("other", 10)])
    # THEN it is not taken for alone, and the error says how to mend it
    with pytest.raises(CheckError, match=r"is not among the jobs named 'nightly'.*another name"):
        check(pages, "me")
    assert pages.calls == 5


jobs_of_a_name = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(LIVE + FINISHED)), min_size=1, max_size=12).map(
    lambda rows: [job(f"id-{number:02}", created, status) for number, (created, status) in enumerate(rows)]
)


@given(jobs_of_a_name)
def test_of_any_jobs_that_have_not_finished_exactly_one_runs(jobs: list[dict[str, Any]]) -> None:
    # GIVEN any jobs of one name, many of them created at the same time
    live = [entry for entry in jobs if entry["status"] in LIVE]
    # WHEN all that have not finished check
    runs = [entry["jobId"] for entry in live if not check(Pages(jobs), entry["jobId"]).job_id]
    # THEN exactly one may run: the earliest
    first = sorted(live, key=lambda entry: (entry["createdAt"], entry["jobId"]))[:1]
    assert runs == [entry["jobId"] for entry in first]


@given(jobs_of_a_name, st.randoms(use_true_random=False))
def test_in_any_order_never_two_run_and_somebody_does(jobs: list[dict[str, Any]], random: Any) -> None:
    # GIVEN jobs that check at any time, and end at any time after
    for entry in jobs:
        entry["status"] = "RUNNABLE"
    waiting = {entry["jobId"]: entry for entry in jobs}
    running: list[dict[str, Any]] = []
    ran = 0
    while waiting or running:
        if running and random.random() < 0.3:
            running.pop(random.randrange(len(running)))["status"] = "SUCCEEDED"
            continue
        if not waiting:
            running.pop()["status"] = "SUCCEEDED"
            continue
        entry = waiting.pop(random.choice(sorted(waiting)))
        entry["status"] = "RUNNING"
        # WHEN one checks
        if check(Pages(jobs), entry["jobId"]).job_id:
            entry["status"] = "SUCCEEDED"
        else:
            running.append(entry)
            ran += 1
        # THEN never two run
        assert len(running) <= 1
    # AND not all have given way
    assert ran >= 1
