"""Crontabs: each column, variable and mark, and what of a real file becomes which field."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.importing import Result
from batchtab.importers.kinds.crontab import lines as crontab_lines
from batchtab.importers.kinds.crontab.lines import Anacron, Entry, Unread, Variable
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, read

#: What the command line says of the machine.
MACHINE = Options(image="ghcr.io/team/machine:1", is_zone_given=True)
FOLDER = Path(__file__).parents[2] / "fixtures" / "importers" / "crontab"
RICH = """\
# The machine of reports
SHELL=/bin/bash
MAILTO=ops@example.com
CRON_TZ=Europe/Berlin
RANDOM_DELAY=5
REGION=eu

# Nightly report
30 2 * * 1-5 cd /srv/app && flock -n /run/r.lock timeout 30m ./report.sh --all >> /var/log/r.log 2>&1
0 9 13 * 5 nice -n 10 /usr/bin/unlucky
LEVEL=3
15 */4 * * * /usr/bin/level --of $LEVEL # levels
@daily mail-merge -s hello%Dear all,%bye
#5 5 * * * /usr/bin/old
"""
OTHER = """\
PATH=/opt/bin:/usr/bin
HOME=/srv
TZ=Asia/Seoul
*/10 * * * * root /opt/bin/sync --fast && curl -fsS https://hc-ping.com/1234
-0~20 4 * * * backup sudo -u backup /opt/bin/backup | logger -t backup
40 1 */2 * 1 root [ -x /opt/bin/x ] && flock -w 600 /run/x.lock /opt/bin/x > /srv/x.csv
"""


def imported(text: str, **options: Any) -> Result:
    """A crontab's import."""
    return sources.imported("crontab", text, "crontab", **{"image": MACHINE.image, "is_zone_given": True, **options})


def found(result: Result, job: str = "") -> dict[str, str]:
    """The findings of a job, or of the whole file: field to fate and note."""
    return {each.field: f"{each.fate}: {each.note}" for each in result.imported.findings.of_job(job)}


def test_a_rich_crontab() -> None:
    result = imported(RICH)
    assert sources.jobs(result) == {
        "report": {
            "description": "Nightly report",
            "command": ["/bin/bash", "-c", "cd /srv/app && ./report.sh --all"],
            "schedule": "30 2 * * 1-5",
            "timezone": "Europe/Berlin",
            "concurrency_policy": "forbid",
            "timeout_seconds": 1800,
            "flexible_window_minutes": 5,
        },
        "unlucky": {
            "command": ["/usr/bin/unlucky"],
            "schedule": "0 9 13 * *",
            "timezone": "Europe/Berlin",
            "flexible_window_minutes": 5,
        },
        "unlucky-2": {
            "command": ["/usr/bin/unlucky"],
            "schedule": "0 9 * * 5",
            "timezone": "Europe/Berlin",
            "except": ["cron(0 9 13 * ? *)"],
            "flexible_window_minutes": 5,
        },
        "level": {
            "description": "levels",
            "command": ["/bin/bash", "-c", "/usr/bin/level --of $LEVEL"],
            "schedule": "15 */4 * * *",
            "timezone": "Europe/Berlin",
            "environment": {"LEVEL": "3"},
            "flexible_window_minutes": 5,
        },
        "mail-merge-hello": {
            "command": ["/bin/bash", "-c", "printf %s 'Dear all,\nbye\n' | mail-merge -s hello"],
            "schedule": "@daily",
            "timezone": "Europe/Berlin",
            "environment": {"LEVEL": "3"},
            "flexible_window_minutes": 5,
        },
    }
    assert result.imported.defaults == {
        "timeout_seconds": 86_400,
        "read_only_root_filesystem": False,
        "environment": {"REGION": "eu"},
    }
    assert [each.fires.jitter_seconds for each in result.proven] == [300] * 4
    assert all(each.is_expected for each in result.proven)
    assert not result.needs_person
    assert found(result)["commented-out entries"] == "not carried: they do not run; lines 14"
    assert found(result)["variable.MAILTO"].startswith("not carried: alerts go to")


