"""Airflow: each field of DAGs and tasks, and its result."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers.findings import Finding
from batchtab.importers.importing import Result

IMPORTS = """
import os
from datetime import datetime, timedelta
import pendulum
from airflow import DAG
from airflow.models.baseoperator import chain, cross_downstream
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator
from airflow.operators.bash import BashOperator
from airflow.providers.amazon.aws.operators.batch import BatchOperator
from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.docker.operators.docker import DockerOperator
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.sensors.external_task import ExternalTaskSensor
from airflow.timetables.trigger import CronTriggerTimetable, MultipleCronTriggerTimetable
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.utils.trigger_rule import TriggerRule
from airflow.utils.task_group import TaskGroup
from airflow.decorators import dag, task, task_group
from reports.daily import build
"""
ONE = 'a = BashOperator(task_id="a", bash_command="date")'


def text(dag: str, body: str = ONE, before: str = "") -> str:
    """A file with a DAG of these arguments, and these statements within."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"{IMPORTS}{before}\nwith DAG('d', {dag}) as dag:\n{lines}\n"


def result(dag: str = "schedule='0 1 * * *'", body: str = ONE, before: str = "", **options: Any) -> Result:
    options.setdefault("image", "tools:1")
    return sources.imported("airflow", text(dag, body, before), "d.py", **options)


def job(found: Result, name: str = "d") -> dict[str, Any]:
    own: dict[str, Any] = sources.jobs(found)[name]
    return own


def finding(found: Result, field: str) -> Finding:
    """The one finding of a field."""
    own = [each for each in found.imported.findings if each.field == field]
    assert len(own) == 1, [f"{each.field}: {each.note}" for each in found.imported.findings]
    return own[0]


def task_job(arguments: str, dag: str = "schedule='0 1 * * *'", **options: Any) -> tuple[Result, dict[str, Any]]:
    found = result(dag, f"a = {arguments}", **options)
    return found, job(found)


# When it runs


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'@daily'", "@daily"),
        ("'@hourly'", "@hourly"),
        ("'@quarterly'", "0 0 1 */3 *"),
        ("'5 4 * * mon-fri'", "5 4 * * mon-fri"),
        ("'5 4 * * 1/2'", "5 4 * * 0,1,3,5"),
        ("'5 4 * * 3-3'", "5 4 * * *"),
        ("'5 22-4/3 * * *'", "5 2,22 * * *"),
        ("'5 4 */2 * *'", "5 4 */2 * *"),
        ("'5 4 1-31 * 1'", "5 4 * * *"),
        ("'0 6 L * *'", "cron(0 6 L * ? *)"),
        ("'0 6 * * 2#1'", "cron(0 6 ? * TUE#1 *)"),
        ("'0 6 * * L5'", "cron(0 6 ? * FRIL *)"),
        ("CronTriggerTimetable('0 9 * * 1', timezone='UTC')", "0 9 * * 1"),
        ("CronDataIntervalTimetable('0 9 * * 1', timezone='UTC')", "0 9 * * 1"),
    ],
)
def test_presets_cron_and_timetables_are_schedules_that_start_at_the_same_times(value: str, expected: str) -> None:
    found = result(f"schedule={value}")
    assert job(found)["schedule"] == expected
    assert [each.is_equal for each in found.proven] == [True]
    assert not found.needs_person


def test_a_schedule_of_two_day_fields_is_two_jobs_and_what_comes_after_comes_after_both() -> None:
    body = f"{ONE}\nb = BashOperator(task_id='b', bash_command='date')\na >> b"
    found = result("schedule='0 6 1 * MON'", body)
    jobs = sources.jobs(found)
    assert (jobs["d-a"]["schedule"], jobs["d-a-2"]["schedule"]) == ("0 6 1 * *", "0 6 * * MON")
    assert jobs["d-a-2"]["except"] == ["cron(0 6 1 * ? *)"]
    assert jobs["d-b"]["after"] == ["d-a", "d-a-2"]
    assert [each.is_equal for each in found.proven] == [True]


def test_several_expressions_are_jobs_that_exclude_each_other() -> None:
    found = result("schedule=MultipleCronTriggerTimetable('0 6 * * *', '0 6,18 * * 1', timezone='UTC')")
    jobs = sources.jobs(found)
    assert [each["schedule"] for each in jobs.values()] == ["0 6 * * *", "0 6,18 * * 1"]
    assert [each.is_equal for each in found.proven] == [True]


@pytest.mark.parametrize(
    ("schedule", "catchup", "expected"),
    [
        ("timedelta(days=1)", True, "30 4 * * *"),
        ("timedelta(days=1)", False, "0 0 * * *"),
        ("timedelta(hours=6)", True, "30 4-23/6 * * *"),
        ("timedelta(minutes=20)", True, "10-59/20 * * * *"),
        ("timedelta(hours=1)", False, "0 * * * *"),
        ("timedelta(minutes=1)", False, "* * * * *"),
        ("timedelta(minutes=90)", False, "rate(90 minutes)"),
        ("timedelta(days=2)", True, "rate(2 days)"),
        ("timedelta(weeks=1)", True, "rate(7 days)"),
        ("DeltaTriggerTimetable(timedelta(hours=2))", True, "rate(2 hours)"),
    ],
)
def test_a_length_of_time_counts_from_where_airflow_counts(schedule: str, catchup: bool, expected: str) -> None:
    found = result(f"schedule={schedule}, start_date=datetime(2021, 3, 4, 4, 30), catchup={catchup}")
    assert job(found)["schedule"] == expected
    # A rate counts from its deployment: only its length can be compared.
    assert [each.is_equal for each in found.proven] == [True]
    assert bool(found.proven[0].times) is not expected.startswith("rate")
    assert not found.needs_person


