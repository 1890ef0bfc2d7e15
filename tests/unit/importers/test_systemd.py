"""systemd's timers and services: each setting, and what of it becomes which field."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.importing import Result
from batchtab.importers.kinds.systemd import known, units
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

#: What the command line says of the machine.
MACHINE = Options(image="ghcr.io/team/machine:1", is_zone_given=True)
TIMER = """\
[Unit]
Description=Timer of backups
[Timer]
OnCalendar=Mon..Fri 22:30 Europe/Berlin
OnCalendar=Sat,Sun 20:00 Europe/Berlin
RandomizedDelaySec=30min
Persistent=true
OnBootSec=10min
[Install]
WantedBy=timers.target
"""
SERVICE = """\
[Unit]
Description=Backup of %i
Requires=postgresql.service
OnFailure=notify@%n.service
[Service]
Type=oneshot
User=backup
WorkingDirectory=/srv/backup
Environment="TARGET=s3://bucket/%i" LEVEL=3
Environment=API_TOKEN=abcdef0123456789
EnvironmentFile=-/etc/default/backup
ExecStartPre=/usr/bin/check --fast
ExecStart=/usr/local/bin/backup --to ${TARGET} \\
    --level $LEVEL $EXTRA
TimeoutStartSec=1h 30min
MemoryMax=3G
CPUQuota=150%
Nice=10
Restart=on-failure
StartLimitBurst=3
ProtectSystem=strict
StateDirectory=backup
"""


def imported(*texts: tuple[str, str], is_proven: bool = True, **options: Any) -> Result:
    """The import of units: name and text each."""
    files = [SourceFile(Path(name), text) for name, text in texts]
    return importing.run(
        "crontab", files, replace(MACHINE, **options), since=sources.SINCE, years=1, is_proven=is_proven, command="x"
    )


def one(timer: str, service: str = "", **options: Any) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """A job of lines of a timer and of its service: its fields, its findings, and the fields that need a person."""
    result = imported(
        ("a.timer", f"[Timer]\n{timer}\n"), ("a.service", f"[Service]\nExecStart=/bin/a\n{service}\n"), **options
    )
    findings = result.imported.findings.of_job("a")
    assert all(each.is_expected for each in result.proven)
    fields = {each.field: f"{each.fate}: {each.note}" for each in findings}
    return sources.jobs(result)["a"], fields, [each.field for each in findings if each.todo]


def test_a_template_with_an_instance() -> None:
    result = imported(("backup@home.timer", TIMER), ("backup@.service", SERVICE))
    jobs = sources.jobs(result)
    assert jobs["backup-home"] == {
        "description": "Backup of home",
        "command": [
            "sh",
            "-c",
            "cd /srv/backup && /usr/bin/check --fast && /usr/local/bin/backup --to s3://bucket/home --level 3 $EXTRA",
        ],
        "schedule": "30 22 * * MON-FRI",
        "timezone": "Europe/Berlin",
        "concurrency_policy": "forbid",
        "vcpus": 2,
        "memory_mib": 4096,
        "timeout_seconds": 5400,
        "attempts": 3,
        "flexible_window_minutes": 30,
    }
    assert jobs["backup-home-2"]["schedule"] == "0 20 * * SAT,SUN"
    assert result.imported.defaults["environment"] == {"TARGET": "s3://bucket/home", "LEVEL": "3"}
    assert [(each.fires.jobs, each.fires.jitter_seconds) for each in result.proven] == [
        (("backup-home", "backup-home-2"), 1800)
    ]
    assert [each.field for each in result.imported.findings.decisions()] == [
        "Service.Environment.API_TOKEN",
        "Service.EnvironmentFile",
        "Unit.Requires",
        "Service.StateDirectory",
    ]
    assert "abcdef0123456789" not in sources.outcome(result)


def test_no_line_is_without_effect() -> None:
    files = {"backup@home.timer": TIMER, "backup@.service": SERVICE}
    whole = sources.outcome(imported(*files.items(), is_proven=False))
    for name, text in files.items():
        for what, changed in _without_one(text):
            try:
                result = imported(*{**files, name: changed}.items(), is_proven=False)
            except UsageError:
                continue
            assert sources.outcome(result) != whole, what


def _without_one(text: str) -> Iterator[tuple[str, str]]:
    lines = text.splitlines()
    for at, line in enumerate(lines):
        yield line, "\n".join([*lines[:at], *lines[at + 1 :]])


@pytest.mark.parametrize(
    ("timer", "fields"),
    [
        ("OnCalendar=daily", {"schedule": "0 0 * * *"}),
        ("OnCalendar=06:00\nOnCalendar=18:00", {"schedule": "0 6,18 * * *"}),
        ("OnCalendar=06:00\nOnCalendar=\nOnCalendar=18:00", {"schedule": "0 18 * * *"}),
        ("OnUnitActiveSec=15min\nOnBootSec=1min", {"schedule": "rate(15 minutes)"}),
        ("OnUnitActiveSec=1h", {"schedule": "rate(1 hour)"}),
        ("OnUnitActiveSec=2days", {"schedule": "rate(2 days)"}),
        ("OnCalendar=hourly\nRandomizedDelaySec=2h", {"schedule": "0 * * * *", "flexible_window_minutes": 60}),
        ("OnCalendar=hourly\nRandomizedDelaySec=90", {"schedule": "0 * * * *", "flexible_window_minutes": 2}),
        ("OnCalendar=hourly\nRandomizedDelaySec=5s", {"schedule": "0 * * * *"}),
        ("OnCalendar=hourly\nAccuracySec=1us\nWakeSystem=true\nPersistent=true", {"schedule": "0 * * * *"}),
    ],
)
def test_timers(timer: str, fields: dict[str, Any]) -> None:
    job, _, todo = one(timer)
    assert job == {"command": ["/bin/a"], "concurrency_policy": "forbid", **fields}
    assert not todo


@pytest.mark.parametrize(
    ("timer", "field", "note"),
    [
        ("OnBootSec=5min", "Timer.OnBootSec", "no machine boots"),
        ("OnStartupSec=5min", "Timer.OnStartupSec", "no machine boots"),
        ("OnActiveSec=5min", "Timer.OnActiveSec", "counts once"),
        ("OnUnitInactiveSec=5min", "Timer.OnUnitInactiveSec", "counts from the end"),
        ("OnUnitActiveSec=90s", "Timer.OnUnitActiveSec", "not a whole number of minutes"),
        ("OnCalendar=*:*:0/10", "Timer.OnCalendar", "has seconds"),
        ("OnCalendar=never", "Timer.OnCalendar", "systemd refuses it"),
        ("OnCalendar=*-02-30", "Timer.OnCalendar", "never happens"),
        ("Persistent=true", "Timer", "has no time"),
        ("OnCalendar=daily\nOnUnitActiveSec=1h", "Timer.OnUnitActiveSec", "a job has one schedule"),
        ("OnCalendar=daily\nOnSun=1", "Timer.OnSun", "does not know"),
        ("OnCalendar=daily\nRandomizedDelaySec=soon", "Timer.RandomizedDelaySec", "not a time span"),
    ],
)
def test_what_of_a_timer_needs_a_person(timer: str, field: str, note: str) -> None:
    _, fields, todo = one(timer)
    assert note in fields[field]
    assert field in todo


@pytest.mark.parametrize(
    ("service", "fields"),
    [
        ("Environment=A=1 'B=x y'", {"environment": {"A": "1", "B": "x y"}}),
        ("User=1000", {"user": "1000"}),
        ("User=joe", {}),
        ("WorkingDirectory=/srv/my app", {"command": ["sh", "-c", "cd '/srv/my app' && /bin/a"]}),
        ("Type=oneshot\nTimeoutStartSec=2h", {"timeout_seconds": 7200}),
        ("Type=oneshot\nTimeoutStartSec=10", {"timeout_seconds": 60}),
        ("Type=oneshot\nTimeoutStartSec=infinity", {}),
        ("Type=oneshot\nRuntimeMaxSec=1h", {}),
        ("RuntimeMaxSec=1h", {"timeout_seconds": 3600}),
        ("TimeoutStartSec=1h", {}),
        ("MemoryMax=512M", {"vcpus": 1, "memory_mib": 2048}),
        ("MemoryMax=512M\nCPUQuota=20%", {"vcpus": 0.25, "memory_mib": 512}),
        ("MemoryMax=50%\nCPUQuota=x", {}),
        ("Restart=on-failure", {"attempts": 5}),
        ("Restart=on-failure\nStartLimitBurst=20", {"attempts": 10}),
        ("Restart=on-failure\nStartLimitBurst=3\nRestartSec=1", {"attempts": 3}),
        ("Restart=no", {}),
        ("ExecStart=\nExecStart=/bin/b", {"command": ["/bin/b"]}),
        ("ExecStart=/bin/b", {"command": ["sh", "-c", "/bin/a && /bin/b"]}),
        ("ExecStart=\nExecStart=-/bin/b", {"command": ["sh", "-c", "/bin/b || true"]}),
        ("ExecStart=\nExecStart=@/bin/b name x", {"command": ["/bin/b", "x"]}),
        ("ExecStart=\nExecStart=+/bin/b", {"command": ["/bin/b"]}),
        ("ExecStart=\nExecStart=/bin/sh -c 'a $$B | c'", {"command": ["/bin/sh", "-c", "a $B | c"]}),
        ("ExecStart=\nExecStart=/bin/b ; /bin/c \\;", {"command": ["sh", "-c", "/bin/b && /bin/c ';'"]}),
        ("ExecStart=\nExecStart=/bin/b %n %p %%", {"command": ["/bin/b", "a.service", "a", "%"]}),
        ("ExecStart=\nExecStart=/bin/b ${X}y $Z", {"command": ["sh", "-c", '/bin/b "${X}"y $Z']}),
        ("ExecStart=\nExecStart=:/bin/b ${X}", {"command": ["/bin/b", "${X}"]}),
        ("Environment=X='1 2'\nExecStart=\nExecStart=/bin/b ${X} $X", {"environment": {"X": "1 2"}}),
        ("ExecStartPre=-/bin/b", {"command": ["sh", "-c", "{ /bin/b || true; } && /bin/a"]}),
        ("ExecCondition=/bin/b", {"command": ["sh", "-c", "/bin/b || exit 0; /bin/a"]}),
        ("Type=oneshot\nExecStartPost=/bin/b", {"command": ["sh", "-c", "/bin/a && /bin/b"]}),
        ("ExecStart=\nExecStart=/usr/bin/flock -n /l /usr/bin/nice /bin/b", {"command": ["/bin/b"]}),
        ("StandardOutput=append:/var/log/a.log\nNice=5\nPrivateTmp=yes\nLimitNOFILE=5\nKillMode=process", {}),
    ],
)
def test_services(service: str, fields: dict[str, Any]) -> None:
    job, _, todo = one("OnCalendar=daily", service)
    wanted = {"command": ["/bin/a"], "schedule": "0 0 * * *", "concurrency_policy": "forbid", **fields}
    if "$X" in service:
        wanted["command"] = ["/bin/b", "1 2", "1", "2"]
    assert job == wanted
    assert not todo


@pytest.mark.parametrize(
    ("service", "field"),
    [
        ("EnvironmentFile=/etc/default/a", "Service.EnvironmentFile"),
        ("Restart=on-failure\nStartLimitBurst=3\nRestartSec=30", "Service.Restart"),
        ("Environment=DB_PASSWORD=hunter2hunter2", "Service.Environment.DB_PASSWORD"),
        ("SetCredential=key:hunter2hunter2", "Service.SetCredential"),
        ("LoadCredential=key:/etc/key", "Service.LoadCredential"),
        ("Type=notify", "Service.Type"),
        ("Restart=always", "Service.Restart"),
        ("RemainAfterExit=yes", "Service.RemainAfterExit"),
        ("StateDirectory=a", "Service.StateDirectory"),
        ("BindPaths=/srv", "Service.BindPaths"),
        ("RootImage=/srv/a.raw", "Service.RootImage"),
        ("SuccessExitStatus=3", "Service.SuccessExitStatus"),
        ("ExecStopPost=/bin/b", "Service.ExecStopPost"),
        ("ExecStartPost=/bin/b", "Service.ExecStartPost"),
        ("StandardOutput=file:/srv/out.csv", "Service.StandardOutput"),
        ("MemoryMax=900G", "Service.MemoryMax"),
        ("Unknown=1", "Service.Unknown"),
        ("ExecStart=\nExecStart=/bin/b %H", "Service.ExecStart.%H"),
        ("ExecStart=\nExecStart=/bin/b --password=hunter2hunter2", "Service.ExecStart"),
        ("[Unit]\nRequires=b.service", "Unit.Requires"),
        ("[Unit]\nConditionPathExists=/srv", "Unit.ConditionPathExists"),
        ("[Unit]\nOnSuccess=b.service", "Unit.OnSuccess"),
    ],
)
def test_what_of_a_service_needs_a_person(service: str, field: str) -> None:
    _, _, todo = one("OnCalendar=daily", service)
    assert todo == [field]
    timer = ("a.timer", "[Timer]\nOnCalendar=daily")
    result = imported(timer, ("a.service", f"[Service]\nExecStart=/bin/a\n{service}"))
    assert "hunter2hunter2" not in sources.outcome(result)


def test_an_hourly_timer_is_in_utc_and_the_report_does_not_contradict_its_proof() -> None:
    result = imported(("a.timer", "[Timer]\nOnCalendar=hourly Europe/Berlin"), ("a.service", "[Service]\nExecStart=/a"))
    (proven,) = result.proven
    assert [(each.cause, each.is_missing, each.count) for each in proven.differences] == [("clock change", False, 1)]
    assert "at the same times" not in result.report_text
    assert "differs 1 time, first 20" in result.report_text
    assert "The times of 1 year from" in result.report_text
    assert "in UTC there are no such times" in result.report_text


@pytest.mark.parametrize(
    ("statuses", "succeeds", "fails"),
    [("1 2", [0, 1, 2], [3, 4]), ("3", [3], [1]), ("TEMPFAIL 250 SIGKILL", [75, 250, 137], [9, 74])],
)
def test_the_advice_for_a_status_that_is_a_success_works(statuses: str, succeeds: list[int], fails: list[int]) -> None:
    _, fields, _ = one("OnCalendar=daily", f"SuccessExitStatus={statuses}")
    assert fields["Service.SuccessExitStatus"].endswith("succeeds with exit status 0 alone")
    result = imported(
        ("a.timer", "[Timer]\nOnCalendar=daily"),
        ("a.service", f"[Service]\nExecStart=/bin/a\nSuccessExitStatus={statuses}"),
    )
    (todo,) = [each.todo for each in result.imported.findings if each.field.endswith("SuccessExitStatus")]
    end = todo.partition("`")[2].removesuffix("`")
    for code in [*succeeds, *fails]:
        found = subprocess.run(["sh", "-c", f"(exit {code}) {end}"], check=False).returncode
        assert found == (code if code in fails else 0)


def test_an_unknown_name_of_a_status_is_left_to_the_reader() -> None:
    assert "in 1|the number of CHDIR)" in str(known.left("SuccessExitStatus", "1 CHDIR"))
    assert "action: EXIT" in str(known.left("RestartPreventExitStatus", "2"))
    assert "action: RETRY" in str(known.left("RestartForceExitStatus", "2"))


def test_on_ec2_the_size_is_not_one_of_fargate() -> None:
    files = (("a.timer", "[Timer]\nOnCalendar=daily"), ("a.service", "[Service]\nExecStart=a\nMemoryMax=900M"))
    assert sources.jobs(imported(*files, is_fargate=False))["a"]["memory_mib"] == 900


def test_units_are_found_by_name() -> None:
    service = "[Service]\nExecStart=/bin/x\n"
    result = imported(
        ("a.timer", "[Timer]\nOnCalendar=daily\nUnit=x.service\n"),
        ("b.timer", "[Timer]\nOnCalendar=weekly\nUnit=x.service\n"),
        ("a.timer.d/override.conf", "[Timer]\nOnCalendar=\nOnCalendar=monthly\n"),
        ("x.service", service),
        ("y.service", service),
    )
    assert {name: each["schedule"] for name, each in sources.jobs(result).items()} == {
        "a": "0 0 1 * *",
        "b": "0 0 * * MON",
    }
    whole = {each.field: each.shown for each in result.imported.findings.of_job("")}
    assert whole["unit"] == "y.service"


def test_an_instance_that_nobody_knows() -> None:
    result = imported(("a@.timer", "[Timer]\nOnCalendar=daily"), ("a@.service", "[Service]\nExecStart=/bin/a --of %i"))
    assert sources.jobs(result)["a"]["command"] == ["/bin/a", "--of", "%i"]
    assert [each.field for each in result.imported.findings.decisions()] == ["Service.ExecStart.%i"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("a.timer", "[Timer]\nOnCalendar=daily")], r"starts a.service, which is not among the files"),
        ([("a.service", "[Service]\nExecStart=a")], "has no entry"),
        ([("a.timer", ""), ("a.service", "")], "ExecStart|is missing"),
        ([("a.timer", "\0")], "is not text"),
    ],
)
def test_without_a_job_it_is_one_line(files: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        imported(*files)


@pytest.mark.parametrize(
    "text",
    [
        "[Timer]\nOnCalendar=" + "9" * 5000,
        "[Timer]\nOnCalendar=*-*-* *:0/" + "9" * 5000,
        "[Timer]\nOnUnitActiveSec=" + "9" * 400,
        "[Timer]\nOnCalendar=daily\nRandomizedDelaySec=" + "9" * 12 + "y",
        "[Timer\nOnCalendar=daily\n=\n==\n[]\n\\\n\\",
        "[Timer]\nOnCalendar=daily\n" + "A=\\\n" * 3000,
        "[Timer]\nOnCalendar=日本\n\u202e=1",
    ],
)
def test_broken_units(text: str) -> None:
    result = imported(("a.timer", text), ("a.service", "[Service]\nExecStart=/bin/a\n"))
    assert "a" in sources.jobs(result)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"""A=1 "B=c d" 'E=f "g"' """, ["A=1", "B=c d", 'E=f "g"']),
        (r"h\x20i \s \t", ["h i", " ", "\t"]),
        (r'"x\"y" z', ['x"y', "z"]),
        (r"a \; b", ["a", "\\;", "b"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert units.words(text) == words


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1h 30min", 5400),
        ("5min20s", 320),
        ("1.5h", 5400),
        ("100ms", 0.1),
        ("1w", 604_800),
        ("1M", 2_629_800),
        ("1m", 60),
        ("infinity", float("inf")),
        ("", None),
        ("soon", None),
        ("1 fortnight", None),
        ("5 min x", None),
    ],
)
def test_time_spans(text: str, seconds: float | None) -> None:
    assert units.seconds(text) == (pytest.approx(seconds) if seconds is not None else None)
