"""Shell commands of crontabs and services: what becomes a list of words, a field, or a script of `sh -c`."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchtab.importers.findings import Findings, Recorder
from batchtab.importers.kinds.shell import command as shell_command
from batchtab.importers.kinds.shell.command import Command
from batchtab.importers.kinds.shell.words import NotSimpleError, parse


def read(text: str, **options: str) -> tuple[Command, Findings]:
    """A command, and what was found."""
    recorder = Recorder(Findings())
    return shell_command.read(text, recorder, **options), recorder.findings


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("/usr/bin/report 'a b' \"c\" d\\ e", ["/usr/bin/report", "a b", "c", "d e"]),
        ("report --of $HOME", ["sh", "-c", "report --of $HOME"]),
        ("report *.csv", ["sh", "-c", "report *.csv"]),
        ("report ~/x", ["sh", "-c", "report ~/x"]),
        ("report {a,b}", ["sh", "-c", "report {a,b}"]),
        ("cd /srv && ./report", ["sh", "-c", "cd /srv && ./report"]),
        ("a; b || c", ["sh", "-c", "a; b || c"]),
        ("a | b", ["sh", "-c", "a | b"]),
        ("report ''", ["sh", "-c", "report ''"]),
        ("[ -x /a ]", ["[", "-x", "/a", "]"]),
        ("if true; then a; fi", ["sh", "-c", "if true; then a; fi"]),
        (". /etc/profile", ["sh", "-c", ". /etc/profile"]),
        ("a 'open", ["sh", "-c", "a 'open"]),
        ("find . -name '*.log' -exec rm {} \\;", ["find", ".", "-name", "*.log", "-exec", "rm", "{}", ";"]),
        ("a # why", ["a"]),
        ("a &", ["a"]),
    ],
)
def test_words_where_no_shell_is_needed(text: str, argv: list[str]) -> None:
    assert read(text)[0].argv == argv


@pytest.mark.parametrize(
    ("text", "argv", "fields"),
    [
        ("a >/dev/null 2>&1", ["a"], ["output"]),
        ("a &>/dev/null", ["a"], ["output"]),
        ("a >> /var/log/a.log 2>&1", ["a"], ["output"]),
        ("a 2>&1 | logger -t a", ["a"], ["output", "output"]),
        ("a | tee -a /var/log/a.log", ["a"], ["output"]),
        ("a > /srv/out.csv 2>/dev/null", ["sh", "-c", "a > /srv/out.csv"], ["output", "file"]),
        ("a 2>/dev/null | b", ["sh", "-c", "a 2>/dev/null | b"], []),
        ("a < /srv/in.csv", ["sh", "-c", "a < /srv/in.csv"], []),
        ("nice -n 19 ionice -c3 a", ["a"], ["nice", "ionice"]),
        ("sudo -u www-data a", ["a"], ["sudo"]),
        ("sudo -E X=1 a", ["a"], ["sudo", "environment.X"]),
        ("su - joe -c 'a b'", ["a", "b"], ["su"]),
        ("su joe -s /bin/sh -c 'a b'", ["a", "b"], ["su"]),
        ("runuser -u joe -- a b", ["a", "b"], ["runuser"]),
        ("chronic a", ["a"], ["chronic"]),
        ("nohup a &", ["a"], ["&", "nohup"]),
        ("/usr/bin/env LEVEL=3 a", ["a"], ["environment.LEVEL"]),
        ("env -i a", ["env", "-i", "a"], []),
        ("timeout 20 a", ["timeout", "20", "a"], []),
        ("a && curl -fsS https://hc-ping.com/1", ["a"], ["heartbeat"]),
        ("curl https://hc-ping.com/1/start; a; curl https://hc-ping.com/1/$?", ["a"], ["heartbeat"]),
        ("a | curl --data-binary @- https://hc-ping.com/1", ["a"], ["heartbeat"]),
        ("a || curl https://nosnch.in/1", ["a"], ["heartbeat"]),
        ("runitor -uuid 1 -- a", ["a"], ["heartbeat"]),
        ("[ -x /a ] && [ -d /b ] && a", ["sh", "-c", "[ -x /a ] || exit 0; [ -d /b ] || exit 0; a"], ["test", "test"]),
        ("[ -x /a ] || a", ["sh", "-c", "[ -x /a ] || a"], []),
        ("docker run --rm a", ["docker", "run", "--rm", "a"], ["docker"]),
        ("run-parts /etc/cron.daily", ["run-parts", "/etc/cron.daily"], ["run-parts"]),
        ("test -x /a || ( run-parts /b )", ["sh", "-c", "test -x /a || ( run-parts /b )"], ["run-parts"]),
        ("a | mail -s x y@z", ["sh", "-c", "a | mail -s x y@z"], ["mail"]),
        ("systemctl restart a", ["systemctl", "restart", "a"], ["systemctl"]),
        ("a; flock -n /l b", ["sh", "-c", "a; flock -n /l b"], ["lock"]),
        ("(flock -n 9; a) 9>/l", ["sh", "-c", "(flock -n 9; a) 9>/l"], ["lock"]),
        ("if a; then curl https://hc-ping.com/1; fi", None, ["heartbeat"]),
    ],
)
def test_what_is_taken_out_or_reported(text: str, argv: list[str] | None, fields: list[str]) -> None:
    command, findings = read(text)
    assert command.argv == (argv or ["sh", "-c", text])
    assert [each.field for each in findings if each.field != "command"] == fields
    assert [each.field for each in findings][-1] == "command"


@pytest.mark.parametrize(
    ("text", "settings", "lock"),
    [
        ("flock -n /l a", {"concurrency_policy": "forbid"}, "/l"),
        ("flock -xn /l a", {"concurrency_policy": "forbid"}, "/l"),
        ("flock --nonblock -E 0 /l -c 'a'", {"concurrency_policy": "forbid"}, "/l"),
        ("flock -w 0 /l a", {"concurrency_policy": "forbid"}, "/l"),
        ("flock /l a", {"concurrency_policy": "queue"}, "/l"),
        ("flock -w 300 /l a", {"concurrency_policy": "queue", "starting_deadline_seconds": 300}, "/l"),
        ("flock --timeout=300 /l a", {"concurrency_policy": "queue", "starting_deadline_seconds": 300}, "/l"),
        ("flock -w5 /l a", {"concurrency_policy": "queue"}, "/l"),
        ("flock -s /l a", {}, "/l"),
        ("setlock -n /l a", {"concurrency_policy": "forbid"}, "setlock -n /l"),
        ("setlock /l a", {"concurrency_policy": "queue"}, "setlock /l"),
        ("run-one a", {"concurrency_policy": "forbid"}, ""),
        ("lockrun --lockfile=/l -- a", {"concurrency_policy": "forbid"}, "lockrun --lockfile=/l --"),
        ("timeout 30m a", {"timeout_seconds": 1800}, ""),
        ("timeout -k 10 --signal=TERM 1.5h a", {"timeout_seconds": 5400}, ""),
        ("timeout 1h timeout 10m a", {"timeout_seconds": 600}, ""),
        ("flock -n /l timeout 2h nice a", {"concurrency_policy": "forbid", "timeout_seconds": 7200}, "/l"),
        ("sleep $((RANDOM % 600)); a", {"flexible_window_minutes": 10}, ""),
    ],
)
def test_fields_that_a_command_says(text: str, settings: dict[str, Any], lock: str) -> None:
    command, _ = read(text)
    assert (command.argv, command.settings, command.lock) == (["a"], settings, lock)


def test_a_command_within_a_command() -> None:
    # GIVEN a lock around a text, with a folder before and a redirection behind it
    command, findings = read("cd /srv && flock -n /l -c 'timeout 5m ./a && b' > /srv/x.csv")
    assert command.argv == ["sh", "-c", "cd /srv && { timeout 5m ./a && b; } > /srv/x.csv"]
    assert command.settings == {"concurrency_policy": "forbid"}
    assert [each.field for each in findings.decisions()] == ["file"]
    # AND with more than one level
    assert read("su - x -c \"flock -n /l -c 'a b'\"")[0].argv == ["a", "b"]


def test_standard_input_is_a_pipe() -> None:
    assert read("a", stdin="x'y\n")[0].argv == ["sh", "-c", "printf %s 'x'\"'\"'y\n' | a"]
    script = read("cat; wc -l", stdin="x\ny\n")[0].argv
    assert subprocess.run(script, capture_output=True, text=True, check=True).stdout == "x\ny\n0\n"


def test_the_shell_in_force() -> None:
    assert read("a | b", **{"shell": "/bin/bash"})[0].argv == ["/bin/bash", "-c", "a | b"]


@pytest.mark.parametrize(
    "text",
    [
        "mysqldump --password=hunter2hunter2 db",
        "curl -H 'Authorization: Bearer abcdefghijklmnop123456' https://example.com",
        "API_TOKEN=abcdef0123456789 a",
        "a && DB_PASSWORD=hunter2hunter2 b",
    ],
)
def test_a_secret_is_nowhere(text: str) -> None:
    command, findings = read(text)
    assert findings.decisions()
    for secret in ("hunter2hunter2", "abcdefghijklmnop123456", "abcdef0123456789"):
        assert secret not in repr(command)
        assert not any(secret in each.shown for each in findings)


def test_the_key_of_a_heartbeat_is_nowhere() -> None:
    for text in ("a && curl https://hc-ping.com/1a2b", "runitor -uuid 7e0c4d64-0001-4000-8000-000000000003 -- a"):
        command, findings = read(text)
        assert command.argv == ["a"]
        assert not any(key in each.shown for each in findings for key in ("1a2b", "7e0c4d64"))


@example(["{,}", "{1..3}"])
@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1), min_size=1))
def test_quoted_words_stay_as_they_are(words: list[str]) -> None:
    (item,) = parse(f"x {shlex.join(words)}").items
    assert [each.value for each in item.pipeline[0].words] == ["x", *words]


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    try:
        line = parse(text)
    except NotSimpleError:
        pass
    else:
        # What was read, written and read again is the same.
        assert not line.items or parse(line.text).text == line.text
    assert read(text)[0].argv


def test_an_entry_that_only_pings_a_monitor_stays_and_each_ping_is_reported_once() -> None:
    command, findings = read("curl -fsS https://hc-ping.com/abc")
    assert command.argv == ["curl", "-fsS", "https://hc-ping.com/abc"]
    assert [(each.field, each.note.partition(":")[0]) for each in findings.decisions()] == [("heartbeat", "stays")]
    command, findings = read("/a && curl https://hc-ping.com/abc || curl https://hc-ping.com/abc/fail")
    assert command.argv == ["/a"]
    assert [each.field for each in findings.decisions()] == ["heartbeat"]


@pytest.mark.parametrize(
    ("text", "script", "taken"),
    [
        ("(cd /srv; ./a) 2>&1 | logger -t a", "(cd /srv; ./a)", "| logger -t a"),
        ("(cd /srv; ./a) >> /var/log/a.log 2>&1", "(cd /srv; ./a)", ">> /var/log/a.log 2>&1"),
        ("if a; then b; fi &> /tmp/b.log", "if a; then b; fi", "&> /tmp/b.log"),
        (
            "for i in 1; do a; done | /usr/bin/logger -t 'x y' -p user.info",
            "for i in 1; do a; done",
            "| /usr/bin/logger",
        ),
        ("(a) 2>> /var/log/x.err | logger", "(a)", "| logger"),
    ],
)
def test_what_stores_the_output_of_a_group_is_dropped(text: str, script: str, taken: str) -> None:
    command, findings = read(text)
    assert command.argv[2].startswith(script)
    assert "logger" not in command.argv[2]
    assert any(each.field == "output" and each.value.startswith(taken) for each in findings)


@pytest.mark.parametrize(
    "text",
    [
        "(a) || logger failed",
        "(a) > /srv/result.csv",
        "(a; b > /var/log/x.log)",
        "(echo 'x | logger')",
        "(a) # > /var/log/x",
    ],
)
def test_what_does_more_than_store_the_output_stays(text: str) -> None:
    command, _ = read(text)
    assert command.argv == ["sh", "-c", text]


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("(a) || logger failed", "logger"),
        ("if a; then b; else logger failed; fi", "logger"),
        ("for i in 1; do a; done | mail -s x y@example.com", "mail"),
        ("if a; then systemctl restart b; fi", "systemctl"),
        ("(cd /srv && docker run x)", "docker"),
        ("(cd / && run-parts /etc/x)", "run-parts"),
    ],
)
def test_a_person_is_asked_about_programs_within_groups(text: str, program: str) -> None:
    _, findings = read(text)
    assert [each.field for each in findings.decisions()] == [program]