def test_a_crontab_with_users() -> None:
    result = imported(OTHER, timezone="Asia/Seoul")
    jobs = sources.jobs(result)
    assert {name: each["command"] for name, each in jobs.items()} == {
        "sync": ["/opt/bin/sync", "--fast"],
        "backup": ["/opt/bin/backup"],
        "x": ["sh", "-c", "[ -x /opt/bin/x ] || exit 0; /opt/bin/x > /srv/x.csv"],
    }
    assert result.imported.defaults["environment"] == {"PATH": "/opt/bin:/usr/bin", "HOME": "/srv", "TZ": "Asia/Seoul"}
    assert jobs["backup"]["flexible_window_minutes"] == 20
    assert jobs["x"]["starting_deadline_seconds"] == 600
    assert jobs["x"]["except"] == ["cron(40 1 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 * ? *)"]
    assert [each.field for each in result.imported.findings.decisions()] == ["heartbeat", "file"]
    assert found(result, "backup")["user"].startswith("not carried")
    assert found(result, "backup")["-"].startswith("not carried")


@pytest.mark.parametrize("text", [RICH, OTHER])
def test_no_word_is_without_effect(text: str) -> None:
    whole = sources.outcome(_quickly(text))
    for what, changed in _without_one(text):
        with contextlib.suppress(UsageError):
            assert sources.outcome(_quickly(changed)) != whole, what


def _quickly(text: str) -> Result:
    """Without the proof: a schedule is in jobs.yaml too."""
    files = [SourceFile(Path("crontab"), text)]
    return importing.run("crontab", files, MACHINE, since=sources.SINCE, years=1, is_proven=False, command="x")


def _without_one(text: str) -> Iterator[tuple[str, str]]:
    lines = text.splitlines()
    for at, line in enumerate(lines):
        yield line, "\n".join([*lines[:at], *lines[at + 1 :]])
        words = line.split()
        # Of a comment that is no description, only the number of lines is reported.
        for index, word in enumerate(words if len(words) > 1 and "machine" not in line else []):
            shorter = " ".join([*words[:index], *words[index + 1 :]])
            yield f"{line}: {word}", "\n".join([*lines[:at], shorter, *lines[at + 1 :]])


@pytest.mark.parametrize(
    ("line", "name", "fate"),
    [
        ("MAILTO=a@b", "MAILTO", "not carried: alerts"),
        ("MAILFROM=a@b", "MAILFROM", "not carried: alerts"),
        ("LOGNAME=joe", "LOGNAME", "not carried: the job runs"),
        ("SHELL=/bin/zsh", "SHELL", "changed: commands that need a shell are run by /bin/zsh"),
        ("PATH=/usr/bin:/bin", "PATH", "not carried: the image has its own PATH"),
        ("PATH=/opt/x:/bin", "PATH", "carried: environment.PATH"),
        ("CRON_TZ=Asia/Seoul", "CRON_TZ", "carried: timezone"),
        ("CRON_TZ=KST", "CRON_TZ", "not carried: is an abbreviation"),
        ("CRON_TZ=Mars/Phobos", "CRON_TZ", "not carried: is not a time zone"),
        ("RANDOM_DELAY=30", "RANDOM_DELAY", "changed: flexible_window_minutes: 30"),
        ("RANDOM_DELAY=0", "RANDOM_DELAY", "changed: no delay"),
        ("RANDOM_DELAY=x", "RANDOM_DELAY", "not carried: is not 0 to 1440"),
        ("START_HOURS_RANGE=3-22", "START_HOURS_RANGE", "not carried: it is a setting of anacron"),
        ("TZ=Asia/Seoul", "TZ", "changed: environment.TZ"),
        ('A = "x y" ', "A", "carried: environment.A"),
        ("'A'='x'", "A", "carried: environment.A"),
        ("A=", "A", "not carried: Batch drops"),
        ("API_TOKEN=abcdef0123456789", "API_TOKEN", "not carried: looks like a secret"),
        ("AWS_BATCH_X=1", "AWS_BATCH_X", "not carried"),
    ],
)
def test_variables(line: str, name: str, fate: str) -> None:
    result = imported(f"{line}\n0 5 * * * /usr/bin/a\n")
    assert found(result)[f"variable.{name}"].startswith(fate)
    assert "abcdef0123456789" not in sources.outcome(result)


