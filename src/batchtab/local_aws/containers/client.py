from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time

from batchtab.local_aws.child_processes import ChildProcesses

_ANSWER_SECONDS = 30
_PAUSES = (0.5, 1.0, 2.0, 4.0)  # between tries of a call that got no answer: an engine may be restarting
# What Docker, Podman and nerdctl say of what is not there, or can't be; any other failure is no answer.
_ABSENT = re.compile(r"no such (container|image|object)|image not known|invalid reference format", re.IGNORECASE)


class EngineError(Exception):
    """The engine refused, or did not answer; the text is the last line that it said."""


class Client:
    """The program that speaks to an engine.

    Each call is a process in a session of its own, so that Ctrl-C does not reach it. Its environment has nothing of
    local AWS: Podman's helpers inherit it, and the guard process would end them, among them one that all containers of
    a user share.
    """

    def __init__(self, name: str, program: str, environment: dict[str, str]) -> None:
        self._name = name
        self._program = program
        self._environment = environment

    def ask(self, *arguments: str, also: re.Pattern[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Make a call until it is answered, a few times: it worked, or said that what it is about is not there.

        Args:
            arguments: The call.
            also: What else in its words is an answer.

        Raises:
            EngineError: There was no answer.
        """
        for pause in (*_PAUSES, None):
            done = self.call(*arguments)
            if not done.returncode or _ABSENT.search(done.stderr) or (also and also.search(done.stderr)):
                break
            if pause is None:
                self.check(done)
            else:
                time.sleep(pause)
        return done

    def call(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        seconds: float | None = None,
        child_processes: ChildProcesses | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Make a call once.

        Args:
            arguments: The call.
            environment: Its environment, if that is another one than all calls have.
            seconds: How long it may take; it fails then.
            child_processes: Who ends it if local AWS ends.
        """
        seconds = seconds or _ANSWER_SECONDS
        try:
            client = self.start(
                *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, environment=environment or self._environment
            )
        except OSError as error:
            return subprocess.CompletedProcess(arguments, 1, "", f"{self._name} can't be called: {error}")
        if child_processes is not None:
            child_processes.group_started(client.pid)
        try:
            output, said = client.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(client.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):  # what it has started may keep its output open
                client.communicate(timeout=1)
            return subprocess.CompletedProcess(client.args, 1, "", f"{self._name} did not answer within {seconds:g} s")
        finally:
            if child_processes is not None:
                child_processes.group_ended(client.pid)
        texts = (text.decode(errors="replace") for text in (output, said))
        return subprocess.CompletedProcess(client.args, client.returncode, *texts)

    def start(
        self, *arguments: str, stdout: int, stderr: int, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a call, whose output somebody reads."""
        return subprocess.Popen(
            [self._program, *arguments],
            env=environment or self._environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    def check(self, call: subprocess.CompletedProcess[str]) -> None:
        """Do nothing if a call has worked.

        Raises:
            EngineError: It has not.
        """
        if call.returncode:
            lines = [line.strip() for line in call.stderr.splitlines() if line.strip()]
            text = lines[-1] if lines else f"{self._name} ended with {call.returncode}"
            raise EngineError(text.removeprefix("Error: "))
