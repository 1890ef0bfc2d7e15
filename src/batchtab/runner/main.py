"""One run, from its start line to its end line."""

from __future__ import annotations

import os
import sys
import time

from . import children, kernel
from .child import Child, StartError, peak_memory_mib
from .heartbeat import Heartbeat
from .helper import Helper
from .identity import JobIdentity
from .lines import Lines, say, shown
from .processes import Processes
from .settings import FORBID, NONE, RUN, Settings, SettingsError, parse, usage
from .signals import STOP, Signals, name
from .supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .lines import Value

USAGE_ERROR = 2
CHECK_FAILED = 75  # EX_TEMPFAIL of sysexits.h
SIGNALLED = 128


class Run:
    """One run of a command."""

    def __init__(self, settings: Settings, command: list[str]) -> None:
        self._settings = settings
        self._command = command
        self._started = time.monotonic()
        self._identity = JobIdentity(settings.job_name, os.environ)
        self._lines = Lines(self._identity)
        self._signals = Signals()
        self._processes = Processes()
        self._heartbeat = Heartbeat(
            settings.heartbeat_url,
            settings.heartbeat_timeout_seconds,
            self._identity.job_id,
            self._signals,
            self._processes,
        )

    def perform(self) -> int:
        """Run the command, or not, and return the exit code."""
        can_choose: dict[str, Value] = {"chooses_children": True} if self._identity.array_index is not None else {}
        self._lines.write("start", {"command": self._shown_command(), **can_choose})
        before = kernel.adopt_orphans()
        if self._settings.concurrency_policy == FORBID:
            exit_code = self._give_way()
            if exit_code is not None:
                return exit_code
        environment = kernel.original_environment()
        try:
            child = Child(self._command, environment, self._signals, self._processes, before)
        except StartError as error:
            return self._end(error.exit_code, str(error))
        self._heartbeat.start()
        supervisor = Supervisor(child, self._signals, self._processes, self._settings.grace_seconds)
        status, usage = supervisor.run(self._heartbeat.helpers)
        child.release_terminal()
        return self._end(
            os.WEXITSTATUS(status) if os.WIFEXITED(status) else SIGNALLED + os.WTERMSIG(status),
            f"killed {self._settings.grace_seconds:g} s after {supervisor.stopped_by}" if supervisor.killed else None,
            signal=name(os.WTERMSIG(status)) if os.WIFSIGNALED(status) else None,
            stopped_by=supervisor.stopped_by,
            peak_memory_mib=peak_memory_mib(usage.ru_maxrss),
        )

    def _give_way(self) -> int | None:
        """Check that no other job of this name is here; the exit code if this one must not run."""
        settings, identity = self._settings, self._identity
        if identity.job_id is None or identity.queue is None:
            self._lines.write("warning", {"reason": "not on AWS Batch: there is no queue to check for other runs"})
            return None
        helper = Helper(self._check, settings.check_timeout_seconds + 1, self._signals, self._processes)
        while not helper.done():
            stops = [number for number in self._signals.wait(helper.remaining()) if number in STOP]
            self._processes.reap()
            if stops:
                helper.kill()
                stop = name(stops[0])
                return self._end(SIGNALLED + stops[0], f"{stop} came before the command was started", stopped_by=stop)
        answer = helper.answer() or f"failed\tno answer in {settings.check_timeout_seconds:g} s"
        word, _, rest = answer.partition("\t")
        if word == "run":
            return None
        if word == "skip":
            job_id, _, status = rest.partition("\t")
            return self._end(
                settings.skip_exit_code,
                f"gave way to job {job_id} ({status}), which has the same name and was submitted earlier",
                skipped=True,
                gave_way_to=job_id,
            )
        reason = f"could not check for other runs: {rest}"
        if settings.on_check_error == RUN:
            self._lines.write("warning", {"reason": f"{reason}; running all the same, as on_check_error says"})
            return None
        return self._end(CHECK_FAILED, f"{reason}; refused, as on_check_error says")

    def _check(self) -> str:
        """In a process of its own: ask Batch."""
        from .batch import list_page_of  # noqa: PLC0415 imports botocore
        from .guard import CheckError, Guard  # noqa: PLC0415

        settings, identity = self._settings, self._identity
        try:
            guard = Guard(
                list_page_of(identity.queue or "", settings.job_name),
                job_name=settings.job_name,
                job_id=identity.job_id or "",
                seconds=settings.check_timeout_seconds,
            )
            verdict = guard.check()
        except ImportError as error:
            return f"failed\tboto3 is not installed beside the runner ({error})"
        except CheckError as error:
            return f"failed\t{error}"
        return f"skip\t{verdict.job_id}\t{verdict.status}" if verdict.job_id else "run"

    def _end(
        self,
        exit_code: int,
        reason: str | None = None,
        *,
        skipped: bool = False,
        **more: Value,
    ) -> int:
        """Say how it ended: in the end line, then to the monitor, which hears nothing of a run that gave way."""
        seconds = round(time.monotonic() - self._started, 3)
        fields: dict[str, Value] = {"command": self._shown_command(), "seconds": seconds, "exit_code": exit_code}
        fields.update({"signal": None, "stopped_by": None, "skipped": skipped, "peak_memory_mib": None})
        fields.update(more)
        if reason is not None:
            fields["reason"] = reason
        self._lines.write("end", fields)
        if not skipped:
            for problem in self._heartbeat.end(exit_code, reason or f"exit code {exit_code} after {seconds:g} s"):
                self._lines.write("warning", {"reason": problem})
        return exit_code

    def _shown_command(self) -> list[str]:
        if self._settings.log_arguments == NONE:
            return [*self._command[:1], f"… {len(self._command) - 1} arguments"]
        return shown(self._command, os.environ)


def main(arguments: Sequence[str]) -> int:
    """Run a command as the arguments and the environment say; returns the exit code."""
    _occupy_closed_streams()
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write(usage())
        sys.stdout.flush()
        return 0
    try:
        settings, command = parse(arguments, os.environ)
        children.choose(os.environ)
    except SettingsError as error:
        say(f"batchtab: {error}\n")
        return USAGE_ERROR
    return Run(settings, command).perform()


def _occupy_closed_streams() -> None:
    """Opens /dev/null where stdin, stdout or stderr is closed, so that no pipe of the runner gets its number.

    The command still finds it closed: a descriptor that Python opens is not inherited.
    """
    for stream in range(3):
        try:
            os.fstat(stream)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
