from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from batchtab.declarations import catalog
from batchtab.declarations.alert_routes import routes, watched
from batchtab.declarations.service import ServiceSpec, load_services
from batchtab.errors import UsageError


def services(root: Path, **files: str) -> list[ServiceSpec]:
    for name, text in files.items():
        path = root / "jobs" / name / "jobs.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load_services(root / "jobs")


def lines(root: Path, **files: str) -> list[str]:
    with pytest.raises(UsageError) as error:
        services(root, **files)
    return [str(problem).removeprefix(f"{root}/") for problem in error.value.problems]


def test_a_service_without_a_word_has_an_empty_route_that_tells_its_name(tmp_path: Path) -> None:
    found = services(tmp_path, a="service: a\njobs: {x: {command: [x]}}")

    assert routes(found) == {"a": {}}


def test_a_job_overrides_its_service_key_by_key(tmp_path: Path) -> None:
    # GIVEN a service with a channel and a mention
    found = services(
        tmp_path,
        a="""
        service: a
        alerts: {channel: "#a", mention: here}
        jobs:
          plain: {command: [x]}
          elsewhere: {command: [x], alerts: {channel: "#b"}}
        """,
    )

    # THEN its jobs have both, and one of them another channel
    assert routes(found) == {
        "a": {"channel": "#a", "mention": "here"},
        "a-elsewhere": {"channel": "#b", "mention": "here", "service": "a"},
    }


def test_a_job_of_a_muted_service_can_be_told(tmp_path: Path) -> None:
    text = "service: a\nalerts: {mute: true}\njobs: {x: {command: [x], alerts: {mute: false}}, y: {command: [y]}}"

    assert routes(services(tmp_path, a=text)) == {"a": {"mute": True}, "a-x": {"service": "a"}}


def test_a_job_takes_nothing_from_another_whose_name_it_begins_with(tmp_path: Path) -> None:
    # GIVEN a muted job, and one whose name begins with its name
    text = "service: a\njobs: {night: {command: [x], alerts: {mute: true}}, night-report: {command: [y]}}"

    # THEN the second has a route of its own
    assert routes(services(tmp_path, a=text)) == {
        "a": {},
        "a-night": {"mute": True, "service": "a"},
        "a-night-report": {"service": "a"},
    }


def test_a_job_takes_nothing_from_a_service_that_is_not_its_own(tmp_path: Path) -> None:
    # GIVEN services `a` and `a-b`, and a job of `a` that reads like one of `a-b`, and one that reads like `a-b` itself
    found = services(
        tmp_path,
        a='service: a\nalerts: {channel: "#a"}\njobs: {b-c: {command: [x]}, b: {command: [x]}}',
        ab='service: a-b\nalerts: {channel: "#ab"}\njobs: {d: {command: [x]}}',
    )

    # THEN each has its own service's
    assert routes(found) == {
        "a": {"channel": "#a"},
        "a-b": {"channel": "#a", "service": "a"},
        "a-b-c": {"channel": "#a", "service": "a"},
        "a-b-d": {"channel": "#ab", "service": "a-b"},
    }


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ('{chanel: "#x"}', "alerts.chanel: is an unknown key [hint: did you mean 'channel'?]"),
        ("{channel: #x\n  }", "alerts.channel: has no value [hint: a '#' begins a comment in YAML"),
        ("{channel: my channel}", "alerts.channel: 'my channel' is not allowed: a channel's name with its '#'"),
        ("{mention: bob}", "alerts.mention: 'bob' is not allowed: here, channel, everyone"),
        ("{late_after_seconds: 59}", "alerts.late_after_seconds: 59 is too short: 60 to 86400 (seconds)"),
        ("{mute: 1}", "alerts.mute: 1 is not true or false"),
        ("quiet", "alerts: 'quiet' is not a mapping (key: value)"),
    ],
)
def test_a_fault_has_file_line_job_and_field(tmp_path: Path, alerts: str, expected: str) -> None:
    # GIVEN the same fault at a service and at a job
    text = f"service: a\nalerts: {alerts}\njobs:\n  x:\n    command: [x]\n"
    of_job = f"service: a\njobs:\n  x:\n    command: [x]\n    alerts: {alerts}\n"

    # THEN each is one line
    (line,) = lines(tmp_path / "1", a=text)
    assert line.startswith("jobs/a/jobs.yaml:2: ")
    assert expected in line
    (line,) = lines(tmp_path / "2", a=of_job)
    assert line.startswith("jobs/a/jobs.yaml:5: job x: ")
    assert expected in line


def test_a_stage_without_quiet_alerts_refuses_routes(project: Path) -> None:
    # GIVEN a stage that is not quiet, and a service and a job that say where their alerts go
    path = project / "config" / "example.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  quiet: true", "  quiet: false"), encoding="utf-8")
    path = project / "jobs" / "examples" / "jobs.yaml"
    text = path.read_text(encoding="utf-8").replace("service: examples", 'service: examples\nalerts: {channel: "#x"}')
    path.write_text(text.replace("  hello:\n", "  hello:\n    alerts: {mute: true}\n"), encoding="utf-8")

    with pytest.raises(UsageError) as error:
        catalog.load_all(project)

    # THEN each is one line that names the stage
    found = [str(problem).removeprefix(f"{project}/") for problem in error.value.problems]
    why = "has no effect: stage example has no quiet alerts, which a job's alerts need"
    hint = "[hint: alerts: {quiet: true} in the stage's file]"
    assert [line.split(": ", 1)[1] for line in found] == [f"alerts: {why} {hint}", f"job hello: alerts: {why} {hint}"]


def test_jobs_with_a_schedule_are_watched_where_they_or_their_service_say_so(tmp_path: Path) -> None:
    # GIVEN a service whose jobs may be ten minutes late, one of them five, and one at any time
    found = services(
        tmp_path,
        a="""
        service: a
        alerts: {late_after_seconds: 600}
        jobs:
          daily: {command: [x], schedule: cron(0 0 * * ? *)}
          sooner: {command: [x], schedule: cron(0 0 * * ? *), alerts: {late_after_seconds: 300}}
          by-hand: {command: [x]}
          asleep: {command: [x], schedule: cron(0 0 * * ? *), suspend: true}
          whenever: {command: [x], schedule: rate(1 day), alerts: {late_after_seconds: null}}
        """,
    )

    # THEN those with a schedule that fires are watched
    assert {name: job.alerts.late_after_seconds for name, job in watched(found)} == {"a-daily": 600, "a-sooner": 300}
    # AND that makes no routes
    assert routes(found) == {"a": {}}


def test_a_job_without_a_schedule_is_never_late(project: Path) -> None:
    # GIVEN a job that is run by hand and says how late it may be
    path = project / "jobs" / "examples" / "jobs.yaml"
    text = path.read_text(encoding="utf-8").replace("  hello:\n", "  hello:\n    alerts: {late_after_seconds: 60}\n")
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError) as error:
        catalog.load_all(project)

    # THEN one line says that it has no effect
    (problem,) = error.value.problems
    line = "job hello: alerts.late_after_seconds: 60 has no effect: the job has no schedule [hint: leave it out]"
    assert str(problem).endswith(line)
