"""The pages of `batchtab web` in a real browser: light and dark, narrow and wide, by keyboard, without scripts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import browser as chromium
from tests.browser import Page
from tests.unit.cli.listing_aws import Refusal
from tests.unit.cli.web_stage import Browser, WebAws, serving

from batchtab.cli.machine.daemon import Daemon
from batchtab.cli.web import place

pytestmark = pytest.mark.skipif(chromium.program() is None, reason="Chromium is not on this machine")

JOB = "my-service-do-something"
SCRIPT = "<script>window.broken = 1</script>"
RUNNING = "0000000a-0000-4000-8000-000000000010"
FAILED = "00000001-0000-4000-8000-000000000001"
PAGES = (
    *("/", "/now", "/history", "/calendar", "/alerts", "/cost", "/cost?since=30d", "/slack"),
    *(f"/jobs/{JOB}", f"/runs/{RUNNING}", f"/runs/{FAILED}"),
)
_TAB, _ENTER = ("Tab", 9), ("Enter", 13, "\r")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> WebAws:
    """A job that failed, one that runs, and an alert, with scripts in their texts."""
    made = WebAws()
    begun = int(time.time() * 1000) - 3_600_000
    attempt = {"container": {"exitCode": 7, "logStreamName": "ended"}, "startedAt": begun, "stoppedAt": begun + 9000}
    times = {"createdAt": begun, "startedAt": begun, "stoppedAt": begun + 9000}
    made.add(1, JOB, "FAILED", attempts=[attempt], statusReason=f"Essential container {SCRIPT}", **times)
    made.add(10, JOB, "RUNNING", createdAt=begun, startedAt=begun)
    made.jobs[RUNNING]["container"]["logStreamName"] = "live"
    made.streams = {"ended": [SCRIPT], "live": ["one", SCRIPT]}
    made.rules = {f"batchtab-local-{JOB}": "ENABLED"}
    event = {"detail": {"jobName": JOB, "status": "FAILED", "jobId": FAILED}}
    made.add_letter("job-alerts-dead-letter", event, ErrorMessage=f"the webhook answered {SCRIPT}")
    made.add_letter(
        "trigger-dead-letter", {"job": {"name": JOB}, "trigger": {"scheduled_time": "2026-11-24T00:00:00Z"}}
    )
    message = {"username": "Alert", "attachments": [{"color": "danger", "text": f"*failed* {SCRIPT}"}]}
    monkeypatch.setattr(place, "connect", lambda _: made)
    monkeypatch.setattr(Daemon, "get", lambda *_: [{"received_at": "2026-11-30", "message": message}])
    return made


@pytest.fixture
def site(project: Path, aws: WebAws) -> Iterator[Browser]:  # noqa: ARG001
    with serving(project) as found:
        yield found
        assert found.reports == []


@pytest.fixture
def page(site: Browser, tmp_path: Path) -> Iterator[Page]:
    """A tab that came by the address of the command."""
    with chromium.opened(tmp_path / "chromium") as found:
        found.show(1280, 900)
        found.open(site.server.keys.url)
        found.wait_until("location.search === '' && document.title.startsWith('Jobs')")
        yield found
        # THEN nothing was asked of another place, and nothing was wrong
        assert {url.partition("/")[2].partition("/")[2].partition("/")[0] for url in found.requests} == {
            f"127.0.0.1:{site.port}"
        }
        assert found.console == []


def address(site: Browser, path: str) -> str:
    return f"http://127.0.0.1:{site.port}{path}"


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_page_fits_and_can_be_read(page: Page, site: Browser, width: int, scheme: str) -> None:
    page.show(width, 900, scheme)
    for path in PAGES:
        page.open(address(site, path))
        # THEN nothing is beyond the window, and the page is as light or dark as wanted
        assert page.run("document.documentElement.scrollWidth") <= width, path
        background = page.run("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") is (scheme == "light"), (path, background)
        # AND all text has enough contrast with what is behind it
        assert page.run(_CONTRAST) == [], path
        # AND no script of a job ran
        assert page.run("window.broken") is None


def test_each_page_has_what_a_screen_reader_needs(page: Page, site: Browser) -> None:
    for path in PAGES:
        page.open(address(site, path))
        assert page.run("document.documentElement.lang") == "en"
        assert page.run("document.querySelectorAll('main, h1').length") == 2, path
        assert page.run("document.querySelectorAll('nav:not([aria-label])').length") == 0
        unnamed = (
            "[...document.querySelectorAll('input:not([type=hidden]), select')].filter(e => !e.labels.length).length"
        )
        assert page.run(unnamed) == 0, path
        nameless = "[...document.querySelectorAll('a, button, summary')].filter(e => !e.textContent.trim()).length"
        assert page.run(nameless) == 0, path
        twice = "(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
        assert page.run(twice) == 0, path


def test_the_keyboard_reaches_and_presses_the_buttons(page: Page, site: Browser, aws: WebAws) -> None:
    page.open(address(site, f"/runs/{RUNNING}"))
    # WHEN somebody goes on with Tab
    seen: list[str] = []
    while "Stop…" not in seen:
        page.press(*_TAB)
        seen.append(page.run("document.activeElement.textContent.trim()"))
        assert len(seen) < 20, seen
        # THEN they see where they are
        assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", seen
    assert seen[0] == "Skip to content"
    # AND the button opens, asks why, and does it
    page.press(*_ENTER)
    page.press(*_TAB)
    assert page.run("document.activeElement.name") == "reason"
    page.call("Input.insertText", text="wrong input")
    page.press(*_TAB)
    page.press(*_ENTER)
    page.wait_for_load()
    assert aws.terminated[RUNNING].endswith(": wrong input")
    assert "Batch ends job" in page.run("document.querySelector('[role=status]').textContent")


def test_a_log_follows_and_is_text(page: Page, site: Browser, aws: WebAws) -> None:
    page.open(address(site, f"/runs/{RUNNING}"))
    page.wait_until("document.getElementById('log-state').textContent === 'Following.'")
    assert page.run("document.querySelectorAll('#actions details').length") == 1
    aws.streams["live"].append("two")
    page.wait_until("document.getElementById('log').textContent.endsWith('two\\n')")
    assert page.run("document.getElementById('log').textContent") == f"one\n{SCRIPT}\ntwo\n"
    aws.jobs[RUNNING] |= {"status": "SUCCEEDED", "stoppedAt": int(time.time() * 1000)}
    page.wait_until("document.getElementById('log-state').textContent.endsWith('SUCCEEDED')")
    # AND a run that has ended cannot be stopped any more
    page.wait_until("!document.querySelector('#actions details')")


def test_the_marks_of_the_week_are_read_by_the_keyboard(page: Page, site: Browser) -> None:
    page.open(address(site, "/calendar/week?from=2026-05-04"))
    text = "document.activeElement.labels?.[0].querySelector('.words')"
    page.press(*_TAB)
    page.press(*_TAB)
    page.press("ArrowRight", 39)
    assert "Mon 4 May" in page.run(f"{text}.textContent")
    assert page.run(f"getComputedStyle({text}).clipPath") == "none"


def test_now_refreshes_and_leaves_the_focus_where_it_is(page: Page, site: Browser, aws: WebAws) -> None:
    page.open(address(site, "/now"))
    page.run("document.querySelector('#live a').focus()")
    aws.add(11, "examples-report", "RUNNABLE", createdAt=int(time.time() * 1000))
    page.wait_until("document.getElementById('live').textContent.includes('examples-report')")
    assert page.run("document.activeElement.textContent") == JOB
    # AND it stops when somebody wants it to
    page.run("document.getElementById('refreshing').click()")
    asked = len(page.requests)
    time.sleep(6)
    page.run("1")
    assert len(page.requests) == asked


def test_a_screen_reader_is_sent_what_has_changed(page: Page, site: Browser, aws: WebAws) -> None:
    page.open(address(site, "/now"))
    page.run("window.kept = document.getElementById('changed')")
    assert page.run("kept.textContent") == ""
    aws.add(11, "examples-report", "RUNNABLE", createdAt=int(time.time() * 1000))
    # THEN the count is said in a part that stays, and nothing was said before
    page.wait_until("kept.textContent === '1 running, 1 waiting'")
    assert page.run("kept.getAttribute('role') === 'status' && kept.isConnected")


def test_cost_comes_after_its_page_and_says_what_keeps_it(page: Page, site: Browser, aws: WebAws) -> None:
    page.open(address(site, "/cost"))
    page.wait_until("document.querySelectorAll('#live tbody tr').length === 1")
    assert page.run("document.querySelector('#live tbody th').textContent") == JOB
    assert page.run("document.getElementById('loading').textContent") == ""
    assert not page.run("document.getElementById('live').hasAttribute('aria-busy')")
    # AND where AWS denies it, that is said
    aws.refusals["batch.ListJobs"] = Refusal("AccessDeniedException", "no", 403)
    page.open(address(site, "/cost"))
    page.wait_until("document.getElementById('loading').textContent.includes('AWS denied ListJobs')")
    assert page.run("document.getElementById('loading').getAttribute('role')") == "status"
    # The browser notes that an answer was no success.
    assert [text for text in page.console if "502" not in text] == []
    page.console.clear()


def test_alerts_are_sent_again_by_the_keyboard(page: Page, site: Browser, aws: WebAws) -> None:
    page.open(address(site, "/alerts"))
    seen: list[str] = []
    while "Send again" not in seen:
        page.press(*_TAB)
        seen.append(page.run("document.activeElement.textContent.trim()"))
        assert len(seen) < 20, seen
    page.press(*_ENTER)
    page.wait_for_load()
    assert "1 sent and deleted" in page.run("document.querySelector('[role=status]').textContent")
    assert aws.letters["batchtab-local-job-alerts-dead-letter"] == []


def test_a_search_filters_while_one_types(page: Page, site: Browser) -> None:
    page.open(address(site, "/"))
    page.run("document.getElementById('q').focus()")
    page.call("Input.insertText", text="often")
    shown = "[...document.querySelectorAll('#rows tbody tr')].filter(row => row.offsetHeight).length"
    assert page.run(shown) == 1
    assert page.run("document.getElementById('shown').textContent") == "1"


def test_without_scripts_everything_can_be_read_and_done(page: Page, site: Browser, aws: WebAws) -> None:
    page.scripts(are_on=False)
    page.show(1280, 900)
    page.open(address(site, f"/jobs/{JOB}"))
    # WHEN somebody pauses the job by the keyboard
    seen: list[str] = []
    while "Pause" not in seen:
        page.press(*_TAB)
        seen.append(page.run("document.activeElement.textContent.trim()"))
        assert len(seen) < 20, seen
    page.press(*_ENTER)
    page.wait_for_load()
    assert aws.rules[f"batchtab-local-{JOB}"] == "DISABLED"


#: Texts whose contrast is below 4.5, as WCAG 2.2 (1.4.3) has it for small ones.
_CONTRAST = """(() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parts(color).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if (parts(color).length === 3 || parts(color)[3] > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) found.push(`${walk.currentNode.data.trim().slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return found;
})()"""
