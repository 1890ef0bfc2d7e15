"""What is a secret by the name before it: `NAME=x`, `"name": "x"`, `--name x`, `<name>x</name>`, `Authorization: x`.

One search finds where a word of such a name begins; from there all steps go forward, so that the time grows with the
text and no faster, whatever is in it.
"""

from __future__ import annotations

from batchtab.masking.text import MASK, compiled, end_of, replaced
from batchtab.masking.words import KEYS, REFERENCES, SCHEMES, is_plain, is_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match

_LONGEST_NAME = 64  # before the word that was found
_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_NAMES = (
    rf"(?:(?:{'|'.join(KEYS)})[ _-]?key|"  # before `secret` and `auth`, with which some of these begin
    r"pass|pwd?|secret|credential|creds|auth|token|cookie|sig|jwt|dsn|otp|connection[ _-]?string|"
    r"kennwort|wachtwoord|senha|contrase|mot[ _-]?de[ _-]?passe|has[lł]o|пароль|密码|密碼|パスワード|비밀번호)[\w.-]*+"
)
#: What a text has that `_FIND` or a scheme of `Authorization` finds.
_MARKS = (
    *("pass", "pw", "secret", "credential", "creds", "auth", "token", "cookie", "sig", "jwt", "dsn", "otp", "key"),
    *("bearer", "basic ", "connection", "kennwort", "wachtwoord", "senha", "contrase", "haslo", "hasło"),
    *("пароль", "密码", "密碼", "パスワード", "비밀번호"),
)
_SEPARATOR = (
    r"""(?:\[\w*+\]|\])?(?:\\*["'])?[ \t\xa0]{0,30}+(?:=>|:=|==?|[:：]"""  # noqa: RUF001 - as it is written in Chinese
    r"""(?:[ ]?[|>]?-?\n[ \t]{1,30}+(?=[^\s\-#"'{\[][^\s:]*+[ \t]*+(?:\n|\Z)))?)[ \t\xa0]{0,30}+"""  # a line below
    r"""|(?:%22)?%3[AaDd](?:%20|%22)*+"""
    r"""|["'],[ ]?(?=(["'])[^\n"']{0,200}+\2\))"""  # a pair
    r"""|(?:\\*["'])?,?\s{0,40}+(?:\\*["'])?[Vv]alue(?:\\*["'])?\s{0,20}+[:=]\s{0,20}+"""  # the name is a value, too
)
_BEFORE_QUOTED = r"""[ \t]{1,9}+(?=(["'])[^\s"']++\3)"""  # `wrong password "x"`
_FIND = rf"{_NAMES}(?=({_SEPARATOR}|{_BEFORE_QUOTED})?+)"
_BLANK = r"""[ \t\x1f]++(?=[^\s-])"""
#: Of an option, and of an element.
_MAY_FOLLOW = frozenset(" \t\x1f>")
_BLANKS = ("", " ", "\t", "\n")
_IN_LINE = r"(?:[ \t]++(?![\w.-]++[=:])[^\s#]\S*+)*+"
_QUOTES = ("\\", '"', "'", "`")
_OPEN = r"""(\\*)(["'`])"""
_LINE = r"[^\n]*+"
_COOKIE = r"[^\s=;]{1,80}+="
# A value without quotes. What ends it in a list, a connection string or an inner quotation is in it elsewhere.
_IN_VALUE = (
    r"""[^\s"'`;,&<\\]++|["'`](?![\s,;)}\]"'`]|\Z)|,(?!\s|\Z|[\w.-]{1,40}+[ ]?[=:])|;(?!\s|\Z|[\w. -]{1,40}+=)"""
    r"""|\\++(?!["'])|<(?!/)"""
)
_SCHEME = rf"(?:(?i:{'|'.join(SCHEMES)})[ \t]++)?+"
_BARE = rf"{_SCHEME}(?:{_IN_VALUE}|&)*+"
_IN_QUERY = rf"{_SCHEME}(?:{_IN_VALUE})*+"
_LIST = r"\[[^\]\n]*+\]?"
_OF_SEVERAL = r"(?i)(?:digest|aws4-hmac-sha256|oauth|hawk|signature)[ \t]++"
_BEARER = r"(?i)(\bbearer[ \t]++)([\w.~+/=\x80-\U0010FFFF-]++)"
_BASIC = r"(\b[Bb]asic[ \t]++)([A-Za-z0-9+/]{6,}+={0,2})"
_SHORTEST = 6
_LONGEST_WORD = 24
_LONGEST_ARN = 120
_LONGEST_INDENT = 32
_MOST_SLASHES = 9


def is_named(text: str) -> bool:
    """Whether a text may have a name of a secret in it."""
    folded = _lower(text)
    return any(mark in folded for mark in _MARKS)


def mask_named(text: str) -> str:
    """The text without values whose names say that they are secrets."""
    pieces, done, seen = [], 0, 0
    known: dict[str, bool] = {}
    for found in compiled(_FIND).finditer(_lower(text)):
        at, end = found.span()
        if at < seen:
            continue
        seen = end
        separator = found[1]
        if separator is None:
            follows = text[end : end + 2]
            if follows[:1] not in _MAY_FOLLOW or follows == "><" or text[at - 1 : at] in _BLANKS:
                continue  # neither an option nor an element with a value
        head = text[at - _LONGEST_NAME if at - done > _LONGEST_NAME else done : at]
        start = at - len(head) + len(head.rstrip(_CHARACTERS))
        name = text[start:end]
        if separator is None and name[0] != "-" and follows[0] != ">":
            continue
        if name not in known:
            known[name] = is_secret(name)
        span = _value(text, start, end, separator) if known[name] else None
        if span is not None:
            pieces += [text[done : span[0]], MASK]
            done = seen = span[1]
    text = "".join(pieces) + text[done:]
    folded = _lower(text)
    if "bearer" in folded:
        text = replaced(_BEARER, _bearer, text)
    return replaced(_BASIC, _basic, text) if "basic" in folded else text