def test_a_variable_counts_for_the_lines_after_it() -> None:
    result = imported("A=1\n0 1 * * * a\nA=2\nB=3\n0 2 * * * b\nC=4\n")
    assert {name: each["environment"] for name, each in sources.jobs(result).items()} == {
        "a": {"A": "1"},
        "b": {"A": "2", "B": "3"},
    }
    assert found(result)["variable.C"] == "not carried: no entry follows it"


def test_below_cron_tz_cronies_rules_count_on_days_when_clocks_change() -> None:
    result = imported("CRON_TZ=America/New_York\n30 1 * * * /a\n30 2 * * * /b\n0 9 * * * /c\n")
    assert {each.fires.clock.engine for each in result.proven} == {"cronie"}
    missing, none, same = (each.differences for each in result.proven)
    # cronie starts 01:30 a second time, and misses the 02:30 that Scheduler skips as well.
    assert [(each.cause, each.is_missing, each.count) for each in missing] == [("clock change", True, 2)]
    assert missing[0].first == "2026-11-01T06:30Z"
    assert not none
    assert not same
    assert found(result)["cron"].startswith("changed: taken for cronie's, which knows CRON_TZ")
    assert not result.needs_person


def test_without_cron_tz_the_rules_of_debians_cron_count() -> None:
    result = imported("30 2 * * * /b\n", timezone="America/New_York")
    (found_,) = result.proven
    assert found_.fires.clock.engine == "vixie"
    assert [each.is_missing for each in found_.differences] == [True]
    assert "cron" not in found(result)


def test_an_empty_cron_tz_is_the_machines_zone() -> None:
    result = imported("CRON_TZ=Asia/Seoul\n0 5 * * * a\nCRON_TZ=\n0 6 * * * b\n", timezone="Europe/Berlin")
    assert [each["timezone"] for each in sources.jobs(result).values()] == ["Asia/Seoul", "Europe/Berlin"]
    assert [each.fires.clock.engine for each in result.proven] == ["cronie", "vixie"]


def test_to_debians_cron_what_only_cronie_knows_is_nothing() -> None:
    text = "CRON_TZ=Asia/Seoul\nRANDOM_DELAY=5\n0 5 * * * a\n10~20 6 * * * b\n~ 7 * * * c\n"
    result = imported(text, timezone="Europe/Berlin", settings={"cron": "debian"})
    jobs = sources.jobs(result)
    assert jobs["a"] == {"command": ["a"], "schedule": "0 5 * * *", "timezone": "Europe/Berlin"}
    assert jobs["b"]["schedule"] == "10 6 * * *"
    assert "schedule" not in jobs["c"]
    environment = {"TZ": "Europe/Berlin", "CRON_TZ": "Asia/Seoul", "RANDOM_DELAY": "5"}
    assert result.imported.defaults["environment"] == environment
    assert [each.fires.clock.engine for each in result.proven] == ["vixie", "vixie"]
    assert [each.field for each in result.imported.findings.decisions()] == ["schedule"]
    with pytest.raises(UsageError, match="cron=vixie is not debian, cronie or auto"):
        imported(text, settings={"cron": "vixie"})


@pytest.mark.parametrize(
    ("cron", "word", "asks"), [("debian", "a\\b", False), ("cronie", "a\\\\b", False), ("auto", "a\\\\b", True)]
)
def test_two_backslashes_are_one_to_debians_cron(cron: str, word: str, asks: bool) -> None:
    result = imported(r"0 5 * * * x 'a\\b' \%" + "\n", settings={"cron": cron})
    assert sources.jobs(result)["x-a-b"]["command"] == ["x", word, "%"]
    assert [each.field for each in result.imported.findings.decisions()] == (["backslashes"] if asks else [])


