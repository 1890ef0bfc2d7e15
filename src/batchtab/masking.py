"""Takes what looks like a secret out of text: one net for plan comments, the runner's log lines and alerts.

It is a net, not a wall: a program had better not print secrets. The runner imports this at each start, so `re`, which
takes four milliseconds, is imported only for text that holds a mark of something to mask.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MASK = "***"
_SHORTEST_SECRET = 6

# What is known by its form. Each pattern stands beside its marks, of which every text that it matches holds one.
_FORMS = (
    (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", ("-----BEGIN ",)),
    (r"https://hooks\.slack\.com/[^\s\"'<>]+", ("hooks.slack.com",)),
    (r"(?<=://)(?:[^\s/?#]+|[^\s/@:]*:[^\s/@]+)(?=@)", ("@",)),  # who uses a URL, and the password
    (r"(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{8,}", ("xox",)),
    (r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])", ("AKIA", "ASIA")),
    (r"(?<![A-Za-z0-9])gh[oprsu]_[A-Za-z0-9]{20,}", ("gho_", "ghp_", "ghr_", "ghs_", "ghu_")),
    (r"(?<![A-Za-z0-9])github_pat_\w{20,}", ("github_pat_",)),
    (r"(?<![A-Za-z0-9])glpat-[\w-]{16,}", ("glpat-",)),
    (r"(?<![A-Za-z0-9])sk-[\w-]{20,}", ("sk-",)),
    (r"(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?", ("eyJ",)),
)
# AWS's secret keys: 40 characters of base64, in which a plain hexadecimal digest is not one.
_KEY_LENGTH = 40
_AWS_KEY = r"(?<![A-Za-z0-9/+=])(?![0-9a-f]{40}(?![A-Za-z0-9/+=]))[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"

# Words of names whose values are secrets; where a space is, names may have `_`, `-` or nothing.
_WORDS = (
    *("password", "passwd", "passphrase", "secret", "token", "api key", "access key", "private key", "credential"),
    "authorization",
)
_PLAIN_WORDS = tuple(word.replace(" ", "") for word in _WORDS)
_AUTH = "auth"  # in the name of an argument or a variable; in running text it says too little
_SCHEMES = ("bearer", "basic")
_IN_NAME = r"[\w.\x80-\U0010FFFF-]"
_NAME = rf"(?:{'|'.join(_WORDS).replace(' ', '[_-]?')}){_IN_NAME}{{0,40}}"
# What is known by what is before it. In ASCII alone, `lower` is all that ignoring a letter's case means.
_NAMED = (
    (r"(?ai)(?<=\bBearer )[\w.~+/=\x80-\U0010FFFF-]{6,}", MASK),
    (r"(?a)(?<=\bBasic )[A-Za-z0-9+/=]{8,}", MASK),
    # NAME=x, "name": "x"
    (rf"""(?ai)({_NAME}["']?\s?[=:]\s?["']?)(?:(?:bearer|basic)\s+)?[^\s"',;&]+""", rf"\1{MASK}"),
    # --name x
    (rf"(?ai)(--?{_IN_NAME}{{0,60}}{_NAME}\s+)[^\s-]\S*", rf"\1{MASK}"),
)


def mask(text: str) -> str:
    """The text without what looks like a secret, by its form or by the name before it."""
    text = mask_forms(text)
    folded = _folded(text)
    if any(word in folded for word in (*_PLAIN_WORDS, *_SCHEMES)):
        for pattern, replacement in _NAMED:
            text = _replaced(pattern, replacement, text)
    return text


def mask_forms(text: str) -> str:
    """The text without what is a secret by its form alone, for text in which names such as `secret:x` are no secrets.

    These are private keys, keys of AWS, tokens of GitHub, GitLab, Slack and others, JSON Web Tokens, Slack's webhooks,
    and the user and password of a URL.
    """
    for pattern, marks in _FORMS:
        if any(mark in text for mark in marks):
            text = _replaced(pattern, MASK, text)
    if any(len(word) >= _KEY_LENGTH for word in text.split()):
        text = _replaced(_AWS_KEY, MASK, text)
    return text


def mask_arguments(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The command without what looks like a secret.

    Masked are, beside what `mask` finds: the value in `--password=VALUE`, `--password VALUE`, `DB_PASSWORD=VALUE` and
    `Authorization: VALUE`, with its spaces; and, wherever it is, the value of an environment variable with such a name
    (a secret that Batch put into the environment and a shell or a parameter into the command).
    """
    secrets = [value for name, value in environment.items() if len(value) >= _SHORTEST_SECRET and _is_secret(name)]
    shown: list[str] = []
    next_is_secret = False
    for argument in command:
        if next_is_secret and not argument.startswith("-"):
            shown.append(MASK)
            next_is_secret = False
            continue
        next_is_secret = argument.startswith("-") and "=" not in argument and _is_secret(argument)
        shown.append(_mask_argument(argument, secrets))
    return shown


def _mask_argument(argument: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        argument = argument.replace(secret, MASK)
    if "://" in argument and "@" in argument:  # here a password in a URL may have spaces
        argument = _replaced(r"(?<=://)[^/?#]+(?=@)", MASK, argument)
    for separator in ("=", ":"):
        name, found, value = argument.partition(separator)
        if found and value and _is_secret(name) and not any(mark in name for mark in " \n/"):
            return name + separator + MASK
    return mask(argument)


def _is_secret(name: str) -> bool:
    folded = _folded(name)
    return _AUTH in folded or any(word in folded for word in _PLAIN_WORDS)


def _folded(text: str) -> str:
    return text.lower().replace("_", "").replace("-", "")


def _replaced(pattern: str, replacement: str, text: str) -> str:
    import re  # noqa: PLC0415 - most commands hold no mark

    return re.sub(pattern, replacement, text)
