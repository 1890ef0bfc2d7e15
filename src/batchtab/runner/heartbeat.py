"""Notifies a monitor that the job started, succeeded or failed."""

from __future__ import annotations

from .helper import Helper, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .processes import Processes
    from .signals import Signals

START, SUCCESS, FAIL = "/start", "", "/fail"
DONE = "done"


class Heartbeat:
    """Pings a URL the way healthchecks.io has it: URL/start, then URL or URL/fail, each with the run's id.

    Each ping has a process and a time of its own, beside the command: a monitor that is down costs the job nothing but
    the time-out of the last ping, and never its exit code. https://healthchecks.io/docs/http_api/

    Args:
        url: where to; empty for no pings. It is a secret, and appears in no line.
        seconds: how long one ping may take.
        run_id: pairs start and end; healthchecks.io wants a UUID, which a Batch job id is.
        signals: the runner's.
        processes: the runner's.
    """

    def __init__(self, url: str, seconds: float, run_id: str | None, signals: Signals, processes: Processes) -> None:
        self._url = url
        self._seconds = seconds
        self._run_id = run_id
        self._signals = signals
        self._processes = processes
        self._start: Helper | None = None
        self.helpers: list[int] = []

    def start(self) -> None:
        """Ping that the command has started, and do not wait for the answer."""
        if self._url:
            self._start = self._ping(START, "")

    def end(self, exit_code: int, text: str) -> list[str]:
        """Ping how it ended, after the first ping is through; returns what went wrong with either, a line each."""
        if not self._url:
            return []
        problems = []
        if self._start is not None:
            problems += self._result("start", self._start)
        problems += self._result("end", self._ping(FAIL if exit_code else SUCCESS, text))
        return problems

    def _ping(self, suffix: str, text: str) -> Helper:
        url, query, parameters = self._url.partition("?")
        address = url.rstrip("/") + suffix + query + parameters
        if self._run_id and len(self._run_id) == 36:
            address += ("&" if query else "?") + "rid=" + self._run_id
        helper = Helper(lambda: _post(address, text, self._seconds), self._seconds, self._signals, self._processes)
        self.helpers.append(helper.pid)
        return helper

    def _result(self, what: str, helper: Helper) -> list[str]:
        while not helper.done():
            self._signals.wait(helper.remaining())
            self._processes.reap()
        answer = helper.answer()
        if answer == DONE:
            return []
        reason = answer.partition("\t")[2] if answer else f"no answer in {self._seconds:g} s"
        return [f"the {what} ping to the heartbeat URL failed: {reason}"]


def _post(address: str, text: str, seconds: float) -> str:
    import urllib.error  # noqa: PLC0415 costs 40 ms, in the helper's process only
    import urllib.request  # noqa: PLC0415

    request = urllib.request.Request(address, data=text.encode(), headers={"User-Agent": "batchtab-runner"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=max(0.1, seconds)) as response:  # noqa: S310 http and https only
            response.read(1000)
    except urllib.error.HTTPError as error:
        return f"failed\tstatus {error.code}"
    except OSError as error:
        return f"failed\t{describe(error)}"
    return DONE