def test_a_length_of_time_that_starts_in_the_future_counts_from_there() -> None:
    dates = "start_date=datetime(2090, 3, 4, 4, 30), end_date=datetime(2090, 3, 9)"
    found = result(f"schedule=timedelta(hours=12), {dates}, catchup=False")
    assert job(found)["schedule"] == "30 4-23/12 * * *"
    assert (job(found)["start"], job(found)["end"]) == ("2090-03-04T16:30:00Z", "2090-03-09T00:00:00Z")
    past = result("schedule=timedelta(hours=12), end_date=datetime(2026, 3, 9), catchup=False")
    assert (past.proven[0].is_equal, past.proven[0].times) == (True, 135)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("'@once'", "its one time is past"),
        ("'@continuous'", "as soon as the last one has ended"),
        ("timedelta(seconds=30)", "whole minutes"),
        ("timedelta(days=-1)", "whole minutes"),
        ("[Dataset('s3://a')]", "datasets or assets"),
        ("Asset('s3://a') | Asset('s3://b')", "datasets or assets"),
        ("AfterWorkdayTimetable()", "nothing like AfterWorkdayTimetable"),
        ("'0 0 0 * * *'", "6 fields instead of 5"),
        ("'0 0 1 13 *'", "'13' is not 1 to 12"),
        ("os.environ['CRON']", "read from the environment"),
        ("Variable.get('cron')", "read from Airflow"),
        ("relativedelta(months=1)", "nothing like relativedelta"),
    ],
)
def test_a_schedule_that_jobs_yaml_lacks_leaves_the_job_without_one_for_a_person(value: str, why: str) -> None:
    found = result(f"schedule={value}")
    assert "schedule" not in job(found)
    assert why in finding(found, "schedule").note
    assert finding(found, "schedule").todo
    assert not found.proven


def test_no_schedule_is_no_schedule_in_airflow_3_and_each_day_in_airflow_2() -> None:
    assert "schedule" not in job(result("schedule=None"))
    assert "schedule" not in job(result("tags=[]", settings={"airflow": "3"}))
    found = result("tags=[]", settings={"airflow": "2"})
    assert job(found)["schedule"] == "rate(1 day)"
    assert "Airflow 2 runs a DAG without a schedule each day" in finding(found, "schedule").note
    with pytest.raises(UsageError, match="is not a version: 2 or 3"):
        result(settings={"airflow": "1"})
    with pytest.raises(UsageError, match="is not a setting of airflow: airflow"):
        result(settings={"version": "2"})


@pytest.mark.parametrize(
    ("start", "timezone"),
    [
        ("pendulum.datetime(2024, 1, 1, tz='Asia/Seoul')", "Asia/Seoul"),
        ("datetime(2024, 1, 1, tzinfo=pendulum.timezone('Asia/Seoul'))", "Asia/Seoul"),
        ("datetime(2024, 1, 1, tzinfo=ZoneInfo('Asia/Seoul'))", "Asia/Seoul"),
        ("pendulum.datetime(2024, 1, 1)", None),
        ("pendulum.parse('2024-01-01T00:00:00+09:00')", "Etc/GMT-9"),
        ("datetime.fromisoformat('2024-01-01T00:00:00Z')", None),
        ("datetime(2024, 1, 1, tzinfo=timezone.utc)", None),
        ("datetime(2024, 1, 1)", "Europe/Paris"),
        ("'2024-01-01'", "Europe/Paris"),
        ("days_ago(2)", "Europe/Paris"),
        ("pendulum.today('Asia/Seoul').add(days=-1)", "Europe/Paris"),
    ],
)
def test_the_zone_is_that_of_start_date_or_the_one_that_the_command_names(start: str, timezone: str | None) -> None:
    found = result(f"schedule='0 9 * * *', start_date={start}", timezone="Europe/Paris")
    assert job(found).get("timezone") == timezone
    assert "start" not in job(found)
    assert "past" in finding(found, "start_date").note
    assert [each.is_expected for each in found.proven] == [True]


def test_a_date_that_cannot_be_read_is_for_a_person() -> None:
    for start in ("START", "datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=9)))", "datetime(2024, 13, 1)"):
        found = result(f"schedule='0 9 * * *', start_date={start}")
        assert "timezone" in finding(found, "start_date").todo


def test_a_start_and_an_end_in_the_future_are_those_of_airflows_first_and_last_run() -> None:
    dates = "schedule='0 9 * * *', start_date=datetime(2090, 1, 1), end_date=datetime(2091, 1, 1)"
    trigger, interval = result(dates, settings={"airflow": "3"}), result(dates, settings={"airflow": "2"})
    assert (job(trigger)["start"], job(trigger)["end"]) == ("2090-01-01T09:00:00Z", "2091-01-01T00:00:00Z")
    # With data intervals, a run starts at the end of its interval.
    assert (job(interval)["start"], job(interval)["end"]) == ("2090-01-02T09:00:00Z", "2091-01-01T09:00:00Z")
    assert finding(trigger, "start_date").note == "start: 2090-01-01T09:00:00Z, the first run by Airflow's rules"
    assert [each.is_equal for each in (*trigger.proven, *interval.proven)] == [True, True]


