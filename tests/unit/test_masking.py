"""What looks like a secret is masked, what does not is left alone, and looking for it costs little."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples

from batchtab import masking
from batchtab.masking import mask, mask_arguments, mask_forms

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
def test_what_looks_like_a_secret_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "processed 12 of 20 rows at 10:30",
        "commit 356a192b7913b04c54574d18c28d46e6395428ab",
        "GET https://example.com/path?a=1 200",
        "tokenizer loaded; secretary informed",
        "error: file not found: /data/in.csv",
    ],
)
def test_plain_text_is_left_alone(text: str) -> None:
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
        (["app", "--author", "kim", "--date", "2026-01-01"], ["app", "--author", "***", "--date", "2026-01-01"]),
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
    for pattern, marks in masking._FORMS:
        # WHEN it holds no mark of a pattern THEN the pattern has nothing to mask
        assert any(mark in text for mark in marks) or re.search(pattern, text) is None, pattern
    assert any(len(word) >= 40 for word in text.split()) or re.search(masking._AWS_KEY, text) is None
    folded = masking._folded(text)
    if not any(word in folded for word in (*masking._PLAIN_WORDS, *masking._SCHEMES)):
        assert not any(re.search(pattern, text) for pattern, _ in masking._NAMED)


@settings(max_examples=examples(1000), deadline=None)
@given(text=TEXTS)
def test_what_was_masked_stays_as_it_is(text: str) -> None:
    masked = mask(text)
    assert masking.MASK in masked or masked == text


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


@pytest.mark.parametrize(
    "text",
    [
        *("token" * 6000, "--" * 15_000 + "token", "http://" + "a:@" * 10_000, "A1/" * 10_000 + "token "),
        *("sk-" * 10_000, "eyJ" * 10_000 + ".", "-----BEGIN " * 3000, "secret=" * 5000),
    ],
    ids=lambda text: text[:8],
)
def test_a_long_text_is_masked_in_time(text: str) -> None:
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 1
