from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable

from batchtab.local_aws.batch.output import Output
from batchtab.local_aws.batch.run import FollowError, StartError
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.containers.client import EngineError
from batchtab.local_aws.containers.engine import ContainerEngine, State

logger = logging.getLogger("batchtab.local_aws.containers")

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_KILLED = 128 + signal.SIGKILL
_LOOK_SECONDS = 0.2


class ContainerRun:
    """A job as a container: created, started, followed, looked at and removed, each in a step of its own.

    Its exit code is the container's, and its output is read again after its end, so that no line is lost with a client
    that ended too early.
    """

    def __init__(
        self,
        engine: ContainerEngine,
        name: str,
        flags: list[str],
        words: list[str],
        variables: dict[str, str],
        child_processes: ChildProcesses,
    ) -> None:
        """A container that does not exist yet.

        Args:
            engine: Who runs it.
            name: Its name.
            flags: What its definition asks for, and its labels.
            words: The image, and the command that replaces the image's own.
            variables: The job's environment.
            child_processes: Who removes it however local AWS ends.
        """
        self.exit_code: int | None = None
        self.reason = ""
        self._engine = engine
        self._name = name
        self._flags = flags
        self._words = words
        self._variables = variables
        self._child_processes = child_processes
        self._killed = False

    def start(self) -> None:
        """Create the container and start it.

        Raises:
            StartError: The engine refuses.
        """
        self._child_processes.containers_of(self._engine.program)
        try:
            self._engine.create(self._name, self._flags, self._words, self._variables, self._child_processes)
        except EngineError as error:
            raise StartError(f"CannotCreateContainerError: {error}") from error
        if self._killed:
            raise StartError("CannotStartContainerError: the job was ended before its container had started")
        try:
            self._engine.start(self._name)
        except EngineError as error:
            raise StartError(f"CannotStartContainerError: {error}") from error

    def follow(self, write: Callable[[list[str]], None]) -> None:
        """Read what it writes until it ends, and then what the client that followed it has left out.

        Raises:
            FollowError: The engine does not answer any more.
        """
        output = Output(write)
        client = self._engine.follow(self._name)
        if client.stdout is not None:
            output.follow(client.stdout)
        client.wait()
        try:
            state = self._end()
        except EngineError as error:
            output.close()
            raise FollowError(f"CannotInspectContainerError: {error}") from error
        if state is not None:
            again = self._engine.logs(self._name)
            if again.stdout is not None:
                output.follow(again.stdout, skip=output.read)
            again.wait()
        output.close()
        self.exit_code = _KILLED if state is None else state.exit_code
        if state is not None and state.out_of_memory and not self._killed:
            self.reason = OUT_OF_MEMORY

    def stop(self) -> None:
        """Send the image's stop signal, which is SIGTERM unless the image names another."""

        def send() -> None:
            state = self._engine.state(self._name)
            if state is not None:
                self._engine.signal(self._name, state.stop_signal)

        _beside(send)

    def kill(self) -> None:
        """Send SIGKILL; a container that is still being created is not started."""
        self._killed = True
        _beside(lambda: self._engine.signal(self._name, signal.SIGKILL.name))

    def close(self) -> None:
        """Remove the container with its volumes; what the engine does not remove now goes when local AWS ends."""
        try:
            self._engine.remove(self._name)
        except EngineError as error:
            logger.warning("container %s is not removed yet: %s", self._name, error)

    def _end(self) -> State | None:
        """How it has ended, once it has; None if somebody has removed it."""
        while (state := self._engine.state(self._name)) is not None and state.running:
            self._engine.wait(self._name)
            time.sleep(_LOOK_SECONDS)
        return state


def _beside(call: Callable[[], object]) -> None:
    """Make a call in a thread: who ends jobs holds a lock, and an engine may take its time."""

    def make() -> None:
        try:
            call()
        except EngineError as error:
            logger.warning("a job's container got no signal: %s", error)

    threading.Thread(target=make, daemon=True).start()
