"""The pages of `batchtab web`: what they show, who may see them, and what their buttons do."""

from __future__ import annotations

import html
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.unit.cli.listing_aws import Refusal
from tests.unit.cli.web_stage import Browser, WebAws, serving, words

from batchtab.cli.jobs import web
from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.main import main
from batchtab.cli.web import logs, place
from batchtab.cli.web.app import Pages
from batchtab.cli.web.place import Place

JOB = "my-service-do-something"
RULE = f"batchtab-local-{JOB}"
SCRIPT = "<script>alert(1)</script>"
PAGES = ("/", "/now", "/history", f"/jobs/{JOB}", "/calendar", "/alerts", "/cost")
BUTTONS = (
    *(f"/jobs/{JOB}/{verb}" for verb in ("run", "pause", "resume")),
    *("/runs/x/stop", "/runs/x/retry", "/alerts/redrive"),
)


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> WebAws:
    made = WebAws()
    monkeypatch.setattr(place, "connect", lambda _: made)
    return made


@pytest.fixture
def outside(project: Path, aws: WebAws) -> Iterator[Browser]:
    """A browser that nobody has given the address to."""
    aws.rules = {RULE: "ENABLED"}
    with serving(project) as browser:
        yield browser
        assert browser.reports == []


@pytest.fixture
def browser(outside: Browser) -> Browser:
    outside.enter()
    return outside


def failed(aws: WebAws, number: int = 1, name: str = JOB, **others: Any) -> str:
    begun = now_ms() - 3_600_000
    attempt = {
        "container": {"exitCode": 7, "logStreamName": f"stream-{number}"},
        "startedAt": begun,
        "stoppedAt": begun + 60_000,
        "statusReason": "Essential container in task exited",
    }
    times = {"createdAt": begun, "startedAt": begun, "stoppedAt": begun + 60_000}
    return aws.add(number, name, "FAILED", attempts=[attempt], **times, **others)


def running(aws: WebAws, number: int = 2, name: str = JOB, stream: str = "live") -> str:
    made = aws.add(number, name, "RUNNING", createdAt=now_ms() - 60_000, startedAt=now_ms() - 30_000)
    aws.jobs[made]["container"]["logStreamName"] = stream
    return made


# --- what pages show


def test_jobs_are_shown_as_the_command_shows_them(aws: WebAws, browser: Browser) -> None:
    # GIVEN a job that failed once and succeeded once, and one that somebody paused
    failed(aws)
    begun = now_ms() - 7_200_000
    aws.add(3, JOB, "SUCCEEDED", createdAt=begun, startedAt=begun, stoppedAt=begun + 90_000)
    aws.rules["batchtab-local-my-service-do-often"] = "DISABLED"
    page = browser.get("/")
    # THEN its line has status, rate and duration, and the other says why it is paused
    assert page.status == 200
    (line,) = [each for each in page.text.split("<tr ") if f'data-name="{JOB}"' in each]
    assert 'class="status FAILED"' in line
    assert ">50%<" in line
    assert ">1m30s<" in line
    (other,) = [each for each in page.text.split("<tr ") if 'data-name="my-service-do-often"' in each]
    assert "paused: its rule was disabled" in other


def test_a_search_leaves_the_jobs_whose_name_has_it(browser: Browser) -> None:
    page = browser.get("/?q=OFTEN")
    assert page.text.count("data-name=") == 1
    assert 'value="OFTEN"' in page.text
    assert "No job has this name" in browser.get("/?q=nope").text


def test_now_shows_what_runs_and_leads_to_it(aws: WebAws, browser: Browser) -> None:
    made = running(aws)
    page = browser.get("/now")
    assert "1 running, 0 waiting" in words(page)
    assert f'href="/runs/{made}"' in page.text
    assert "Nothing runs or waits" not in page.text


def test_history_shows_runs_of_all_jobs_or_one(aws: WebAws, browser: Browser) -> None:
    mine, other = failed(aws), failed(aws, 2, "examples-report")
    assert all(f'href="/runs/{each}"' in browser.get("/history").text for each in (mine, other))
    page = browser.get(f"/history?job={JOB}").text
    assert f"/runs/{mine}" in page
    assert f"/runs/{other}" not in page


