"""What the exit code of a container says, for alerts and for `batchtab why`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
            10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM"}  # fmt: skip
_MEANINGS = {
    1: "the program reported an error",
    2: "wrong usage, or a shell could not read its command",
    126: "the command cannot be executed",
    127: "the command was not found",
    134: "the program aborted itself (SIGABRT)",
    137: "killed (SIGKILL): often by running out of memory",
    139: "the program crashed (SIGSEGV)",
    143: "asked to stop (SIGTERM)",
}
_NONE: Mapping[int, str] = MappingProxyType({})


def exit_code_meaning(code: int, own: Mapping[int, str] = _NONE) -> str:
    """What an exit code says, by the shell's and Docker's conventions; empty for others.

    Args:
        code: The code.
        own: Meanings in words of the caller's.
    """
    if meaning := own.get(code) or _MEANINGS.get(code):
        return meaning
    signal = _SIGNALS.get(code - 128)
    return f"ended by a signal ({signal})" if signal else ""
