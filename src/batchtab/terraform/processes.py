"""Child processes that end when we do: none of ours outlives its command."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from types import FrameType
from typing import IO, TypeVar

from batchtab.errors import UsageError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded now: after a fork it may wait for a lock
_STOP_SECONDS = 90.0  # Terraform finishes the call that it is in, and then writes the state
_PARENT_POLL_SECONDS = 0.5
_TERRAFORMS = {"terraform", "tofu", Path(os.environ.get("TERRAFORM_BINARY_NAME", "terraform")).name}


_Process = subprocess.Popen[bytes]
_running: set[_Process] = set()
_lock = threading.Lock()
_stopping = threading.Event()
T = TypeVar("T")
R = TypeVar("R")


class Stopped(KeyboardInterrupt):
    """A signal asked us to end, or our caller is gone."""


def _end_with_parent() -> None:
    """Linux: the kernel asks the child to end when we are killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turns SIGTERM, SIGHUP and the caller's death into `Stopped`, so that children are ended in order."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Stopped

    kept = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    over = threading.Event()
    parent = os.getppid()

    def watch() -> None:
        while not over.wait(_PARENT_POLL_SECONDS):
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        for number, handler in kept.items():
            signal.signal(number, handler)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None] = lambda _line: None,
) -> int:
    """Runs a command with its output in a log, line by line, and returns its exit status.

    When we are asked to stop, its Terraforms are asked to stop first and waited for, so that the state is written and
    its lock released.

    Raises:
        Stopped: we were asked to stop; the command has ended.
    """
    with log.open("ab") as sink, _registered(command, cwd, env, subprocess.STDOUT) as process:
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        try:
            for raw in process.stdout:
                sink.write(raw)
                sink.flush()
                on_line(raw.decode(errors="replace").rstrip())
            return process.wait()
        except BaseException:
            stop_tree(process)
            raise


def capture(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> tuple[int, str, str]:
    """Runs a command and returns its exit status, output and errors; ends it as `run` does when we are asked to stop.

    Raises:
        Stopped: we were asked to stop; the command has ended.
    """
    with _registered(command, cwd, env, subprocess.PIPE) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            stop_tree(process)
            raise
    return process.returncode, output.decode(errors="replace"), errors.decode(errors="replace")


@contextlib.contextmanager
def _registered(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], errors: int) -> Iterator[_Process]:
    """A command that `in_parallel` can end; none begins once it has ended the others."""
    with _lock:
        if _stopping.is_set():
            raise Stopped
        process = start(command, cwd, env, errors=errors)
        _running.add(process)
    try:
        yield process
    finally:
        with _lock:
            _running.discard(process)


def in_parallel(workers: int, do: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Does something for each of several things, some at once, each in a thread that may run commands.

    After the first error nothing more is begun, and what runs comes to its end.

    Raises:
        Stopped: we were asked to stop; all commands have ended.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        futures = [pool.submit(do, thing) for thing in things]
        wait(futures, return_when=FIRST_EXCEPTION)
        pool.shutdown(cancel_futures=True)
        failed = [error for future in futures if not future.cancelled() and (error := future.exception())]
        if failed:
            raise failed[0]
        return [future.result() for future in futures]
    except (KeyboardInterrupt, SystemExit):  # only this thread gets signals; the commands are of others
        with _lock:
            _stopping.set()
            running = list(_running)
        with ThreadPoolExecutor(workers) as stopping:
            list(stopping.map(stop_tree, running))
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        _stopping.clear()


def start(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], *, errors: int) -> subprocess.Popen[bytes]:
    """Starts a command, its output in a pipe; the system ends it when the thread that called ends.

    Raises:
        UsageError: there is no such program.
    """
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - it calls the kernel only, no Python lock
        )
    except FileNotFoundError:
        raise UsageError(f"{command[0]} is not installed", "batchtab setup terraform installs Terraform") from None


def stop_tree(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and its descendants: Terraform first and gently, then the rest."""
    family = [(process.pid, Path(str(_first_word(process))).name), *descendants(process.pid)]
    for pid, name in family:
        if name in _TERRAFORMS:
            _signal(pid, signal.SIGINT)
    for stream in (process.stdout, process.stderr):  # a full pipe would block it
        if stream is not None:
            threading.Thread(target=drain, args=(stream,), daemon=True).start()
    deadline = time.monotonic() + _STOP_SECONDS
    while any(name in _TERRAFORMS and _exists(pid) for pid, name in family) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid, _ in family:
        _signal(pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        for pid, _ in family:
            _signal(pid, signal.SIGKILL)
        process.wait()


def descendants(root: int) -> list[tuple[int, str]]:
    """The processes below one, with their programs' names, nearest first."""
    try:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=False)
    except OSError:  # small images have no ps; the process itself can still be ended
        return []
    children: dict[int, list[tuple[int, str]]] = {}
    for line in listed.stdout.splitlines():
        pid, parent, *name = line.split(None, 2)
        children.setdefault(int(parent), []).append((int(pid), Path(name[0]).name if name else ""))
    found: list[tuple[int, str]] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += [pid for pid, _ in below]
    return found


def _first_word(process: subprocess.Popen[bytes]) -> object:
    return process.args[0] if isinstance(process.args, list) else process.args


def drain(stream: IO[bytes]) -> None:
    """Reads what is left, and drops it."""
    with contextlib.suppress(OSError, ValueError):
        while stream.read(65_536):
            pass


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
