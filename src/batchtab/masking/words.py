"""Which names say that their values are secrets, and which values are none all the same."""

from __future__ import annotations

from batchtab.masking.text import MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

# Parts of names, without `_`, `-` and blanks.
#: What a key is for that is a secret.
KEYS = (
    *("api", "access", "private", "secret", "signing", "encryption", "account", "auth", "master", "storage"),
    *("subscription", "ssh", "deploy", "hmac", "jwt", "webhook", "session", "shared", "app", "license", "rsa", "sas"),
)
_PARTS = (
    *("password", "passwd", "passphrase", "passcode", "secret", "credential", "authorization", "connectionstring"),
    *("passwort", "kennwort", "wachtwoord", "senha", "contrasena", "contraseña", "motdepasse", "haslo", "hasło"),
    *("пароль", "密码", "密碼", "パスワード", "비밀번호"),
    *(f"{kind}key" for kind in KEYS),
)
# Whole words of names, and ends of names in one piece such as `dbpass` and `accesstoken`.
_WORDS = frozenset({"pass", "pw", "pwd", "token", "auth", "sig", "signature", "jwt", "dsn", "otp", "creds", "cookie"})
_ENDS = ("pass", "pwd", "token", "auth", "cookie")
_OTHER_ENDS = ("bypass", "compass", "encompass", "surpass", "trespass", "overpass", "underpass")
# Names that only speak of a secret: by their last word, their first, or a part.
_ABOUT = frozenset(
    {"name", "names", "arn", "arns", "url", "urls", "uri", "uris", "endpoint", "file", "files", "path", "dir", "type"}
    | {"count", "limit", "length", "len", "size", "ttl", "expiry", "expires", "expiration", "expire", "age", "lifetime"}
    | {
        "days",
        "hours",
        "minutes",
        "seconds",
        "second",
        "secs",
        "ms",
        "policy",
        "version",
        "min",
        "max",
        "budget",
        "usage",
        "rate",
    }
    | {"provider", "manager", "required", "enabled", "disabled", "valid", "index", "ids", "hint", "prompt", "field"}
    | {"column", "header", "algorithm", "alg", "scope", "scopes", "format", "status", "error", "errors", "rotation"}
    | {"reset", "changed", "created", "updated", "at", "in", "per", "class", "parser", "bucket", "window", "tokens"}
    | {"java", "py", "go", "rb", "js", "ts", "cs", "kt", "php", "rs", "cpp", "acc", "accuracy", "loss"}
    | {"mode", "method", "methods", "mechanism", "plugin", "backend", "service", "store", "ref", "number", "total"}
)
_BEFORE = frozenset(
    {"pad", "eos", "bos", "unk", "sep", "cls", "stop", "special", "max", "min", "num", "no", "has", "is", "public"}
    | {"prompt", "completion"}
)
_ABOUT_PARTS = ("secretsmanager", "secretary", "secretariat", "tokeniz", "tokenis", "passwordless")
#: Values of settings whose names are those of secrets: a switch, a way to authenticate.
SETTINGS = frozenset(
    {"true", "false", "null", "none", "nil", "undefined", "yes", "no", "on", "off", "required", "optional"}
    | {"enabled", "disabled", "basic", "bearer", "oauth", "oauth2", "iam", "ldap", "kerberos", "sasl", "md5", "trust"}
    | {"peer", "scram-sha-256"}
)
# Values that are no secret in a text about one. Of a reference the secret is elsewhere.
_PLAIN = (
    SETTINGS
    | {"ok", "is", "missing", "invalid", "valid", "expired", "empty", "unset", "set", "loaded", "failed"}
    | {"failure", "success", "succeeded", "accepted", "rejected", "denied", "granted", "incorrect", "wrong", "correct"}
    | {"unknown", "changed", "updated", "rotated", "created", "deleted", "not", "was", "cannot", "must", "could"}
    | {"unexpected", "unsupported", "malformed", "redacted", "masked", "hidden", "authentication", "found", "and", "or"}
    | {"str", "string", "default", "from", "using", "for", "in", "to", "the", "a", "an", "by", "with", "will", "has"}
    | {"should", "does", "did", "completed", "complete", "ready", "done", "pending", "refreshed", "revoked"}
    | {"generated", "received", "sent", "skipped", "cached", "stored", "present", "absent", "available"}
    | {"unavailable", "active", "inactive", "ignored"}
)
#: How a value begins that says where a secret is.
REFERENCES: tuple[str, ...] = (
    "${",
    "$(",
    "{{",
    "%(",
    "arn:",
    "os.environ",
    "os.getenv",
    "process.env",
    "config[",
    "config.get",
    "ENV[",
)
REFERENCES += ("settings.", "self.", "getpass.", "secretKeyRef", MASK)
_FOLDERS = ("etc", "home", "run", "var", "root", "opt", "tmp", "usr", "mnt", "app", "srv", "dev", "proc", "secrets")
#: What may be before a value in `Authorization`.
SCHEMES = ("bearer", "basic", "token", "apikey", "api-key", "negotiate", "ntlm")
_FEWEST_DIGITS = 6  # fewer are a count: `pass: 12`, `secrets: 3`
_SHORTEST_SIGNATURE = 8
_LONGEST_PLAIN = 300