def test_bounds_within_the_period_of_the_proof_are_proved() -> None:
    dates = "schedule='0 9 * * *', start_date=pendulum.datetime(2020, 1, 1), end_date=datetime(2026, 3, 1)"
    for version, times in (("2", 60), ("3", 59)):
        found = result(dates, settings={"airflow": version})
        assert [(each.is_equal, each.times) for each in found.proven] == [(True, times)]


def test_once_in_the_future_is_at_that_time() -> None:
    found = result("schedule='@once', start_date=pendulum.datetime(2090, 5, 1, 3, tz='Asia/Seoul')")
    assert job(found)["schedule"] == "at(2090-04-30T18:00:00)"


def test_catchup_says_what_happens_to_times_that_were_missed() -> None:
    assert "batchtab backfill" in finding(result("schedule='@daily', catchup=True"), "catchup").note
    assert "before the job is deployed" in finding(result("schedule='@daily', catchup=False"), "catchup").note


def test_clock_changes_differ_as_the_proof_says_and_need_no_person() -> None:
    found = result("schedule='30 2 * * *', start_date=pendulum.datetime(2024, 1, 1, tz='Europe/Berlin')")
    (proven,) = found.proven
    # Airflow starts the skipped 2:30 at 3:30, and the second of the two that come in October.
    assert [(each.cause, each.is_missing, each.first) for each in proven.differences] == [
        ("clock change", False, "2026-10-25T00:30Z"),
        ("clock change", True, "2026-03-29T01:30Z"),
    ]
    assert not found.needs_person


# What the DAG says


def test_one_active_run_is_a_queue_and_more_are_not_limited() -> None:
    found = result("schedule='@daily', max_active_runs=1")
    assert job(found)["concurrency_policy"] == "queue"
    assert not found.needs_person
    several = result(
        "schedule='@daily', max_active_runs=1", f"{ONE}\nb = BashOperator(task_id='b', bash_command='x')\na >> b"
    )
    assert finding(several, "d.max_active_runs").todo
    assert "concurrency_policy" not in job(result("schedule='@daily', max_active_runs=3"))
    assert "concurrency_policy" not in job(result("schedule=None, max_active_runs=1"))


def test_the_runs_timeout_is_that_of_a_single_job_and_of_no_chain() -> None:
    assert job(result("schedule='@daily', dagrun_timeout=timedelta(hours=2)"))["timeout_seconds"] == 7200
    chain = result(
        "schedule='@daily', dagrun_timeout=timedelta(hours=2)",
        f"{ONE}\nb = BashOperator(task_id='b', bash_command='x')",
    )
    assert finding(chain, "d.dagrun_timeout").todo
    both = result(
        "schedule='@daily', dagrun_timeout=timedelta(hours=2), default_args={'execution_timeout': timedelta(minutes=9)}"
    )
    assert job(both)["timeout_seconds"] == 540


def test_texts_owner_and_tags() -> None:
    found = result("schedule='@daily', description='Loads', tags=['etl', 'a&b'], default_args={'owner': 'data'}")
    assert job(found)["description"] == "Loads"
    assert job(found)["tags"] == {"airflow-tags": "etl a-b", "owner": "data"}
    assert job(result("schedule='@daily', doc_md='''Loads\norders.\n\nMore.'''"))["description"] == "Loads orders."
    long = result(f"schedule='@daily', description='{'x' * 600}'")
    assert len(job(long)["description"]) == 512


def test_a_paused_dag_is_suspended_and_proved() -> None:
    found = result("schedule='@daily', is_paused_upon_creation=True")
    assert job(found)["suspend"] is True
    assert finding(found, "is_paused_upon_creation").todo
    assert found.proven[0].is_equal


@pytest.mark.parametrize(
    ("field", "has_todo"),
    [
        ("on_failure_callback=notify", True),
        ("on_success_callback=notify", True),
        ("sla_miss_callback=notify", True),
        ("max_consecutive_failed_dag_runs=3", True),
        ("params={'a': 1}", False),
        ("user_defined_macros={'a': 1}", False),
        ("render_template_as_native_obj=True", False),
        ("max_active_tasks=4", False),
        ("default_view='graph'", False),
        ("access_control={'a': {'can_read'}}", False),
        ("fail_stop=True", False),
        ("made_up=7", True),
    ],
)
def test_what_the_dag_says_and_jobs_yaml_lacks_is_named(field: str, has_todo: bool) -> None:
    found = result(f"schedule='@daily', {field}")
    name = field.partition("=")[0]
    own = [each for each in found.imported.findings if each.field.partition(".")[0] == name]
    assert own
    assert [bool(each.todo) for each in own] == [has_todo] * len(own)


def test_what_a_mapping_passes_is_read_and_an_unknown_one_is_reported() -> None:
    before = "BASE = {'schedule': '0 7 * * *', 'catchup': False}\n"
    assert job(result("**BASE", before=before))["schedule"] == "0 7 * * *"
    found = result("schedule='@daily', **load_config()")
    assert finding(found, "**load_config()").todo


