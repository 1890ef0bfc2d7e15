"""What looks like a secret is masked, what does not is left alone, and looking for it costs little."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.masking_corpus import INNOCENTS, SECRETS, Sample

from batchtab.masking import MASK, commands, forms, mask, mask_arguments, mask_forms, names
from batchtab.masking.text import compiled

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DB_PASSWORD=hunter2 go", "DB_PASSWORD=*** go"),
        ("password: hunter2", "password: ***"),
        ('{"api_key": "abc123", "user": "kim"}', '{"api_key": "***", "user": "kim"}'),
        ("login --password hunter2 --user kim", "login --password *** --user kim"),
        ("login --token=abc --user=kim", "login --token=*** --user=kim"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("curl -H 'Bearer abcdef123'", "curl -H 'Bearer ***'"),
        ("postgres://kim:hunter2@db/x", "postgres://***@db/x"),
        ("key AKIAABCDEFGHIJKLMNOP ok", "key *** ok"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "***"),
        ("xoxb-123456789012-abcdef", "***"),
        ("post https://hooks.slack.com/services/T0/B0/xyz now", "post *** now"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "***"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz\n-----END RSA PRIVATE KEY-----\nok", "***\nok"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "***"),
    ],
)
def test_the_rest_of_a_text_stays(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_the_corpus_is_large() -> None:
    assert len({sample.text for sample in SECRETS}) >= 150
    assert len(set(INNOCENTS)) >= 100


@pytest.mark.parametrize("sample", SECRETS, ids=lambda sample: sample.text[:40])
def test_no_secret_is_seen(sample: Sample) -> None:
    masked = mask(sample.text)
    assert sample.secrets
    assert MASK in masked
    assert [secret for secret in sample.secrets if secret in masked] == []


@pytest.mark.parametrize("text", INNOCENTS, ids=lambda text: text[:40])
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "allow secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/token-AbCdEf",
        "registry.example.com/team/token-refresh:v12",
    ],
)
def test_names_of_secrets_are_left_where_forms_alone_count(text: str) -> None:
    assert mask_forms(text) == text


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["app", "--password", "hunter2", "--verbose"], ["app", "--password", "***", "--verbose"]),
        (["app", "--auth=a b c"], ["app", "--auth=***"]),
        (["curl", "-H", "X-Auth-Key: a b"], ["curl", "-H", "X-Auth-Key:***"]),
        (["git", "clone", "ssh://git@example.com/x"], ["git", "clone", "ssh://***@example.com/x"]),
        (["psql", "postgres://kim:a b@db/x"], ["psql", "postgres://***@db/x"]),
        (["sh", "-c", "run correct-horse"], ["sh", "-c", "run ***"]),
        (
            ["sh", "-c", "login --token abc && DB_PASSWORD=x run"],
            ["sh", "-c", "login --token *** && DB_PASSWORD=*** run"],
        ),
        # A shell's script is text, in which a value ends at a blank, as it does in a log's line.
        (["/bin/bash", "-lc", "app --user=kim:abc run"], ["/bin/bash", "-lc", "app --user=kim:*** run"]),
        (["sh", "-c", "DB_PASSWORD=abc run"], ["sh", "-c", "DB_PASSWORD=*** run"]),
        (["app", "-c", "DB_PASSWORD=a b"], ["app", "-c", "DB_PASSWORD=***"]),
        (["docker", "login", "-pa b"], ["docker", "login", "-p***"]),
        (["docker", "run", "-p", "80:80", "login"], ["docker", "run", "-p", "80:80", "login"]),
        (["psql", "postgres://u:p@s s/word@db:5432/x"], ["psql", "postgres://***@db:5432/x"]),
        (["app", "--author", "kim", "--date", "2026-01-01"], ["app", "--author", "kim", "--date", "2026-01-01"]),
        (["mysql", "-u", "root", "-pa b"], ["mysql", "-u", "root", "-p***"]),
        (
            ["sh", "-c", "mysql -pabc db && curl -u a:b https://x"],
            ["sh", "-c", "mysql -p*** db && curl -u a:*** https://x"],
        ),
        (["/usr/bin/mysql", "-pa;b c", "db"], ["/usr/bin/mysql", "-p***", "db"]),
        (["curl", "-u", "kim:a b", "https://x"], ["curl", "-u", "kim:***", "https://x"]),
        (["docker", "login", "-u", "kim", "-p", "abc"], ["docker", "login", "-u", "kim", "-p", "***"]),
        (["mysqldump", "--port", "3306", "-u", "1000:1000"], ["mysqldump", "--port", "3306", "-u", "1000:1000"]),
    ],
)
def test_a_command_is_masked_argument_by_argument(command: list[str], shown: list[str]) -> None:
    assert mask_arguments(command, {"DB_PASSWORD": "correct-horse", "PIN_TOKEN": "run", "USER": "login"}) == shown


# Pieces of what patterns look for, also in letters that only Unicode takes for the same.
PIECES = st.sampled_from(
    [
        *("-----BEGIN ", "RSA ", "PRIVATE KEY-----", "-----END ", "https://hooks.slack.com/", "://", "@", ":", "/"),
        *("xoxb-", "AKIA", "asia", "ghp_", "gh", "github_pat_", "glpat-", "sk-", "eyJ", ".", "-", "_", "=", " ", "\n"),
        *("Bearer ", "Basic ", "BASIC", "ba\u017fic ", "pas\u017fword", "to\u212aen", "secret", "API-KEY", "api__key"),
        *("Access_Key", "pr\u0130vate-key", "pr\u0131vatekey", "authorization", "credential", "passphrase", "--"),
        *("a1B2" * 5, "A1B2C3D4" * 2, "0" * 40, "Aa0/" * 10, '"', "'", ",", "\u00fc", "\u00a0"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=12).map("".join))


@settings(max_examples=examples(3000), deadline=None)
@given(text=TEXTS)
def test_no_mark_means_no_match(text: str) -> None:
    # GIVEN a text
    for pattern, marks in forms._FORMS:
        # WHEN it has no mark of a pattern THEN the pattern has nothing to mask
        assert any(mark in text for mark in marks) or compiled(pattern).search(text) is None, pattern
    assert any(len(word) >= 40 for word in text.split()) or compiled(forms._LONG).search(text) is None
    assert forms._KEY_MARK in text or compiled(forms._KEY).search(text) is None
    assert names.is_named(text) or names.mask_named(text) == text


@settings(max_examples=examples(1000), deadline=None)
@given(text=TEXTS)
def test_what_was_masked_stays_as_it_is(text: str) -> None:
    masked = mask(text)
    assert MASK in masked or masked == text


def test_a_command_without_secrets_loads_no_regular_expressions() -> None:
    # GIVEN a command as most are
    program = (
        "import sys; sys.path.insert(0, 'src'); from batchtab.masking import mask_arguments;"
        " print(mask_arguments(['python', '-m', 'reports.nightly', '--date', '2026-01-01', 's3://b/k'], {'A': 'b'}),"
        " 're' in sys.modules)"
    )
    # WHEN the runner shows it
    done = subprocess.run([sys.executable, "-IS", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    # THEN it took no time
    assert done.stdout.endswith("'s3://b/k'] False\n")


HOSTILE = [
    *(
        "token_",
        "password=",
        "pwd=1 ",
        "--token x ",
        "password='a ",
        "secret=,a",
        "password=x;a ",
        "cookie: a",
        "sig=&",
    ),
    *(
        "<password>",
        'password","value ',
        "arn:secret:",
        "Bearer a ",
        "Basic aaaaaaaa ",
        "login x ",
        "mysql -p ",
        "curl -u a:",
    ),
    *(
        "sk-",
        "eyJ-",
        "ghp_",
        "hvs.",
        "://a:",
        "a:@",
        "A1/b",
        "-----BEGIN ",
        "-----END PRIVATE KEY-----",
        "пароль",
        "\\",
    ),
    # What each program's rule looks for, and the programs' own words.
    *("curl -u ", "wget -u a", "mysql -p", "sshpass -p ", "docker login ", "docker login -p", "az login -p"),
    *("redis-cli -a ", "zip -P ", "ldapsearch -w ", "smbclient -U a%", "lftp -u a,", "openssl -pass pass:"),
    *("sqlplus a/", "htpasswd -b a a ", "-u a:", "configure set token", "requirepass ", "PASSWORD x\n", "ENV "),
    *(
        "token[",
        "\u0130token=",
        "token ",
        "token: x y ",
        "password:\n ",
        "('token', '",
        "token=${",
        "token=***",
        "token=/etc/",
        "token=<",
        "-----END PRIVATE KEY-----token=",
        "//a:",
        ":thin:a/",
        "://a:b?",
    ),
    *('password=\\"', "--", "a=", "{", "[", "%3D", "secret[", "token \n", '"', "'"),
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("before", ["", "password=", "http://", "mysql ", "token"])
def test_twice_the_text_takes_twice_the_time(piece: str, before: str) -> None:
    # GIVEN a text that is made of what patterns look for, and one that is four times as long
    once = before + piece * (4000 // len(piece))

    # WHEN both are masked, the short one as often as its length asks for
    def measured() -> tuple[float, float]:
        short = min(_seconds(once, 4) for _ in range(3))
        return min(_seconds(before + piece * (16_000 // len(piece)), 1) for _ in range(3)), short

    # THEN a character of the long one takes no longer; a square would take four times as long, each time
    assert any(long <= 2.5 * short + 0.002 for long, short in (measured() for _ in range(5)))


def _seconds(text: str, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        mask(text)
    return time.process_time() - began


@settings(max_examples=examples(500), deadline=None)
@given(texts=st.lists(TEXTS, max_size=4), program=st.sampled_from(["mysql", "curl", "sshpass", "docker", "app"]))
def test_a_command_keeps_its_number_of_arguments(texts: list[str], program: str) -> None:
    assert len(mask_arguments([program, *texts], {})) == 1 + len(texts)


def test_what_parts_arguments_may_be_in_one() -> None:
    assert mask_arguments(["mysql", f"a{commands.SEPARATOR}b"], {}) == ["mysql", f"a{commands.SEPARATOR}b"]