def _value(text: str, start: int, end: int, separator: str | None) -> tuple[int, int] | None:
    """Where the value of a name is; None if it has none, or one that is no secret."""
    before, name = text[max(0, start - 1) : start], text[start:end]
    if separator is None and name[0] == "-" and (blank := compiled(_BLANK).match(text, end)):
        separator = blank[0]
    if separator is None:
        return _in_element(text, end) if before in ("<", ":") and text[end : end + 1] == ">" else None
    at = end + len(separator)
    if separator[0] == ":" and (before == "/" or (before == ":" and _is_in_arn(text, start))):
        return None  # an image's tag, a part of an ARN
    if separator[1:] in (",", ", ") and not _is_pair(text, start, at, separator[0]):
        return None
    first, begin = text[at : at + 1], at
    if first in _QUOTES and (opened := compiled(_OPEN).match(text, at)):
        begin = opened.end()
    if text.startswith(REFERENCES, begin):  # before its end is looked for: what is in it is read again
        return None
    stop = _end_of_value(text, start, at, name, separator)
    if stop is None or is_plain(text[begin:stop], name):
        return None
    if separator[:2] == ": " and separator[-1] == " " and first not in _QUOTES and _is_first(text, start):
        stop = end_of(_IN_LINE, text, stop)
    return begin, stop


def _is_pair(text: str, start: int, at: int, quote: str) -> bool:
    """Whether a name and a value are a pair or arguments as in `set("TOKEN", "x")`, and no list of names or message."""
    if text[max(0, start - 2) : start] != "(" + quote:
        return False
    before = text[max(0, start - 3) : start - 2]
    return not (before.isalnum() or before == "_") or " " not in text[at : text.find(")", at)]


def _is_first(text: str, start: int) -> bool:
    """Whether a name is the first of its line, as in YAML."""
    before = text[max(0, start - _LONGEST_INDENT) : start]
    return before.rstrip(" -\t")[-1:] in ("", "\n") and (start < _LONGEST_INDENT or "\n" in before)


def _in_element(text: str, end: int) -> tuple[int, int] | None:
    at = text.find("<", end)
    stop = len(text) if at < 0 else at
    return (end + 1, stop) if text[end + 1 : stop].strip() else None


def _is_in_arn(text: str, start: int) -> bool:
    before = text[max(0, start - _LONGEST_ARN) : start].rpartition("arn:")
    return bool(before[1]) and not any(map(str.isspace, before[2]))


def _end_of_value(text: str, start: int, at: int, name: str, separator: str) -> int | None:
    first = text[at : at + 1]
    if first in _QUOTES and (opened := compiled(_OPEN).match(text, at)):
        return _closing(text, opened.end(), len(opened[1]), opened[2])
    if first == "[":
        return end_of(_LIST, text, at)
    if first == "{" and not text.startswith("{{", at):
        return None  # what is in it has names of its own
    before = text[max(0, start - 1) : start]
    if ":" in separator and separator[0] not in ("\\", '"', "'"):  # a header
        if before in ('"', "'"):
            slashes = text[max(0, start - _MOST_SLASHES) : start - 1]
            return _closing(text, at, len(slashes) - len(slashes.rstrip("\\")), before)
        if "cookie" in name.lower():
            return end_of(_LINE, text, at) if compiled(_COOKIE).match(text, at) else None
        if compiled(_OF_SEVERAL).match(text, at):
            return end_of(_LINE, text, at)
    if name.lower() == "sig" and before not in ("?", "&"):
        return None
    stop = end_of(_IN_QUERY if before in ("?", "&") else _BARE, text, at)
    while stop - 1 > at and text[stop - 1] in ")}],.":
        stop -= 1
    return stop


def _closing(text: str, at: int, slashes: int, quote: str) -> int:
    """Where a quotation ends that began behind this many backslashes, as JSON in JSON does; else the line's end."""
    for found in compiled(rf"(?<!\\)(\\*){quote}|\n").finditer(text, at):
        if found[1] is None or len(found[1]) % (2 * slashes + 2) == slashes:
            return found.start()
    return len(text)


def _lower(text: str) -> str:
    """In lower case, and as long: the capital dotted i alone becomes two letters."""
    folded = text.lower()
    return folded if len(folded) == len(text) else text.replace("\u0130", "\u0131").lower()


def _bearer(found: Match[str]) -> str:
    """Masks, but for a word of a sentence such as `Bearer authentication is required`."""
    value = found[2]
    is_word = value.isalpha() and value[1:] == value[1:].lower() and len(value) < _LONGEST_WORD
    return found[0] if is_word or len(value) < _SHORTEST else found[1] + MASK


def _basic(found: Match[str]) -> str:
    """Masks a name and a password in base64, and no word of a sentence."""
    import binascii  # noqa: PLC0415 - few texts have one

    value = found[2]
    try:
        is_pair = b":" in binascii.a2b_base64(value + "=" * (-len(value) % 4))
    except binascii.Error:
        is_pair = False
    return found[1] + MASK if is_pair else found[0]