# What every task has


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("retries=2", {"attempts": 3}),
        ("retries=30", {"attempts": 10}),
        ("retries=0", {"attempts": 1}),
        ("execution_timeout=timedelta(minutes=5)", {"timeout_seconds": 300}),
        ("execution_timeout=timedelta(seconds=5)", {"timeout_seconds": 60}),
        ("owner='me'", {"tags": {"owner": "me"}}),
        ("doc_md='Says the date.'", {"description": "Says the date."}),
        ("depends_on_past=True", {"pause_on_failure": True, "concurrency_policy": "queue"}),
        ("max_active_tis_per_dag=1", {"concurrency_policy": "queue"}),
    ],
)
def test_fields_of_a_task_that_jobs_yaml_has(field: str, expected: dict[str, Any]) -> None:
    found, own = task_job(f"BashOperator(task_id='a', bash_command='date', {field})")
    assert {name: own[name] for name in expected} == expected
    assert finding(found, field.partition("=")[0]).fate != "not carried"
    assert not found.needs_person
    # The same comes from default_args.
    name, _, value = field.partition("=")
    assert job(result(f"schedule='0 1 * * *', default_args={{'{name}': {value}}}")) == own


@pytest.mark.parametrize(
    ("field", "has_todo"),
    [
        ("retry_delay=timedelta(minutes=5)", False),
        ("retry_exponential_backoff=True", False),
        ("wait_for_downstream=True", True),
        ("on_failure_callback=notify", True),
        ("on_retry_callback=notify", True),
        ("email='a@example.com'", False),
        ("email_on_failure=True", False),
        ("sla=timedelta(hours=1)", True),
        ("pool='db'", True),
        ("pool='default_pool'", False),
        ("priority_weight=5", False),
        ("queue='big'", False),
        ("outlets=[Dataset('s3://a')]", True),
        ("outlets=[]", False),
        ("executor_config={'KubernetesExecutor': {}}", True),
        ("start_date=datetime(2024, 1, 1)", True),
        ("made_up=1", True),
        ("retries=os.environ['RETRIES']", True),
        ("execution_timeout=LIMIT", True),
        ("do_xcom_push=True", False),
    ],
)
def test_fields_of_a_task_that_jobs_yaml_lacks_are_named(field: str, has_todo: bool) -> None:
    found, _ = task_job(f"BashOperator(task_id='a', bash_command='date', {field})")
    name = field.partition("=")[0]
    own = [each for each in found.imported.findings if each.field.partition(".")[0].partition("[")[0] == name]
    assert [bool(each.todo) for each in own] == [has_todo]


def test_a_default_that_a_task_overrides_is_reported_with_it() -> None:
    found = result(
        "schedule='@daily', default_args={'retries': 4}",
        "a = BashOperator(task_id='a', bash_command='date', retries=1)",
    )
    assert job(found)["attempts"] == 2
    assert finding(found, "default_args.retries").note == "this task says otherwise"


def test_a_task_without_a_timeout_gets_a_day_and_is_not_cut_after_an_hour() -> None:
    found = result()
    assert job(found)["timeout_seconds"] == 86400
    assert "Airflow has no limit" in finding(found, "execution_timeout").note


# Dependencies

THREE = "\n".join(f"{name} = BashOperator(task_id='{name}', bash_command='date')" for name in "abc")


@pytest.mark.parametrize(
    "dependencies",
    [
        "a >> b >> c",
        "c << b << a",
        "a.set_downstream(b)\nc.set_upstream(b)",
        "chain(a, b, c)",
        "a >> Label('x') >> b\nb >> c",
        "first = [a]\nfirst >> b\nb >> [c]",
    ],
)
def test_a_chain_however_it_is_written(dependencies: str) -> None:
    jobs = sources.jobs(result(body=f"{THREE}\n{dependencies}"))
    assert jobs["d-a"]["schedule"] == "0 1 * * *"
    assert [jobs[name].get("after") for name in ("d-b", "d-c")] == ["d-a", "d-b"]
    assert not {"schedule", "timezone"} & {*jobs["d-b"], *jobs["d-c"]}


def test_several_before_one_are_all_waited_for_and_each_first_job_is_proved() -> None:
    found = result(body=f"{THREE}\n[a, b] >> c")
    jobs = sources.jobs(found)
    assert jobs["d-c"]["after_all"] == ["d-a", "d-b"]
    assert [each.fires.jobs for each in found.proven] == [("d-a",), ("d-b",)]
    assert not found.needs_person


def test_cross_downstream_and_groups() -> None:
    body = f"{THREE}\ne = BashOperator(task_id='e', bash_command='date')\ncross_downstream([a, b], [c, e])"
    jobs = sources.jobs(result(body=body))
    assert jobs["d-c"]["after_all"] == jobs["d-e"]["after_all"] == ["d-a", "d-b"]
    group = """
first = BashOperator(task_id='first', bash_command='date')
with TaskGroup('g', default_args={'retries': 3}) as g:
    x = BashOperator(task_id='x', bash_command='date')
    y = BashOperator(task_id='y', bash_command='date')
    x >> y
last = BashOperator(task_id='last', bash_command='date')
first >> g >> last
"""
    jobs = sources.jobs(result(body=group))
    assert [jobs[name].get("after") for name in ("d-g-x", "d-g-y", "d-last")] == ["d-first", "d-g-x", "d-g-y"]
    assert [jobs[name].get("attempts") for name in ("d-first", "d-g-x")] == [None, 4]


