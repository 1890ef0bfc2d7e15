"""What is a secret by the program that takes it: `mysql -px`, `curl -u a:b`."""

from __future__ import annotations

from batchtab.masking.text import MASK, compiled, replaced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from re import Match

#: What is between the arguments of a list that is joined for `mask_commands`.
SEPARATOR = "\x1f"

# In a shell's text: a value, what may be before it, where a program's name begins, and where its arguments end.
_TEXT = (r"""(?:"[^"\n]*+"?|'[^'\n]*+'?|[^\s"'|;&][^\s|;&]*+)""", r"[ \t=]", r"(?<![\w-])", r"[^\n|;&]*+")
# In a list an argument goes to its end, with its blanks, and a program is one of its own.
_LIST = (r"[^\x1f]++", r"[\x1f=]", r"(?<![^\x1f/])", r"(?s:.*+)")
#: Programs, each with the option before a secret; `V` is the value, `G` what may be before it.
_PROGRAMS = (
    (("curl", "wget"), r"((?:-[A-Za-z]*[uU])G*+[\"']?[^\s:\"']++:)V"),
    (("mysql", "mariadb", "mycli", "7z", "7za", "rar", "unrar"), r"(-p)V"),
    (("sshpass", "mongo", "mongosh", "mongodump", "mongorestore", "cqlsh"), r"(-p[ \t\x1f]*+)V"),
    (("docker", "podman", "nerdctl", "helm", "buildah", "az", "oc"), r"(-p[ \t\x1f]*+)V"),
    (("redis-cli", "valkey-cli"), r"(-a[ \t\x1f]*+)V"),
    (("zip", "unzip", "sqlcmd", "bcp"), r"(-P[ \t\x1f]*+)V"),
    (("ldapsearch", "ldapmodify", "ldapadd", "ldapwhoami"), r"(-w[ \t\x1f]*+)V"),
    (("smbclient",), r"(-U[ \t\x1f]*+[^\s%]++%)V"),
    (("lftp",), r"(-u[ \t\x1f]*+[^\s,]++,)V"),
    (("openssl",), r"(-pass(?:in|out)?[ \t\x1f]++pass:)V"),
    (("sqlplus", "rman"), r"([\w$#]++/)[^\s@/]++(?=@|\s|$)"),
    (("htpasswd",), r"(-[A-Za-z]*b[A-Za-z]*[ \t\x1f]++\S++[ \t\x1f]++\S++[ \t\x1f]++)V"),
)
#: The word after which alone `-p` is a password: elsewhere it is a port.
_LOGIN = r"(?<!\S)login(?!\S)"
_AFTER_LOGIN = "docker"
# Of whatever program that is there: a user and a password, and no host and path, user and group, or port.
_USERS = ("-u", "-U", "--user", "--proxy-user", "--creds")
_USER = r"((?:-u|-U|--user|--proxy-user|--creds)G[\"']?[^\s:\"'/]++:)(?![/\"']|\*\*\*)V"
_LONGEST_INDENT = 80
_PHRASES = (
    (r"(?i)(\blogin\s+\S++\s+password\s+)\S++", "login"),  # ~/.netrc
    (r"(?i)(\bidentified\s+by\s+)(?:'[^'\n]*+'?|\"[^\"\n]*+\"?|\S++)", "identified"),  # SQL
    (r"(?i)(\bwith\s+password\s+)(?:'[^'\n]*+'?|\"[^\"\n]*+\"?|\S++)", "with password"),
    (r"(?i)(\bconfigure\s+set\s+(?=\S*?(?:secret|token))\S++\s+)\S++", "configure"),
    (r"(?i)(\brequirepass[ \t]++)[^\s-]\S*+", "requirepass"),  # of Redis
    (r"(?i)(\bmasterauth[ \t]++)[^\s-]\S*+", "masterauth"),
    # Alone in a line; `password` so is a heading.
    (r"(?m)(^[ \t]*+(?:ENV[ \t]++)?(?:PASSWORD|passwd)[ \t]++)[^\s:-][^\s:]*+(?=[ \t]*+$)", "passw"),
)


def mask_commands(text: str, *, is_list: bool = False) -> str:
    """The text without what a program takes as a password.

    Args:
        text: Commands, as a shell takes them, or the arguments of one with `SEPARATOR` between them.
        is_list: Whether it is such a list.
    """
    value, gap, begin, to_end = _LIST if is_list else _TEXT
    for names, option in _PROGRAMS:
        if any(name in text for name in names):
            program = rf"{begin}((?:{'|'.join(names)})[\w-]*+(?={gap}))({to_end})"
            after = _LOGIN if names[0] == _AFTER_LOGIN else ""
            text = replaced(program, _arguments(_filled(option, value, gap), after), text)
    if any(option in text for option in _USERS):
        text = replaced(_filled(_USER, value, gap), _secret if is_list else _secret_of_program, text)
    folded = text.lower()
    for pattern, mark in _PHRASES:  # whose blanks are a list's separators, too
        if mark in folded:
            text = replaced(pattern, rf"\1{MASK}", text)
    return text


def _arguments(option: str, after: str) -> Callable[[Match[str]], str]:
    """Masks what is in the arguments of a program, from a first word on: one search, then one way forward."""

    def masked(found: Match[str]) -> str:
        first = compiled(after).search(found[2])
        if first is None:
            return found[0]
        at = first.end()
        return found[1] + found[2][:at] + replaced(option, _secret, found[2][at:])

    return masked


def _filled(option: str, value: str, gap: str) -> str:
    return r"(?<!\S)" + option.replace("G", gap).replace("V", value)


def _secret_of_program(found: Match[str]) -> str:
    """Masks, but for an option that begins a line, of no program that is there or on the line before."""
    start = found.start()
    before = found.string[max(0, start - _LONGEST_INDENT) : start].rstrip(" \t")
    is_first = before.endswith("\n") or (not before and start < _LONGEST_INDENT)
    return found[0] if is_first and not before.endswith("\\\n") else _secret(found)


def _secret(found: Match[str]) -> str:
    before = found[1]
    value = found[0][len(before) :]
    is_reference = "$" in value and value.strip("\"'").startswith("$")
    is_number = before[-1] == ":" and value.isdigit()  # of a user and a group
    return found[0] if is_reference or is_number else before + MASK
