"""Takes what looks like a secret out of text: one net for plan comments, the runner's log lines and alerts.

It is a net, not a wall: a program had better not print secrets. The runner imports this at each start, so `re`, which
takes four milliseconds, is imported only for text that has a mark of something to mask. The time grows with the text
and no faster (`python -m benchmarks.masking`).
"""

from __future__ import annotations

from batchtab.masking.commands import SEPARATOR, mask_commands
from batchtab.masking.forms import mask_forms
from batchtab.masking.names import is_named, mask_named
from batchtab.masking.text import MASK, replaced
from batchtab.masking.words import is_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MASK", "mask", "mask_arguments", "mask_forms"]

_SHORTEST_SECRET = 6
_LAST_SCRIPT = 10
_URL_WITH_BLANKS = r"(?<=://)(?:[^\s/?#:@]*+:(?!\d{1,5}(?:[/?#]|$))(?:[^?#\"'<>:]|:(?!//))+(?<!/)(?=@)|[^/?#]+(?=@))"


def mask(text: str) -> str:
    """The text without what looks like a secret, by its form, by the name before it or by the program that takes it."""
    text = mask_forms(text)
    if is_named(text):
        text = mask_named(text)
    return mask_commands(text)


def mask_arguments(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The command without what looks like a secret.

    A shell's script (`sh -c`) is masked as any text is. In other arguments masked are, beside what `mask` finds: the
    value in `--password=VALUE`, `--password VALUE`, `DB_PASSWORD=VALUE` and `Authorization: VALUE`, with its spaces. In
    all, the value of an environment variable with such a name is masked wherever it is (a secret that Batch put into
    the environment and a shell or a parameter into the command).
    """
    secrets = [value for name, value in environment.items() if len(value) >= _SHORTEST_SECRET and is_secret(name)]
    shown: list[str] = []
    next_is_secret = False
    script = _script(command)
    for at, argument in enumerate(_of_program(command)):
        if at == script:
            shown.append(mask(_without(command[at], secrets)))
            continue
        if next_is_secret and not argument.startswith("-"):
            shown.append(MASK)
            next_is_secret = False
            continue
        next_is_secret = argument.startswith("-") and "=" not in argument and is_secret(argument)
        shown.append(_mask_argument(argument, secrets))
    return shown


def _of_program(command: Sequence[str]) -> Sequence[str]:
    """The command without what its program takes as a password, by arguments."""
    if any(SEPARATOR in argument for argument in command):
        return command
    return mask_commands(SEPARATOR.join(command), is_list=True).split(SEPARATOR) if command else command


def _script(command: Sequence[str]) -> int:
    """Where the script of `sh -c` is; -1 if there is none."""
    for at in range(2, min(len(command), _LAST_SCRIPT)):
        option = command[at - 1]
        if option.endswith("c") and option[0] == "-" and option[1:].isalpha() and command[at - 2].endswith("sh"):
            return at
    return -1


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _mask_argument(argument: str, secrets: Sequence[str]) -> str:
    argument = _without(argument, secrets)
    if "://" in argument and "@" in argument:  # here a password in a URL may have spaces
        argument = replaced(_URL_WITH_BLANKS, MASK, argument)
    for separator in ("=", ":"):
        name, found, value = argument.partition(separator)
        if found and value and is_secret(name) and not any(mark in name for mark in " \n/"):
            return name + separator + MASK
    return mask(argument)