def test_a_line_does_not_go_on_in_the_next_one() -> None:
    result = imported("0 5 * * * /a --b \\\n  --c\n")
    assert [each.field for each in result.imported.findings.decisions()] == ["line end", "line"]


def test_tabs_and_signs_of_percent_in_quotes() -> None:
    result = imported("0\t5 *\t*  *\troot\t/usr/bin/a 'b\tc'\n5 5 * * *\troot /usr/bin/b '50%off'\n")
    jobs = sources.jobs(result)
    assert jobs["a-b-c"]["command"] == ["/usr/bin/a", "b\tc"]
    # Quotes mean nothing to cron: the command ends at the sign, within the quotes.
    assert jobs["b"]["command"][:2] == ["sh", "-c"]
    assert jobs["b"]["command"][2].endswith("/usr/bin/b '50\n}")


def test_an_unknown_zone_leaves_the_schedule_to_a_person() -> None:
    result = imported("CRON_TZ=Nowhere\n0 5 * * * a\n")
    assert "schedule" not in sources.jobs(result)["a"]
    assert [each.field for each in result.imported.findings.decisions()] == ["variable.CRON_TZ", "schedule"]


@pytest.mark.parametrize(
    ("entry", "window", "jitter"),
    [
        ("RANDOM_DELAY=45\n0 * * * * a", 45, 2700),
        ("RANDOM_DELAY=45\n*/15 * * * * a", 15, 2700),
        ("RANDOM_DELAY=5\n0~20 4 * * * sleep $((RANDOM \\% 120)); a", 27, 1620),
    ],
)
def test_delays_by_chance_are_one_window(entry: str, window: int, jitter: int) -> None:
    result = imported(entry)
    assert sources.jobs(result)["a"]["flexible_window_minutes"] == window
    assert [each.fires.jitter_seconds for each in result.proven] == [jitter]


def test_percent_signs() -> None:
    def parts(text: str) -> tuple[str, str]:
        (line,) = crontab_lines.parse(f"* * * * * {text}", has_users=False).lines
        assert isinstance(line, Entry)
        return line.command, line.stdin

    assert parts(r"date +\%F") == ("date +%F", "")
    assert parts("cat%a%b") == ("cat", "a\nb\n")
    assert parts(r"cat%a\%b%") == ("cat", "a%b\n")
    assert parts(r"a\\%b") == ("a\\\\", "b\n")


def test_shared_locks_are_for_a_person() -> None:
    result = imported("0 1 * * * flock -n /run/l a\n0 2 * * * flock -n /run/l b\n0 3 * * * flock -n /run/m c\n")
    decisions = result.imported.findings.decisions()
    assert [(each.job, each.field) for each in decisions] == [("a", "lock"), ("b", "lock")]
    assert decisions[0].note.startswith("b has the same lock")


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("/etc/crontab", "0 5 * * * deploy run", (True, True)),
        ("/etc/cron.d/x", "0 5 * * * deploy run", (True, True)),
        ("/var/spool/cron/crontabs/joe", "0 5 * * * root /x", (False, True)),
        ("x", "0 5 * * * root /usr/bin/x", (True, True)),
        ("x", "0 5 * * * deployer /usr/bin/x", (True, False)),
        ("x", "0 5 * * * /usr/bin/x y", (False, True)),
        ("x", "0 5 * * * python3 x.py", (False, True)),
        ("x", "0 5 * * * root", (False, True)),
        ("x", "@daily www-data php x", (True, True)),
    ],
)
def test_whether_the_sixth_column_is_a_user(path: str, line: str, expected: tuple[bool, bool]) -> None:
    assert crontab_lines.has_users(Path(path), f"A=1\n# x\n{line}\n") == expected