def is_secret(name: str) -> bool:
    """Whether the value of a variable, an option or a field of this name is a secret."""
    folded = name.lower()
    plain = "".join(each for each in folded if each not in "_-. []")
    words = _words(name)
    is_id = words[-1:] == ["id"] and words[-2:] != ["secret", "id"]  # a `secret_id` of Vault is a secret
    if not words or is_id or words[-1] in _ABOUT or words[0] in _BEFORE or any(part in plain for part in _ABOUT_PARTS):
        return False
    if any(part in plain for part in _PARTS) or any(word in _WORDS for word in words):
        return True
    return plain.endswith(_ENDS) and not plain.endswith(_OTHER_ENDS)


def is_plain(value: str, name: str, words: Collection[str] = _PLAIN) -> bool:
    """Whether a value is no secret: a word about one, a reference to one, a count.

    Args:
        value: The whole value.
        name: The name before it.
        words: Values that are none, in lower case.
    """
    if len(value) > _LONGEST_PLAIN:  # it is masked, and none of it is read again
        return False
    first, blank, rest = value.partition(" ")
    if blank and first.lower() in SCHEMES:
        value = rest.strip()
    folded, kind = value.strip().strip("[]<>*().!").lower(), name.lower()
    if not folded or folded in words or value.startswith(REFERENCES) or value == name:
        return True
    if kind[-1:] == "s" and len(count := "".join(value.rstrip("%").split("/"))) < _FEWEST_DIGITS and _is_number(count):
        return True
    if "/" in value and value.replace("/", "").replace("-", "").isalpha() and is_secret(value.rpartition("/")[2]):
        return True  # where the secret is
    if kind.endswith("dsn") and value.isalpha():
        return True
    if value[0] == "/" and (value[1:].split("/")[0] in _FOLDERS or kind in ("pwd", "oldpwd")):
        return True
    is_variable = value[0] == "$" and value[1:].replace("_", "").isalnum() and value == value.upper()
    is_placeholder = value[0] == "<" and value.endswith(">")
    return is_variable or is_placeholder or (kind.endswith("signature") and len(value) < _SHORTEST_SIGNATURE)


def _is_number(text: str) -> bool:
    return text.replace(".", "").isdigit()


def _words(name: str) -> list[str]:
    """The words of `DB_PASSWORD`, `dbPassword` and `db-password2`."""
    letters, before = [], ""
    for each in name:
        if each.isupper() and before.islower():
            letters.append(" ")
        letters.append(each if each.isalpha() else " ")
        before = each
    return "".join(letters).lower().split()
