"""The command, as a process."""

from __future__ import annotations

import errno
import os
import sys

from .signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .processes import Processes
    from .signals import Signals

NOT_FOUND = 127
NOT_EXECUTABLE = 126


class StartError(Exception):
    """The command could not be started; `exit_code` is what a shell would give."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Child:
    """Starts the command in a process group of its own, with the runner's stdin, stdout and stderr.

    It stays in the runner's session, so that it keeps the terminal, if there is one. It gets the environment and the
    signal settings that the runner was given.

    Raises:
        StartError: if the command is not there or cannot be run.
    """

    def __init__(
        self,
        command: list[str],
        environment: dict[bytes, bytes],
        signals: Signals,
        processes: Processes,
        before: Callable[[], object] | None,
    ) -> None:
        self._terminal = _is_foreground()
        read, write = os.pipe()
        mask = signals.block()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signals.forget()
                self._enter_group()
                if before is not None:
                    before()
                signals.restore(mask)
                _execute(command, environment)
            except OSError as error:
                os.write(write, str(error.errno or errno.EINVAL).encode())
            except ValueError:  # a NUL in an argument
                os.write(write, str(errno.EINVAL).encode())
            finally:
                os._exit(NOT_FOUND)
        os.close(write)
        _join_group(self.pid)
        processes.watch(self.pid)
        signals.restore(mask)
        with os.fdopen(read, "rb") as pipe:
            failure = pipe.read()
        if failure:
            self.release_terminal()
            raise _start_error(command[0], int(failure))

    def send(self, number: int) -> bool:
        """Send a signal to the command's process group; False if no process is left in it."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # all that is left belongs to another user (a setuid program)
            return False
        return True

    def release_terminal(self) -> None:
        """Take the terminal back after the command."""
        if not self._terminal:
            return
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            os.tcsetpgrp(0, os.getpgrp())
        except OSError:
            pass
        finally:
            signal.signal(signal.SIGTTOU, before)

    def _enter_group(self) -> None:
        """In the new process: take a group of its own, and the terminal with it."""
        _join_group(0)
        if self._terminal:
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def _execute(command: list[str], environment: dict[bytes, bytes]) -> None:
    """Become the command, looked for on its PATH. os.execvpe does this too, and imports `warnings` first.

    Raises:
        OSError: why that was not possible.
    """
    program = os.fsencode(command[0])
    folders = [b""] if b"/" in program else environment.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    failure: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in folders:
        path = folder + b"/" + program if folder else program
        try:
            os.execve(path, command, environment)  # noqa: S606 no shell
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            # A folder of PATH that may not be searched says the same, and is no sign of the command.
            if b"/" in program or os.path.isfile(path):  # noqa: PTH113 pathlib costs 5 ms
                failure = error
    raise failure


def _join_group(pid: int) -> None:
    """Give a process a group of its own. Both sides do it, so that neither has to wait for the other."""
    try:  # noqa: SIM105 contextlib costs a millisecond
        os.setpgid(pid, pid)
    except (PermissionError, ProcessLookupError):  # it is the command already, or gone: it has done so itself
        pass


def _is_foreground() -> bool:
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _start_error(program: str, number: int) -> StartError:
    if number in (errno.ENOENT, errno.ENOTDIR):
        if "/" in program and os.path.exists(program):  # noqa: PTH110 pathlib costs 5 ms
            return StartError(f"cannot start {program!r}: the interpreter in its first line does not exist", NOT_FOUND)
        where = "no such file" if "/" in program else f"not found on PATH ({os.environ.get('PATH', 'not set')})"
        return StartError(f"cannot start {program!r}: {where}", NOT_FOUND)
    return StartError(f"cannot start {program!r}: {os.strerror(number).lower()}", NOT_EXECUTABLE)


def peak_memory_mib(kibibytes_or_bytes: int) -> float:
    """ru_maxrss in MiB: it counts KiB on Linux and bytes on macOS."""
    return round(kibibytes_or_bytes / (1024 if sys.platform == "linux" else 1048576), 1)
