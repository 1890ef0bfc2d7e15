"""A secret shows at none of the three doors: the plan's comment, the runner's log line, the alert."""

from __future__ import annotations

import json

import pytest
from tests.unit.masking_corpus import INNOCENTS, SECRETS, Sample

from batchtab.errors import printable
from batchtab.plan_review.container import Container
from batchtab.runner.lines import shown
from job_alerts.redaction import redact
from job_alerts.text import log_lines

# Put together, so that nothing in this file looks like a secret: what is before it, it, and what is after it.
SAMPLES = {
    "JWT": ("token is ", "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "abcdefghijklmnop", ""),
    "GitHub, fine-grained": ("", "github" + "_pat_" + "A1" * 20, ""),
    "GitHub, classic": ("git clone https://x/", "gh" + "p_" + "a1" * 18, ".git"),
    "GitLab": ("", "glpat-" + "a1B2" * 6, " x"),
    "sk": ("", "sk-" + "a1B2" * 8, ""),
    "bearer": ("curl -H 'Authorization: Bearer ", "abcdef0123456789abcdef", "'"),
    "basic": ("curl -H 'x: Basic ", "dXNlcjpwYXNz" + "d29yZA==", "'"),
    "Slack": ("", "xoxb-" + "123456789012-abcdefghij", ""),
    "Slack's webhook": ("curl ", "https://hooks.slack.com/" + "services/T0/B0/abcdefgh", " -d x"),
    "AWS": ("", "AKIA" + "ABCDEFGHIJKLMNOP", ""),
    "AWS, temporary": ("_", "ASIA" + "ABCDEFGHIJKLMNOP", "_"),
    "AWS's secret key": ("key ", "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYEXAMPLEKEY", ""),
    "private key": ("-----BEGIN RSA " + "PRIVATE KEY-----\n", "MIIEvQIBADAN", "\n-----END RSA PRIVATE KEY-----"),
    "URL": ("psql postgres://kim:", "correct-horse", "@db/x"),
    "variable": ("cd x && DB_PASSWORD=", "correct-horse", " run"),
    "JSON": ('{"user": "kim", "api_key": "', "correct-horse", '"}'),
    "option": ("login --user kim --access-token ", "correct-horse", ""),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_secret_shows_nowhere(name: str) -> None:
    # GIVEN a command, or a line of its log, with a secret
    before, secret, after = SAMPLES[name]
    text = before + secret + after
    command = ["sh", "-c", text]
    # WHEN it goes to a plan's comment, the runner's line and an alert, and its event to the function's log
    doors = {
        "plan": Container.read({"command": command}).command,
        "runner": json.dumps(shown(command, {})),
        "alert": "\n".join(log_lines(text.split("\n"))),
        "function's log": json.dumps(redact({"detail": {"container": {"command": command}}})),
    }
    # THEN each says that something is there, and none shows it
    assert {door for door, said in doors.items() if secret in said or "***" not in said} == set()


@pytest.mark.parametrize("sample", SECRETS, ids=lambda sample: sample.text[:40])
def test_no_secret_of_the_corpus_shows(sample: Sample) -> None:
    # GIVEN a text that is an argument of a shell, a line of a log and a value of an event
    command = ["sh", "-c", sample.text]
    # WHEN each door shows it
    doors = {
        "plan": Container.read({"command": command}).command,
        "runner": "\n".join(shown(command, {})),
        "alert": "\n".join(log_lines(sample.text.split("\n"))),
        "function's log": redact({"statusReason": sample.text})["statusReason"],
    }
    # THEN none has a secret
    assert [door for door, said in doors.items() if any(secret in said for secret in sample.secrets)] == []


@pytest.mark.parametrize("text", [*(sample.text for sample in SECRETS), *INNOCENTS], ids=lambda text: text[:40])
def test_all_doors_show_the_same(text: str) -> None:
    # GIVEN a text that is an argument of a shell, a line of a log and a value of an event
    command = ["sh", "-c", text]
    # WHEN each door shows it
    plan = Container.read({"command": command}).command
    runner = shown(command, {})[2]
    alert = "\n".join(log_lines(text.split("\n")))
    log = redact({"statusReason": text})["statusReason"]
    # THEN all show the same; the plan quotes it where it has blanks, on one line
    assert runner == alert == log
    quoted = f"'{runner}'" if any(map(str.isspace, runner)) else runner
    assert plan == printable(f"sh -c {quoted}")


def test_a_secret_of_the_environment_shows_nowhere_in_the_command() -> None:
    # GIVEN a variable whose name says that it is secret, and a command that has its value
    command = ["sh", "-c", "run correct-horse"]
    environment = {"DB_PASSWORD": "correct-horse"}
    declared = [{"name": name, "value": value} for name, value in environment.items()]
    # THEN neither the plan's comment nor the runner's line shows it
    assert shown(command, environment)[-1] == "run ***"
    assert Container.read({"command": command, "environment": declared}).command == "sh -c 'run ***'"
