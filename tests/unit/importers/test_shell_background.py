"""Work in the background would end with a container's main program: it is brought to the front or reported."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.unit.importers.test_shell_command import read


@pytest.mark.parametrize(
    ("text", "argv", "taken"),
    [
        ("a &", ["a"], "&"),
        ("/opt/job& ", ["/opt/job"], "&"),
        ("(sleep 5; /opt/y.sh) &", ["sh", "-c", "(sleep 5; /opt/y.sh)"], "&"),
        ("(a) > /dev/null 2>&1 &", ["sh", "-c", "(a)"], "&"),
        ("{ a; b; } & disown -h", ["sh", "-c", "{ a; b; }"], "& disown -h"),
        ("cd /srv && /opt/w.sh & disown", ["sh", "-c", "cd /srv && /opt/w.sh"], "& disown"),
        ("nohup a >/dev/null 2>&1 & exit 0", ["a"], "& exit 0"),
        ("a & echo $! > /run/a.pid", ["a"], "& echo $! > /run/a.pid"),
        ("setsid a < /dev/null &", ["sh", "-c", "a < /dev/null"], "&"),
        ("cd /srv && nohup ./a & # why", ["sh", "-c", "cd /srv && ./a"], "&"),
        ("su - joe -c 'a &'", ["a"], "&"),
        ("flock -n /l -c '(a; b) & disown'", ["sh", "-c", "{ (a; b); }"], "& disown"),
        ("if a; then b; fi &", ["sh", "-c", "if a; then b; fi"], "&"),
    ],
)
def test_the_last_command_is_brought_to_the_front(text: str, argv: list[str], taken: str) -> None:
    command, findings = read(text)
    assert command.argv == argv
    assert [each.value for each in findings if each.field == "&"] == [taken]
    assert not findings.decisions()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a & b", "&"),
        ("a & b &", "&"),
        ("(a) & (b) &", "&"),
        ("(a &)", "&"),
        ("if true; then a & fi", "&"),
        ("for h in a b; do run $h & done", "&"),
        ("wait; for h in a b; do run $h & done", "&"),
        ("bash -c 'a &'", "&"),
        ("echo /opt/a | at now", "at"),
        ("at -f /a now + 5 min", "at"),
        ("batch < /a", "batch"),
        ("screen -dmS name /opt/a", "screen"),
        ("screen -d -m /opt/a", "screen"),
        ("sudo screen -dm /opt/a", "screen"),
        ("cd /srv && /usr/bin/screen -dm ./a", "screen"),
        ("if true; then screen -dmS name a; fi", "screen"),
        ("tmux new-session -d -s name /opt/a", "tmux"),
        ("tmux new -ds name /opt/a", "tmux"),
        ("systemd-run --unit=a /opt/a", "systemd-run"),
        ("start-stop-daemon --start --background --exec /a", "start-stop-daemon"),
        ("start-stop-daemon -S -b -x /a", "start-stop-daemon"),
        ("docker run -d image", "docker"),
        ("daemonize /opt/a", "daemonize"),
    ],
)
def test_what_else_is_left_behind_is_for_a_person(text: str, field: str) -> None:
    _, findings = read(text)
    (decision,) = findings.decisions()
    assert decision.field == field
    assert decision.todo


@pytest.mark.parametrize(
    "text",
    [
        "a & b & wait",
        "a & wait $!",
        "for h in a b; do run $h & done; wait",
        "curl 'http://x/?a=1&b=2'",
        "if a; then curl 'http://x/?a=1&b=2' 2>&1; fi",
        "if a; then echo $((1 & 2)) \\& b >&2; fi # c & d",
        "a &>/dev/null",
        "a && b || c",
        "systemd-run --scope a",
        "start-stop-daemon --start --exec /a",
        "screen -ls",
        "tmux ls",
        "at -l",
        "setsid -f a",
    ],
)
def test_what_waits_needs_no_decision(text: str) -> None:
    _, findings = read(text)
    assert not findings.decisions()
    assert not [each for each in findings if each.field == "&"]


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.parametrize("text", ["(sleep 0.3; touch {done}) &", "cd / && {{ sleep 0.3; touch {done}; }} & true"])
def test_the_work_is_done_when_the_command_ends(text: str, tmp_path: Path) -> None:
    done = tmp_path / "done"
    command, _ = read(text.format(done=done))
    begun = time.monotonic()
    subprocess.run(command.argv, check=True, timeout=120)
    assert done.exists()
    assert time.monotonic() - begun >= 0.3