def test_a_job_has_its_declaration_its_next_ten_and_its_last_runs(aws: WebAws, browser: Browser) -> None:
    made = failed(aws)
    page = browser.get(f"/jobs/{JOB}")
    said = words(page)
    assert "declared jobs/my-service/jobs.yaml:6" in said
    assert "cron(0 0 * * ? *), in UTC" in said
    assert page.text.partition("Next runs</h2>")[2].partition("</ol>")[0].count("<li>") == 10
    assert f'href="/runs/{made}"' in page.text
    # AND one that is on can be paused, and not resumed
    assert f'action="/jobs/{JOB}/pause"' in page.text
    assert f'action="/jobs/{JOB}/resume"' not in page.text


def test_a_run_has_its_cause_its_log_and_what_helps(aws: WebAws, browser: Browser) -> None:
    made = failed(aws)
    begun = json.dumps({"batchtab": "start", "attempt": 1, "command": ["report"]})
    deep = '{"batchtab": "end", "of": ' + "[" * 100_000  # a program's own
    aws.streams["stream-1"] = [begun, "first", "password=hunter2secret", "\x1b[31mred\x1b[0m\x07", deep]
    page = browser.get(f"/runs/{made}")
    said = words(page)
    assert "Cause exit code 7" in said
    log = page.text.partition('<pre class="log"')[2].partition(">")[2].partition("</pre>")[0]
    # THEN its log is text, masked, without a terminal's signs, and says what the runner wrote as on a terminal
    *lines, last = log.splitlines()
    assert lines == ["runner: started attempt 1", "first", "password=***", "red "]
    assert html.unescape(last) == deep
    # AND it can be retried, not stopped, and nothing follows it
    assert f'action="/runs/{made}/retry"' in page.text
    assert "/stop" not in page.text
    assert "data-events" not in page.text


def test_a_time_without_a_run_says_why_there_is_none(browser: Browser) -> None:
    page = browser.get("/runs/do-something@2026-11-24T01:00")
    assert page.status == 200
    assert "it is not a time of its schedule" in words(page)
    assert "<form" not in page.body


def test_the_calendar_is_the_page_that_the_command_writes(browser: Browser, tmp_path: Path) -> None:
    assert main(["calendar", "--html", str(tmp_path / "week.html"), "--from", "2026-11-23"]) == 0
    assert browser.get("/calendar/week?from=2026-11-23").text == (tmp_path / "week.html").read_text()
    page = browser.get("/calendar?from=2026-11-23").text
    assert 'src="/calendar/week?from=2026-11-23"' in page
    assert "/calendar?from=2026-11-30" in page
    wrong = browser.get("/calendar?from=tomorrow")
    assert (wrong.status, "&#39;tomorrow&#39; is not a day" in wrong.text) == (400, True)