def test_tasks_without_work_are_passed() -> None:
    body = f"{THREE}\ns, e = EmptyOperator(task_id='s'), DummyOperator(task_id='e')\ns >> [a, b] >> e >> c"
    found = result(body=body)
    jobs = sources.jobs(found)
    assert jobs["d-c"]["after_all"] == ["d-a", "d-b"]
    assert jobs["d-a"]["schedule"] == jobs["d-b"]["schedule"] == "0 1 * * *"
    assert finding(found, "d.s").note.startswith("it has no work")
    assert not found.needs_person


def test_a_sensor_of_a_batch_job_is_passed() -> None:
    body = """
a = BatchOperator(task_id='a', job_name='a', job_definition='a', job_queue='q', overrides={'command': ['x']})
w = BatchSensor(task_id='w', job_id=a.output)
c = BashOperator(task_id='c', bash_command='date')
a >> w >> c
"""
    assert sources.jobs(result(body=body))["d-c"]["after"] == "d-a"


@pytest.mark.parametrize(
    ("rule", "expected", "has_todo"),
    [
        ("'all_success'", {"after_all": ["d-a", "d-b"]}, False),
        ("'none_failed'", {"after_all": ["d-a", "d-b"]}, False),
        ("TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS", {"after_all": ["d-a", "d-b"]}, False),
        ("TriggerRule.ALL_DONE", {"after_all": ["d-a", "d-b"], "after_status": "any"}, False),
        ("'all_failed'", {"after_all": ["d-a", "d-b"], "after_status": "failed"}, False),
        ("'one_success'", {"after": ["d-a", "d-b"]}, True),
        ("'one_failed'", {"after": ["d-a", "d-b"], "after_status": "failed"}, True),
        ("'one_done'", {"after": ["d-a", "d-b"], "after_status": "any"}, True),
        ("'all_skipped'", {}, True),
        ("'always'", {"schedule": "0 1 * * *"}, False),
    ],
)
def test_trigger_rules(rule: str, expected: dict[str, Any], has_todo: bool) -> None:
    body = THREE.replace("task_id='c'", f"task_id='c', trigger_rule={rule}") + "\n[a, b] >> c"
    found = result(body=body)
    names = ("after", "after_all", "after_status", "schedule")
    assert {name: each for name, each in job(found, "d-c").items() if name in names} == expected
    assert found.needs_person is has_todo


def test_all_done_after_a_job_that_may_never_start_is_for_a_person() -> None:
    body = THREE.replace("task_id='c'", "task_id='c', trigger_rule='all_done'") + "\na >> b >> c"
    found = result(body=body)
    assert job(found, "d-c")["after_status"] == "any"
    assert "if b never starts" in finding(found, "trigger_rule").note
    assert finding(found, "trigger_rule").todo


def test_what_comes_after_a_refused_task_is_not_started() -> None:
    body = f"s = S3KeySensor(task_id='s', bucket_key='s3://a/b')\n{ONE}\ns >> a"
    found = result(body=body)
    assert not {"schedule", "after"} & {*job(found, "d-a")}
    assert "S3KeySensor runs in Airflow" in finding(found, "d.s").note
    assert "nothing starts the job" in finding(found, "dependency").note
    assert finding(found, "d.s.bucket_key").note == "its task is not carried"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            f"{ONE}\nfor i in range(3):\n    b = BashOperator(task_id=f'b{{i}}', bash_command='x')\n    b >> a",
            "for i in",
        ),
        (f"{ONE}\nbs = [BashOperator(task_id=str(i), bash_command='x') for i in range(3)]\nbs >> a", "[BashOperator("),
        (
            f"{ONE}\nif os.environ['X']:\n    b = BashOperator(task_id='b', bash_command='x')\n    b >> a",
            "if os.environ",
        ),
        (f"{ONE}\nb = make('b')\nb >> a", "b >> a"),
        (f"{ONE}\nb = make('b')\na.set_upstream(b)", "a.set_upstream"),
        (f"{ONE}\nchain(*make(), a)", "chain("),
        (f"{ONE}\nc = BashOperator(task_id='c', bash_command='x')\nc >> make('b') >> a", "c >> make"),
    ],
)
def test_what_only_a_run_would_show_is_refused_with_its_line(body: str, line: str) -> None:
    found = result(body=body)
    problems = [each for each in found.imported.findings.decisions() if each.field in {"statement", "dependency"}]
    assert any(str(each.value).startswith(line) and each.place.startswith("d.py:") for each in problems)
    # What it may come after is not known, so the schedule does not start it.
    assert "schedule" not in job(found, "d-a" if "d-a" in sources.jobs(found) else "d")


def test_functions_that_make_dags_are_not_called() -> None:
    function = f"def make(name):\n    with DAG(name) as dag:\n        {ONE}\n    return dag\n"
    source = f"{IMPORTS}\n{function}for n in 'ab':\n    make(n)\n"
    with pytest.raises(UsageError, match=r"d\.py:27: for n in 'ab': a loop makes tasks") as raised:
        sources.imported("airflow", source, "d.py")
    assert "\n" not in str(raised.value)