def test_the_column_of_users_may_be_said() -> None:
    text = "0 5 * * * deployer /usr/bin/x\n"
    assert [each.field for each in imported(text).imported.findings.decisions()] == ["user-column"]
    said = imported(text, settings={"user-column": "no"})
    assert sources.jobs(said)["deployer-x"]["command"] == ["deployer", "/usr/bin/x"]
    assert not said.needs_person
    with pytest.raises(UsageError, match="user-column=maybe is not yes, no or auto"):
        imported(text, settings={"user-column": "maybe"})


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("1 5 cron.daily nice run-parts /etc/cron.daily", Anacron),
        ("@monthly 45 cron.monthly run-parts /x", Anacron),
        ("@daily /usr/bin/x", Entry),
        ("0 0 12 * * * /usr/bin/x", Unread),
        ("0 0 12 * * *\t/usr/bin/x", Unread),
        ("*/5 * * * *", Unread),
        ("hello world", Unread),
        ("A=b c", Variable),
        ("5 4 * * sun x", Entry),
        ("-5 4 * * * x", Entry),
        ("0 5 * * * -n -q x", Entry),
    ],
)
def test_kinds_of_lines(line: str, kind: type) -> None:
    (parsed,) = crontab_lines.parse(line, has_users=False).lines
    assert isinstance(parsed, kind)


def test_lines_that_cron_refuses_are_for_a_person() -> None:
    result = imported("0 5 * * * a\nhello\n0 0 12 * * * /b\n7 25 cron.weekly c\n@reboot d\n")
    notes = [each.note for each in result.imported.findings.decisions()]
    assert [note.split(":")[0] for note in notes] == [
        "is not an entry of a crontab, and no variable",
        "has six fields of time",
        "is an entry of anacrontab",
        "has no meaning here",
    ]
    # AND @reboot's job is there, without a schedule
    assert sources.jobs(result)["d"] == {"command": ["d"]}


def test_ends_of_lines_of_windows() -> None:
    result = imported("A=1\r\n0 5 * * * a b\r\n")
    assert sources.jobs(result)["a-b"] == {"command": ["a", "b"], "schedule": "0 5 * * *", "environment": {"A": "1"}}
    assert found(result)["line ends"].startswith("changed")


