"""Which of a command's arguments may stand in a log line."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MASK = "***"
MOST_CHARACTERS = 200
MOST_ARGUMENTS = 30
SHORTEST_SECRET = 6
_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "auth",
)


def redact(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the command without what looks like a secret, and shortened.

    Masked are: the value in `--password=VALUE`, `--password VALUE`, `DB_PASSWORD=VALUE` and `Authorization: VALUE`; the
    user part of a URL; and, wherever it stands, the value of an environment variable with such a name (a secret that
    Batch put into the environment and a shell or a parameter into the command). This is a net, not a wall: who passes
    secrets as arguments in other shapes sets `log_arguments` to `none`.
    """
    secrets = [value for name, value in environment.items() if len(value) >= SHORTEST_SECRET and _is_secret(name)]
    shown: list[str] = []
    next_is_secret = False
    for argument in command[:MOST_ARGUMENTS]:
        if next_is_secret and not argument.startswith("-"):
            shown.append(MASK)
            next_is_secret = False
            continue
        next_is_secret = argument.startswith("-") and "=" not in argument and _is_secret(argument)
        shown.append(_shorten(_mask(argument, secrets)))
    if len(command) > MOST_ARGUMENTS:
        shown.append(f"… {len(command) - MOST_ARGUMENTS} more arguments")
    return shown


def _mask(argument: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        argument = argument.replace(secret, MASK)
    for separator in ("=", ":"):
        name, found, value = argument.partition(separator)
        if found and value and _is_secret(name) and not any(mark in name for mark in " \n/"):
            return name + separator + MASK
    before, scheme, rest = argument.partition("://")
    if scheme:
        end = min((rest.index(mark) for mark in "/?#" if mark in rest), default=len(rest))
        user, at, host = rest[:end].rpartition("@")
        if at and user:
            return f"{before}://{MASK}@{host}{rest[end:]}"
    return argument


def _is_secret(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in _WORDS)


def _shorten(argument: str) -> str:
    if len(argument) <= MOST_CHARACTERS:
        return argument
    return f"{argument[:MOST_CHARACTERS]}… {len(argument) - MOST_CHARACTERS} more characters"