def test_mapped_tasks_are_one_job_for_a_person() -> None:
    found = result(body="a = BashOperator.partial(task_id='a', retries=1).expand(bash_command=['x', 'y'])")
    assert job(found)["attempts"] == 2
    assert "array_size" in finding(found, "expand").todo


# Operators


def test_batch() -> None:
    found, own = task_job(
        "BatchOperator(task_id='a', job_name='n', job_definition='etl:3', job_queue='q', retries=1,"
        " container_overrides={'command': ['run', 'Ref::day'], 'environment': [{'name': 'A', 'value': 'b'},"
        " {'name': 'DB_PASSWORD', 'value': 'hunter2-hunter2'}],"
        " 'resourceRequirements': [{'type': 'VCPU', 'value': '1.5'},"
        " {'type': 'MEMORY', 'value': '3000'}]}, array_properties={'size': 7}, parameters={'day': 'monday'},"
        " share_identifier='team', scheduling_priority_override=5, retry_strategy={'attempts': 3},"
        " submit_job_timeout=900, tags={'k': 'v'}, aws_conn_id='aws', max_retries=4200)"
    )
    assert own == {
        "command": ["run", "Ref::day"],
        "schedule": "0 1 * * *",
        "vcpus": 2,
        "memory_mib": 4096,
        "timeout_seconds": 900,
        "attempts": 6,
        "array_size": 7,
        "parameters": {"day": "monday"},
        "environment": {"A": "b"},
        "priority": 5,
        "share": "team",
        "tags": {"k": "v"},
        "read_only_root_filesystem": False,
    }
    assert finding(found, "retry_strategy.attempts").note == "attempts: 6: Airflow's 2 times Batch's 3"
    assert "hunter2" not in sources.outcome(found)
    # The image is that of the definition, which only the account has.
    assert finding(found, "job_definition").todo.startswith("write image from it")
    assert [each.field for each in found.imported.findings.decisions()] == [
        "container_overrides.environment.DB_PASSWORD",
        "job_definition",
    ]


def test_batch_without_a_command_fails_with_what_is_missing() -> None:
    _, own = task_job("BatchOperator(task_id='a', job_name='n', job_definition=\"e'tl; rm -rf /\", job_queue='q')")
    assert own["command"] == ["sh", "-c", "echo 'FILL IN: the command of job_definition etl rm -rf /' >&2; exit 1"]


def test_ecs() -> None:
    found, own = task_job(
        "EcsRunTaskOperator(task_id='a', cluster='c', task_definition='t:1', launch_type='FARGATE',"
        " platform_version='1.4.0', overrides={'containerOverrides': [{'name': 'web', 'command': ['go'],"
        " 'environment': [{'name': 'A', 'value': 'b'}], 'cpu': 1024, 'memory': 3000},"
        " {'name': 'log', 'command': ['x']}],"
        " 'taskRoleArn': 'arn:aws:iam::123456789012:role/r', 'ephemeralStorage': {'sizeInGiB': 30}},"
        " network_configuration={'awsvpcConfiguration': {'subnets': ['s'], 'assignPublicIp': 'ENABLED'}})"
    )
    wanted = {
        "command": ["go"],
        "environment": {"A": "b"},
        "vcpus": 1,
        "memory_mib": 3072,
        "job_role_arn": "arn:aws:iam::123456789012:role/r",
        "ephemeral_storage_gib": 30,
        "assign_public_ip": True,
        "platform_version": "1.4.0",
    }
    assert {name: own[name] for name in wanted} == wanted
    decisions = {each.field for each in found.imported.findings.decisions()}
    assert {"task_definition", "overrides.containerOverrides[1].name"} <= decisions


@pytest.mark.parametrize(("memory", "mib"), [("1Gi", 1024), ("1e9", 1024), ("1500M", 2048), (1610612736, 2048)])
def test_a_pods_memory_has_every_suffix_of_kubernetes(memory: str | int, mib: int) -> None:
    resources = f"container_resources=V1ResourceRequirements(limits={{'cpu': '.5', 'memory': {memory!r}}})"
    _, own = task_job(f"KubernetesPodOperator(task_id='a', image='etl:1', cmds=['etl'], {resources})")
    assert (own["vcpus"], own["memory_mib"]) == (0.5, mib)


def test_pods() -> None:
    found, own = task_job(
        "KubernetesPodOperator(task_id='a', image='123456789012.dkr.ecr.eu-west-1.amazonaws.com/etl:1.4',"
        " cmds=['python'], arguments=['-m', 'etl', 7], env_vars=[k8s.V1EnvVar(name='A', value='b'),"
        " k8s.V1EnvVar(name='C', value_from=k8s.V1EnvVarSource())], secrets=[Secret('env', 'TOKEN', 'api', 'key')],"
        " container_resources=V1ResourceRequirements(requests={'cpu': '250m'},"
        " limits={'cpu': '500m', 'memory': '1Gi'}),"
        " labels={'team': 'data'}, node_selector={'kubernetes.io/arch': 'arm64'}, namespace='x',"
        " service_account_name='sa',"
        " volumes=[], active_deadline_seconds=600, image_pull_policy='Always')",
        account="123456789012",
        region="eu-west-1",
    )
    wanted = {
        "image": {"repository": "etl", "tag": "1.4"},
        "command": ["python", "-m", "etl", "7"],
        "environment": {"A": "b"},
        "vcpus": 0.5,
        "memory_mib": 1024,
        "architecture": "arm64",
        "timeout_seconds": 600,
        "tags": {"team": "data"},
    }
    assert {name: own[name] for name in wanted} == wanted
    assert [each.field for each in found.imported.findings.decisions()] == [
        "cmds",
        "env_vars.C",
        "secrets[0]",
        "service_account_name",
    ]