def test_an_image_of_the_command_line() -> None:
    result = imported("0 5 * * * a\n", image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/reports:2")
    assert "image: {repository: reports, tag: '2'}" in result.jobs_text


#: File, options, number of jobs, whether a person has to decide, and settings of one job.
REAL: list[tuple[str, dict[str, str], int, bool, str, dict[str, Any]]] = [
    ("01", {}, 3, True, "run-parts-cron-hourly", {"schedule": "17 * * * *"}),
    ("02", {}, 3, True, "inform", {"command": ["/srv/news/inform.pl"], "schedule": "* * * * *"}),
    ("03", {}, 8, True, "sqlbackup-weekly", {"command": ["/usr/lib/alternc/sqlbackup.sh", "-t", "weekly"]}),
    ("04", {}, 1, False, "find-f", {"schedule": "09,39 * * * *"}),
    ("05", {}, 3, True, "munin-cron", {"schedule": "*/5 * * * *"}),
    ("06", {}, 2, False, "e2scrub-all", {"schedule": "10 3 * * *"}),
    ("07", {"timezone": "Europe/Paris"}, 2, False, "wp-cron", {"command": ["php", "/var/www/html/wp-cron.php"]}),
    ("08", {}, 4, True, "backup", {"command": ["/home/user/backup.sh"]}),
    ("09", {}, 4, False, "reminders", {"concurrency_policy": "queue", "starting_deadline_seconds": 120}),
    ("10", {}, 3, False, "run-0830", {"timezone": "Asia/Hong_Kong", "schedule": "30 8 * * *"}),
    ("12", {}, 6, True, "somecommand-2", {"except": ["cron(00 */3 15-25/2 MAY ? *)"]}),
    ("13", {}, 1, False, "13-man-db", {"flexible_window_minutes": 720, "concurrency_policy": "forbid"}),
    ("14", {}, 1, True, "14-pg-dump-main", {"schedule": "0 0 * * MON", "environment": {"KEEP": "3"}}),
    ("15", {}, 1, True, "15-borgmatic", {"schedule": "0 0 * * *", "flexible_window_minutes": 180}),
    ("16", {}, 1, False, "16-apt-daily", {"schedule": "0 6,18 * * *"}),
    ("17", {}, 1, False, "17-retry", {"schedule": "0 12,16 * * MON-FRI", "memory_mib": 2048, "timeout_seconds": 2700}),
]


@pytest.mark.parametrize(("number", "options", "count", "needs_person", "job", "settings"), REAL)
def test_real_sources(
    number: str, options: dict[str, str], count: int, needs_person: bool, job: str, settings: dict[str, Any]
) -> None:
    files = [read(path) for path in sorted(FOLDER.glob(f"{number}-*"))]
    zone = replace(MACHINE, timezone=options.get("timezone", "UTC"))
    result = importing.run("crontab", files, zone, since=sources.SINCE, years=1, is_proven=True, command="x")
    jobs = sources.jobs(result)
    assert (len(jobs), result.needs_person) == (count, needs_person)
    assert {name: jobs[job].get(name) for name in settings} == settings
    assert all(each.is_expected for each in result.proven)
    # Each job has what it runs, and where it comes from.
    assert all(each["command"] for each in jobs.values())
    assert result.jobs_text.count("# from ") == count


def test_an_anacrontab_is_refused_with_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"is an entry of anacrontab.*schedule: '@daily'"):
        imported((FOLDER / "11-anacrontab").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no entry such as"),
        ("# only a comment\n", "has no entry such as"),
        ("\0\1\2", "is not text"),
        ("a: &a [*a]\n!!python/object:os.system x\n", "is not an entry of a crontab"),
        ("[[[[" * 1000, "is not an entry of a crontab"),
        ("9" * 5000 + " * * * * a", None),
        ("0 5 * * * " + "$(" * 3000 + "a" + ")" * 3000, None),
        ("0 5 * * * " + "su -c '" * 50 + "a", None),
        ("0 5 * * * é 日本語 \u202e\u2028 \x07", None),
        ("0 5 * * * a\n" * 300, None),
        ("*/99999999999999999999 * * * * a", None),
        ("0~99999999999 5 * * * a", None),
        ("RANDOM_DELAY=" + "9" * 400 + "\n0 5 * * * a", None),
        ("0 5 * * * flock -w " + "9" * 400 + " /l a", None),
        ("0 5 * * * timeout " + "9" * 9 + "d a", None),
        ("0 5 * * * ; touch /tmp/owned `touch /tmp/owned` $(touch /tmp/owned)", None),
    ],
)
def test_broken_sources(text: str, message: str | None) -> None:
    if message is None:
        assert imported(text, years=1).jobs_text
        return
    with pytest.raises(UsageError, match=message):
        imported(text)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8))
def test_any_lines_are_read(lines: list[str]) -> None:
    text = "\n".join(["0 5 * * * /usr/bin/a", *lines])
    if "\0" in text:
        return
    tab = crontab_lines.parse(text, has_users=False)
    # No line is lost: it is an entry or its like, a comment, commented out, or empty.
    given_lines = [each for each in text.split("\n") if each.strip()]
    described = sum(1 for each in tab.lines if isinstance(each, Entry) and each.comment)
    counted = len(tab.lines) + len(tab.commented_out) + tab.comments
    assert counted <= len(given_lines) <= counted + described * len(lines)