def test_what_reached_slack_is_shown(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"*bold* _it_ `<code>` {SCRIPT} <https://example.com/a?b=1&amp;c|the log> <javascript:alert(1)|x> &lt;b&gt;"
    message = {"username": "Alert", "channel": "#cron", "attachments": [{"color": "danger", "text": text}]}
    entries = [{"received_at": "2026-11-30T00:00:00Z", "message": message}, {"message": "nonsense"}, 3]
    monkeypatch.setattr(Daemon, "get", lambda *_: entries)
    page = browser.get("/slack").text
    assert '<div class="group bad">' in page
    assert "<b>bold</b> <i>it</i> <code>&lt;code&gt;</code>" in page
    assert '<a href="https://example.com/a?b=1&amp;c" rel="noreferrer">the log</a>' in page
    assert 'href="javascript' not in page
    assert "&lt;b&gt;" in page
    assert SCRIPT not in page


def test_without_local_aws_the_page_of_slack_says_so(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Daemon, "get", lambda *_: None)
    assert "local AWS does not answer [hint: batchtab up --stage local]" in browser.get("/slack").text


# --- alerts and cost


def undelivered(aws: WebAws, job_id: str, name: str = JOB, error: str = "password=hunter2secret") -> None:
    detail = {"jobName": name, "status": "FAILED", "jobId": job_id}
    aws.add_letter("job-alerts-dead-letter", {"source": "aws.batch", "detail": detail}, ErrorMessage=error)


def test_alerts_shows_what_was_not_delivered_and_not_submitted(aws: WebAws, browser: Browser) -> None:
    # GIVEN an alert and two runs in the dead-letter queues, one of them of no job that is declared, and a blocked queue
    made = failed(aws)
    undelivered(aws, made)
    rule = {"RULE_ARN": f"arn:aws:events:ap-northeast-2:000000000000:rule/{RULE}", "ERROR_CODE": "NO_PERMISSIONS"}
    aws.add_letter("trigger-dead-letter", {"source": "aws.events", "time": "2026-11-24T00:00:00Z"}, **rule)
    aws.add_letter("trigger-dead-letter", {"job": {"name": f"gone{SCRIPT}"}})
    aws.queues["batchtab-local-default"] |= {"status": "INVALID", "statusReason": f"x {SCRIPT}"}
    page = browser.get("/alerts")
    said = words(page)
    # THEN each is there, and leads to its run, or to why there was none
    assert f'href="/runs/{made}">{JOB} FAILED {made}</a><small>password=***</small>' in page.text
    assert f'href="/runs/{JOB}%402026-11-24T00%3A00%3A00Z">2026-11-24 09:00</a>' in page.text
    assert "NO_PERMISSIONS" in said
    assert "gone&lt;script&gt;" in page.text
    assert "Blocked queues default the queue is INVALID (x &lt;script&gt;" in said
    # AND nothing is kept from others, or gone
    assert aws.hidden == set()
    assert [len(each) for each in aws.letters.values()] == [1, 2]


def test_alerts_that_succeed_are_deleted_when_they_are_sent_again(aws: WebAws, browser: Browser) -> None:
    # GIVEN two alerts, one of which the function does not take
    undelivered(aws, "one")
    undelivered(aws, "two", "examples-report")
    aws.refused = "examples-report"
    assert 'action="/alerts/redrive"' in browser.get("/alerts").text
    page = browser.click("/alerts/redrive")
    # THEN one is left, and the page says so
    assert "1 sent and deleted, 1 refused and kept" in words(page)
    assert re.search("examples-report FAILED two .*refused: the webhook answered 503", words(page))
    assert "hunter2secret" not in page.text
    assert 'role="alert"' in page.text
    (kept,) = aws.letters["batchtab-local-job-alerts-dead-letter"]
    assert "two" in kept["Body"]
    assert aws.hidden == set()
    # AND once it is taken nothing is left, and no button
    aws.refused = ""
    page = browser.click("/alerts/redrive")
    assert "1 sent and deleted, 0 refused" in words(page)
    assert 'role="status"' in page.text
    assert 'action="/alerts/redrive"' not in page.text


def test_what_is_denied_of_alerts_hides_nothing_else(aws: WebAws, browser: Browser) -> None:
    aws.letters["batchtab-local-job-alerts-dead-letter"] = []
    aws.refusals["batch.DescribeJobQueues"] = Refusal("AccessDeniedException", "no", 403)
    page = browser.get("/alerts")
    assert page.status == 200
    assert "Alerts that were not delivered None." in words(page)
    assert "Blocked queues batchtab: AWS denied DescribeJobQueues" in words(page)


def test_cost_is_what_the_command_prints(
    aws: WebAws, browser: Browser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN runs of two jobs, one of which has a log that says how much memory it took
    failed(aws)
    begun = now_ms() - 7_200_000
    attempt = {
        "container": {"exitCode": 0, "logStreamName": "peak"},
        "startedAt": begun,
        "stoppedAt": begun + 6_000_000,
    }
    times = {"createdAt": begun, "startedAt": begun, "stoppedAt": begun + 6_000_000}
    aws.add(3, "examples-report", "SUCCEEDED", attempts=[attempt], asks=(1, 8192), **times)
    aws.streams["peak"] = [json.dumps({"batchtab": "end", "peak_memory_mib": 300.0})]
    monkeypatch.setattr("batchtab.cli.jobs.cost.connect", lambda _: aws)
    assert main(["cost", "--since", "7d"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    page = browser.get("/cost?since=7d&memory=on")
    said = words(page)
    # THEN the page has the same words, in the same order
    table, notes = lines[: lines.index("")], lines[lines.index("") + 1 :]
    assert len(table) == 3
    for line in (heading, *table):  # below a job's name is what is at the end of its line
        name, *cells = line.partition("memory_mib")[0].split()
        assert re.search(rf"{name} (memory_mib 8192 → \S+ would do.*\) )?{' '.join(cells)}", said), line
    assert "memory_mib 8192 → " in said
    for note in notes[2:]:  # the first ones have the time in them
        assert note in said.replace("&#39;", "'")
    # AND of one job only that
    one = browser.get(f"/cost?since=7d&job={JOB}").text
    assert f'href="/jobs/{JOB}"' in one
    assert "examples-report</a>" not in one
    assert "memory_mib" not in one


def test_cost_is_there_before_runs_are_read(aws: WebAws, browser: Browser) -> None:
    page = browser.get("/cost")
    assert 'data-load="/cost?since=30d"' in page.text
    assert "Press Show" in page.text.partition("<noscript>")[2]
    assert not aws.called
    assert "No runs." in browser.get("/cost?since=30d").text


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [("since=soon", 400, "&#39;soon&#39; is not a time span"), ("since=1d&job=nope", 404, "nope")],
)
def test_a_wrong_question_about_cost_is_one_line(browser: Browser, query: str, status: int, text: str) -> None:
    page = browser.get(f"/cost?{query}")
    assert (page.status, text in page.text) == (status, True)


# --- text is text


def test_nothing_that_others_wrote_is_markup(aws: WebAws, browser: Browser) -> None:
    # GIVEN a script in a reason, a log, a job's name, and what somebody types
    made = failed(aws, statusReason=SCRIPT)
    aws.streams["stream-1"] = [SCRIPT]
    running(aws, 2, f"x{SCRIPT}")
    aws.states[JOB] = {}
    for path in (
        *("/", "/now", "/history", f"/jobs/{JOB}", f"/runs/{made}"),
        *("/?q=%3Cscript%3Ealert(1)%3C/script%3E", "/jobs/%3Cscript%3Ealert(1)", "/%3Cscript%3Ealert(1)"),
        "/calendar?from=%3Cscript%3Ealert(1)",
    ):
        page = browser.get(path)
        # THEN no page has it as a tag
        assert "<script>alert" not in page.text, path
        assert page.status in (200, 400, 404), path
    assert "&lt;script&gt;" in browser.get("/now").text


def test_a_fault_in_the_files_meanwhile_is_one_line(
    browser: Browser, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert browser.get("/").status == 200
    monkeypatch.setattr(place, "_FILES_SECONDS", -1.0)
    (project / "jobs" / "my-service" / "jobs.yaml").write_text("jobs: [")
    page = browser.get("/")
    assert page.status == 400
    assert "jobs/my-service/jobs.yaml" in words(page)
    assert "Traceback" not in page.text


# --- who may


def test_the_token_gives_a_cookie_that_only_this_page_sends(outside: Browser) -> None:
    assert outside.get("/").status == 403
    answer = outside.enter()
    cookie = answer.headers["set-cookie"].lower()
    assert all(each in cookie for each in ("httponly", "samesite=strict", "path=/"))
    # AND the cookie is not the token
    assert outside.server.keys.token not in outside.cookie
    assert outside.get("/").status == 200


@pytest.mark.parametrize("path", [*PAGES, "/calendar/week", "/runs/x", "/runs/x/log", "/static/page.js", "/nothing"])
def test_without_the_cookie_nothing_is_shown(outside: Browser, aws: WebAws, path: str) -> None:
    for query in ("", "?token=", "?token=wrong"):
        answer = outside.get(path + query)
        assert answer.status == 403
        assert "batchtab web printed" in answer.text
    assert aws.called == {}


def test_an_address_for_one_use_is_good_once(outside: Browser) -> None:
    _, _, query = outside.server.keys.url_for_one_use().partition("?")
    assert [outside.get(f"/?{query}").status for _ in range(2)] == [200, 403]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "[::1]", ""])
def test_a_name_that_is_not_this_machines_is_refused(browser: Browser, host: str) -> None:
    answers = [browser.get("/", Host=host) if host else browser.get("/", Host="x")]
    answers.append(browser.get(f"/?token={browser.server.keys.token}", Host=host or "x"))
    assert [answer.status for answer in answers] == [400, 400]
    assert all("set-cookie" not in answer.headers for answer in answers)


def test_localhost_is_this_machine(browser: Browser) -> None:
    assert browser.get("/calendar", Host=f"localhost:{browser.port}").status == 200


@pytest.mark.parametrize("path", BUTTONS)
def test_a_form_of_another_page_changes_nothing(browser: Browser, aws: WebAws, path: str) -> None:
    refused = [
        browser.post(path, csrf=""),
        browser.post(path, csrf="wrong"),
        browser.post(path, Origin=""),
        browser.post(path, Origin="null"),
        browser.post(path, Origin="http://evil.example"),
        browser.post(path, Origin=f"http://127.0.0.1:{browser.port + 1}"),
        browser.post(path, Sec_Fetch_Site="cross-site"),
        browser.post(path, Content_Type="text/plain"),
        browser.post(path, {"reason": "x" * 70_000}),
        browser.post(path, Cookie="batchtab=1"),
    ]
    assert [answer.status for answer in refused] == [403] * len(refused)
    # AND no button works by a link
    assert browser.get(path).status in (404, 405)
    assert not aws.called


def test_every_answer_has_the_headers_that_keep_others_out(browser: Browser) -> None:
    for path in (*PAGES, "/static/page.css", "/nothing", "/?token=wrong"):
        headers = browser.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
    week = browser.get("/calendar/week").headers["content-security-policy"]
    assert week.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_no_page_has_a_script_or_a_style_in_it(aws: WebAws, browser: Browser) -> None:
    made = failed(aws)
    for path in (*PAGES, f"/runs/{made}"):
        text = browser.get(path).text
        assert text.count("<script") == text.count('<script src="/static/page.js" defer></script>') == 1
        assert "style=" not in text
        assert not re.search(r"<[^>]+ on[a-z]+=", text)
        assert "//" not in text.partition("<main")[0]


# --- buttons


def test_run_submits_the_job_with_the_reason(aws: WebAws, browser: Browser) -> None:
    page = browser.click(f"/jobs/{JOB}/run", reason="late <file>")
    (sent,) = aws.submitted
    assert sent["jobName"] == JOB
    variables = {each["name"]: each["value"] for each in sent["containerOverrides"]["environment"]}
    assert variables["BATCHTAB_REASON"] == "late <file>"
    # THEN the run's page says so
    assert f"{JOB}: submitted, job " in words(page)
    assert 'role="status"' in page.text


def test_a_run_that_the_policy_does_not_start_says_why(aws: WebAws, browser: Browser) -> None:
    aws.answer = lambda _: {"outcome": "skipped", "reason": "run 7 is active", "run_id": "x", "job_id": ""}
    page = browser.click("/jobs/examples-sync/run")
    assert len(aws.asked) == 1
    assert "examples-sync was not started, skipped: run 7 is active" in words(page)
    assert 'role="alert"' in page.text


def test_pause_and_resume_switch_the_triggers(aws: WebAws, browser: Browser) -> None:
    page = browser.click(f"/jobs/{JOB}/pause")
    assert aws.rules[RULE] == "DISABLED"
    assert f"{JOB}: rule {RULE} was enabled, is disabled" in words(page)
    assert f'action="/jobs/{JOB}/resume"' in page.text
    page = browser.click(f"/jobs/{JOB}/resume")
    assert aws.rules[RULE] == "ENABLED"
    assert "was disabled, is enabled" in words(page)


def test_stop_ends_the_job_with_who_and_why(aws: WebAws, browser: Browser) -> None:
    made = running(aws)
    assert f'action="/runs/{made}/stop"' in browser.get(f"/runs/{made}").text
    page = browser.click(f"/runs/{made}/stop", reason="wrong input")
    (reason,) = aws.terminated.values()
    assert reason.startswith("Stopped by arn:aws:sts")
    assert reason.endswith("/on-call/jane: wrong input")
    assert f"Batch ends job {made}" in words(page)
    assert "its triggers start the next run" in words(page)
    # AND again there is nothing to do
    assert "has ended already" in words(browser.click(f"/runs/{made}/stop"))
    assert len(aws.terminated) == 1


def test_retry_says_what_became_of_it(aws: WebAws, browser: Browser) -> None:
    made = running(aws)
    page = browser.click(f"/runs/{made}/retry")
    assert "not retried" in words(page)
    assert "has not ended: RUNNING" in words(page)
    assert aws.submitted == []


def test_retry_submits_a_failed_run_again(aws: WebAws, browser: Browser) -> None:
    made = failed(aws)
    definition = f"batchtab-local-{JOB}"
    arn = aws.jobs[made]["jobDefinition"]
    container = {"image": "x", "resourceRequirements": aws.jobs[made]["container"]["resourceRequirements"]}
    named = {"jobDefinitionName": definition, "jobDefinitionArn": arn, "revision": 1, "type": "container"}
    aws.definitions = [{**named, "containerProperties": container, "status": "ACTIVE"}]
    page = browser.click(f"/runs/{made}/retry")
    assert [each["jobName"] for each in aws.submitted] == [JOB]
    assert "submitted: retry of" in words(page)


def test_a_run_whose_retry_succeeded_has_no_button_for_another(aws: WebAws, browser: Browser) -> None:
    made = failed(aws)
    again = failed(aws, 2, environment={"BATCHTAB_RETRY_OF": made})
    aws.jobs[again]["createdAt"] += 90_000
    assert "/retry" in browser.get(f"/runs/{made}").text
    aws.jobs[again]["status"] = "SUCCEEDED"
    page = browser.get(f"/runs/{made}")
    assert "/retry" not in page.text
    assert f"retried by job {again}: SUCCEEDED" in words(page)


def test_what_an_action_said_is_shown_under_its_number_alone(browser: Browser) -> None:
    assert "was not started" not in browser.get(f"/jobs/{JOB}?said=was+not+started").text


@pytest.mark.parametrize("path", BUTTONS)
def test_an_action_without_aws_is_one_line(
    aws: WebAws, browser: Browser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(aws, "client", away)
    answer = browser.post(path.replace("/x/", "/00000001-0000-4000-8000-000000000001/"))
    assert answer.status == 303
    page = browser.get(answer.headers["location"])
    assert 'role="alert"' in page.text
    assert "Traceback" not in page.text


# --- AWS away, and faults


@pytest.mark.parametrize(
    "path", ["/", "/now", "/history", f"/jobs/{JOB}", "/runs/00000001-0000-4000-8000-000000000001"]
)
def test_a_page_without_aws_says_so_in_one_line(
    aws: WebAws, browser: Browser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(aws, "client", away)
    page = browser.get(path)
    assert page.status == 502
    assert "AWS cannot be reached for stage local" in words(page)
    assert "hint: batchtab up" in words(page)
    assert "Traceback" not in page.text
    # AND the calendar needs none
    assert browser.get("/calendar").status == 200


def test_a_denied_call_is_one_line(aws: WebAws, browser: Browser) -> None:
    aws.refusals["batch.ListJobs"] = Refusal("AccessDeniedException", "no <b>", 403)
    page = browser.get("/")
    assert "AWS denied ListJobs to the credentials" in words(page)
    assert "no &lt;b&gt;" in page.text


@pytest.mark.usefixtures("aws")
def test_a_fault_of_our_own_is_one_line_there_and_a_traceback_on_the_terminal(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pages, "_now", lambda *_: 1 / 0)
    with serving(project) as browser:
        browser.enter()
        page = browser.get("/now")
    assert page.status == 500
    assert "this is a fault of Batchtab: ZeroDivisionError" in words(page)
    assert "Traceback" not in page.text
    assert "Traceback" in browser.reports[0]


# --- a log that follows


def events(browser: Browser, job_id: str, until: Callable[[list[tuple[str, str]]], bool]) -> list[tuple[str, str]]:
    """The events of a log until there are enough, or the answer ends."""
    connection = http.client.HTTPConnection("127.0.0.1", browser.port, timeout=120)
    connection.request("GET", f"/runs/{job_id}/log", headers={"Cookie": browser.cookie})
    response = connection.getresponse()
    assert response.headers["content-type"].startswith("text/event-stream"), response.read()
    found: list[tuple[str, str]] = []
    kind = ""
    while not until(found):
        raw = response.readline()
        if not raw:  # it is over
            break
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            found.append((kind, json.loads(line.removeprefix("data: "))))
    connection.close()
    return found


def is_over(found: list[tuple[str, str]]) -> bool:
    return bool(found) and found[-1][0] == "over"


def test_a_log_follows_until_the_run_has_ended(aws: WebAws, browser: Browser) -> None:
    made = running(aws)
    aws.streams["live"] = ["one", SCRIPT, "token=ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"]
    assert f'data-events="/runs/{made}/log"' in browser.get(f"/runs/{made}").text

    def end() -> None:
        aws.streams["live"].append("two")
        aws.jobs[made] |= {"status": "SUCCEEDED", "stoppedAt": now_ms()}

    later = threading.Timer(1, end)
    later.start()
    found = events(browser, made, is_over)
    later.join()
    lines = [text for kind, text in found if kind == "line"]
    assert found[0] == ("begin", "")
    assert [lines[0], lines[1], lines[-1]] == ["one", SCRIPT, "two"]
    assert "ghp_0123" not in str(lines)
    assert found[-1][1].endswith(": SUCCEEDED")


def test_a_browser_that_goes_away_ends_its_follower(aws: WebAws, browser: Browser) -> None:
    made = running(aws)
    aws.streams["live"] = ["one"]
    for _ in range(2 * logs.FOLLOWERS_MAX):  # more than may follow at once
        deadline = time.monotonic() + 120
        while ("line", "one") not in (found := events(browser, made, lambda found: len(found) > 1)):
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


def test_a_log_of_no_run_is_one_line(browser: Browser) -> None:
    answer = browser.get("/runs/00000009-0000-4000-8000-000000000009/log")
    assert answer.status == 502
    assert "Batch knows no job 00000009" in answer.text


# --- the command


def test_without_its_packages_the_command_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(web, "_NEEDED", ("starlette", "no_such_package"))
    assert main(["web"]) == 2
    output = capsys.readouterr()
    assert output.err == 'batchtab: web: the pages need more packages [hint: pip install "batchtab[web]"]\n'
    assert output.out == ""


def test_without_a_port_the_next_free_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(web, "_PORT", port)
        with web.listening() as listener:
            assert port < listener.getsockname()[1] < port + 50


@pytest.mark.usefixtures("aws")
def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["web", "--port", str(port)]) == 2
    assert capsys.readouterr().err.startswith(
        f"batchtab: web: port {port} can't be listened on: Address already in use"
    )


@pytest.mark.usefixtures("aws")
def test_the_command_listens_on_this_machine_alone_and_prints_the_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    opened: list[str] = []

    def run(self: Any) -> None:
        seen.append(self._listener.getsockname())

    monkeypatch.setattr("batchtab.cli.web.server.Server.run", run)
    monkeypatch.setattr(web.webbrowser, "open", lambda url: not opened.append(url))
    assert main(["web", "--port", "0", "--open"]) == 0
    ((address, port),) = seen
    output = capsys.readouterr()
    assert address == "127.0.0.1"
    assert output.out.startswith(f"http://127.0.0.1:{port}/?token=")
    # AND the browser's command line, which others can read, has an address that is good once
    assert opened[0] != output.out.strip()


def test_the_account_is_asked_for_again_after_a_while(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0.0], []
    monkeypatch.setattr(place, "connect", lambda session: calls.append(session) or WebAws())
    found = Place("local", project, clock=lambda: now[0])
    first = found.aws()
    assert found.aws() is first
    now[0] = 601.0
    assert found.aws() is not first
    assert len(calls) == 2