def test_a_pod_with_the_images_own_command_needs_one() -> None:
    found, own = task_job("KubernetesPodOperator(task_id='a', image='etl:1')")
    assert own["command"][0] == "sh"
    assert finding(found, "cmds").todo


def test_docker() -> None:
    found, own = task_job(
        "DockerOperator(task_id='a', image='etl:1', command=\"run --day 'a b'\", entrypoint=['tini', '--'],"
        " environment={'A': 1}, private_environment={'S': 'hunter2'}, mem_limit='2g', cpus=0.5,"
        " mounts=[Mount(source='/a', target='/b')], network_mode='host', auto_remove='force', working_dir='/app')"
    )
    assert own["command"] == ["tini", "--", "run", "--day", "a b"]
    assert (own["vcpus"], own["memory_mib"], own["environment"]) == (0.5, 2048, {"A": "1"})
    assert "hunter2" not in sources.outcome(found)
    decisions = {each.field for each in found.imported.findings.decisions()}
    assert decisions == {"entrypoint", "private_environment", "mounts", "network_mode", "working_dir"}


@pytest.mark.parametrize(("user", "expected"), [("'1000'", "1000"), ("1000", "1000"), ("'app:app'", "app:app")])
def test_the_user_of_a_container_is_the_jobs(user: str, expected: str) -> None:
    found, own = task_job(f"DockerOperator(task_id='a', image='etl:1', command='run', user={user})")
    assert own["user"] == expected
    assert not finding(found, "user").todo
    found, own = task_job("DockerOperator(task_id='a', image='etl:1', command='run', user='{{ ds }}')")
    assert "user" not in own
    assert finding(found, "user").todo


@pytest.mark.parametrize(
    "task",
    [
        "DockerOperator(task_id='a', image='e:1', command='run', {})",
        "KubernetesPodOperator(task_id='a', image='e:1', cmds=['run'], {})",
        "BashOperator(task_id='a', bash_command='run', {})",
    ],
)
def test_an_exit_code_that_skips_a_task_is_not_repeated_and_asks(task: str) -> None:
    for given, codes in (("99", ["99"]), ("[3, 4]", ["3", "4"])):
        found, own = task_job(task.format(f"retries=2, skip_on_exit_code={given}"))
        rules = [{"action": "EXIT", "on_exit_code": code} for code in codes]
        assert own["evaluate_on_exit"] == [*rules, {"action": "RETRY", "on_reason": "*"}]
        assert finding(found, "skip_on_exit_code").todo
    # AND without retries, or with more codes than Batch has rules, it is said all the same
    for given in ("retries=0, skip_on_exit_code=99", "retries=2, skip_on_exit_code=[1, 2, 3, 4, 5]"):
        found, own = task_job(task.format(given))
        assert "evaluate_on_exit" not in own
        assert finding(found, "skip_on_exit_code").todo
    found, _ = task_job(task.format("retries=2, skip_on_exit_code=None"))
    assert not finding(found, "skip_on_exit_code").todo


def test_bash_skips_with_99_where_nothing_is_said() -> None:
    found, own = task_job("BashOperator(task_id='a', bash_command='test -e in || exit 99; run', retries=1)")
    assert own["evaluate_on_exit"][0] == {"action": "EXIT", "on_exit_code": "99"}
    assert finding(found, "skip_on_exit_code").todo
    found, own = task_job("BashOperator(task_id='a', bash_command='exit 99', skip_on_exit_code=None, retries=1)")
    assert "evaluate_on_exit" not in own


def test_bash() -> None:
    found, own = task_job(
        "BashOperator(task_id='a', bash_command='run -x', cwd='/app dir', env={'A': 'b'}, append_env=True)"
    )
    assert own["command"] == ["bash", "-c", "cd '/app dir' && run -x"]
    assert own["environment"] == {"A": "b"}
    assert not found.needs_person
    assert finding(result(image=""), "BashOperator").todo
    file, _ = task_job("BashOperator(task_id='a', bash_command='run.sh')")
    assert file.needs_person


@pytest.mark.parametrize("template", ["{{ ds }}", "{% if x %}1{% endif %}", "{{ var.value.x }}"])
def test_templates_are_for_a_person(template: str) -> None:
    found, own = task_job(f"BashOperator(task_id='a', bash_command='run {template}')")
    assert template in own["command"][2]
    assert finding(found, "bash_command").todo
    pod, _ = task_job(
        f"KubernetesPodOperator(task_id='a', image='e:{{{{ ds }}}}', cmds=['x'], env_vars={{'A': '{template}'}})"
    )
    assert {each.field for each in pod.imported.findings.decisions()} == {"cmds", "image", "env_vars.A"}