def test_what_the_machine_has_and_nobody_named_is_for_a_person() -> None:
    # GIVEN a crontab, without --image and --timezone
    result = sources.imported("crontab", "0 5 * * * /srv/a\n", "crontab")
    # THEN its image and its zone are for a person to name
    assert [each.field for each in result.imported.findings.decisions()] == ["image", "time zone"]
    # AND a zone in the file is enough
    result = sources.imported("crontab", "CRON_TZ=Asia/Seoul\n0 5 * * * /srv/a\n", "crontab")
    assert [each.field for each in result.imported.findings.decisions()] == ["image"]


@pytest.mark.parametrize(
    ("command", "is_asked"),
    [
        ("./a.sh", True),
        ("cd logs && ls", True),
        ("sh ../a.sh", True),
        ("cd /srv && ./a.sh", False),
        ("cd $HOME/app; ./a.sh", False),
        ("/srv/a ./b", True),
        ("/srv/a b.txt", False),
    ],
)
def test_a_path_below_the_home_folder_is_for_a_person(command: str, is_asked: bool) -> None:
    decisions = imported(f"0 5 * * * {command}\n").imported.findings.decisions()
    assert ("working folder" in {each.field for each in decisions}) == is_asked


def test_programs_see_the_machines_local_time() -> None:
    text = "30 0 * * * /srv/a --day $(date +\\%F)\n0 1 * * * b\nTZ=Asia/Seoul\n0 2 * * * c\n"
    # GIVEN the machine's zone THEN every job has it, and a TZ of the crontab counts in its place
    result = imported(text, timezone="Europe/Berlin")
    assert result.imported.defaults["environment"] == {"TZ": "Europe/Berlin"}
    assert sources.jobs(result)["c"]["environment"] == {"TZ": "Asia/Seoul"}
    assert found(result)["clock"].startswith("changed: defaults.environment.TZ: Europe/Berlin")
    # AND UTC needs nothing
    assert "clock" not in found(imported(text, timezone="UTC"))
    # GIVEN no zone THEN a person is asked where a command calls date
    result = imported(text, is_zone_given=False)
    assert [each.job for each in result.imported.findings.decisions() if each.field == "clock"] == ["a"]


@pytest.mark.parametrize("command", ["bin/one --x", "./one", "cd data && ./one", "a; lib/b"])
def test_a_path_below_the_home_folder_begins_there(command: str) -> None:
    # GIVEN a crontab that sets HOME, into which cron changes THEN the command does
    (job,) = sources.jobs(imported(f"HOME=/srv/my app\n0 1 * * * {command}\n")).values()
    assert job["command"] == ["sh", "-c", f"cd '/srv/my app' || exit\n{command}"]
    # GIVEN none THEN a person is asked
    decisions = imported(f"0 1 * * * {command}\n").imported.findings.decisions()
    assert [each.field for each in decisions] == ["working folder"]


@pytest.mark.parametrize("command", ["/opt/one", "one --x a/b", "cd /srv && ./one", "cd ~/a && bin/b"])
def test_other_commands_do_not_need_the_home_folder(command: str) -> None:
    (job,) = sources.jobs(imported(f"HOME=/srv/app\n0 1 * * * {command}\n")).values()
    assert "/srv/app" not in " ".join(job["command"])


@pytest.mark.parametrize(
    ("value", "is_taken_out"),
    [
        ("Pa$w0rd1", True),
        ("$uper5ecret", True),
        ("'s3cr3t pass phrase'", True),
        ("correct horse battery", True),
        ("correct", True),
        ("default", True),
        ("$DB_PASSWORD_OF_THE_OTHER", False),
        ("${OTHER}", False),
        ("none", False),
        ("/run/secrets/db", False),
    ],
)
def test_a_password_is_never_carried_nor_a_part_of_it_shown(value: str, is_taken_out: bool) -> None:
    result = imported(f"DB_PASSWORD={value}\n0 1 * * * a\n")
    (finding,) = (each for each in result.imported.findings if each.field == "variable.DB_PASSWORD")
    assert (finding.shown == "***" and bool(finding.todo)) == is_taken_out
    assert ("environment" in sources.jobs(result)["a"]) != is_taken_out