@pytest.mark.parametrize(
    "task",
    [
        "BashOperator(task_id='a', bash_command='run --password {}')",
        "BashOperator(task_id='a', bash_command='PASSWORD={} run')",
        "BashOperator(task_id='a', bash_command='run', env={{'API_TOKEN': '{}'}})",
        "KubernetesPodOperator(task_id='a', image='x', cmds=['run', '--password'], arguments=['{}'])",
        "KubernetesPodOperator(task_id='a', image='x', cmds=['run'], env_vars={{'DB_PASSWORD': '{}'}})",
        "DockerOperator(task_id='a', image='x', command='run --password {}')",
        "DockerOperator(task_id='a', image='x', command='run', private_environment={{'A': '{}'}})",
        "BatchOperator(task_id='a', job_definition='x', overrides={{'command': ['run', '--password', '{}']}})",
        "BatchOperator(task_id='a', job_definition='x', parameters={{'password': '{}'}})",
        "PythonOperator(task_id='a', python_callable=build, op_kwargs={{'password': '{}'}})",
        "PythonOperator(task_id='a', python_callable=here, op_kwargs={{'password': '{}'}})",
        "HttpSensor(task_id='a', password='{}')",
        "BashOperator(task_id='a', bash_command='run', executor_config=Connection(password='{}'))",
        "BashOperator(task_id='a', bash_command='run', executor_config={{'password': '{}'}})",
    ],
)
def test_secrets_are_in_no_file(task: str) -> None:
    found = result(body=f"{ONE.replace('a', 'other', 1)}\nx = {task.format('hunter2hunter2')}")
    assert "hunter2" not in sources.outcome(found)
    assert found.needs_person


def test_a_function_of_a_module_is_called_and_one_of_the_file_is_for_a_person() -> None:
    found, own = task_job("PythonOperator(task_id='a', python_callable=build, op_args=[1], op_kwargs={'day': 'x'})")
    assert own["command"] == ["python", "-c", "from reports.daily import build; build(1, day='x')"]
    assert "put the module into the image" in finding(found, "python_callable").todo
    body = "def f():\n    pass\na = PythonOperator(task_id='a', python_callable=f, op_kwargs={'x': 1})"
    found = result(body=body)
    assert job(found)["command"] == ["sh", "-c", "echo 'FILL IN: a program with the function f' >&2; exit 1"]
    assert "move it into a program" in finding(found, "python_callable").todo


def test_taskflow() -> None:
    body = """
@task(retries=2)
def extract():
    return 1

@task.docker(image='etl:1')
def load(value):
    print(value)

@task.branch
def choose():
    return 'x'

load(extract())
choose()
"""
    jobs = sources.jobs(found := result(body=body))
    assert jobs["d-extract"]["attempts"] == 3
    assert jobs["d-load"]["after"] == "d-extract"
    assert jobs["d-load"]["image"] == {"repository": "docker.io/library/etl", "tag": "1"}
    assert "@task.branch runs in Airflow" in finding(found, "d.choose").note


def test_other_operators_are_refused_by_name() -> None:
    body = f"{ONE}\nt = TriggerDagRunOperator(task_id='t', trigger_dag_id='other')\na >> t"
    found = result(body=body)
    assert list(sources.jobs(found)) == ["d-a"]
    assert "first jobs of that DAG" in finding(found, "d.t").todo


# Constants


@pytest.mark.parametrize(
    ("before", "value", "expected"),
    [
        ("X = 'a'\nY = f'{X}:1'", "Y", "a:1"),
        ("X = 'a'", "X + ':' + str(2)", "a:2"),
        ("C = {'image': {'name': 'a:3'}}", "C['image']['name']", "a:3"),
        ("class C:\n    IMAGE = 'a:4'", "C.IMAGE", "a:4"),
        ("X = ['a', '5']", "':'.join(X)", "a:5"),
        ("A, B = 'a', 'b'", "f'{B}:{2 * 3 + 1 - 1}'", "b:6"),
        ("C = dict(image='a:7')\nC['image'] = 'b:7'", "C['image']", "b:7"),
        ("X = 'a'\nX += ':8'", "X", "a:8"),
    ],
)
def test_constants_are_followed(before: str, value: str, expected: str) -> None:
    found = result(body=f"a = KubernetesPodOperator(task_id='a', image={value}, cmds=['x'])", before=before)
    repository, _, tag = expected.partition(":")
    assert job(found)["image"] == {"repository": f"docker.io/library/{repository}", "tag": tag}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("os.environ['I']", "read from the environment"),
        ("os.getenv('I', 'x')", "read from the environment"),
        ("f\"a:{os.environ['T']}\"", "read from the environment"),
        ("Variable.get('i')", "read from Airflow"),
        ("config.image", "not a constant"),
        ("'a' if x else 'b'", "not a constant"),
        ("(lambda: 'a')()", "not a constant"),
        ("f'{1:>10}'", "not a constant"),
    ],
)
def test_what_is_no_constant_is_named(value: str, why: str) -> None:
    found = result(body=f"a = KubernetesPodOperator(task_id='a', image={value}, cmds=['x'])")
    assert why in finding(found, "image").note or "no constant" in finding(found, "image").note
    assert finding(found, "image").todo
