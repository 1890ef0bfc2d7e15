"""DAGs of the wild, rewritten small: how many jobs, what a person has to do, and the settings that matter."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.importers import sources

from batchtab.errors import UsageError
from batchtab.importers import importing
from batchtab.importers.importing import Result
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

FOLDER = Path(__file__).parents[2] / "fixtures" / "importers" / "airflow"
#: File, number of jobs, the fields that need a person, and settings of jobs by name.
EXPECTED: list[tuple[str, int, list[str], dict[str, dict[str, Any]]]] = [
    ("01-batch-no-schedule.py", 1, ["job_definition"], {"capstone": {"schedule": "0 0 * * *", "attempts": 2}}),
    ("02-batch-once.py", 1, ["schedule_interval", "job_definition"], {"capstone-dag": {"tags": {"owner": "Airflow"}}}),
    (
        "03-batch-decorator.py",
        1,
        ["job_definition"],
        {
            "building-footprints-dag-submit-batch-job": {
                "command": ["python", "-m", "jobs.geo.load_footprints"],
                "schedule": "@daily",
                "vcpus": 8,
                "memory_mib": 32768,
                "attempts": 3,
            }
        },
    ),
    ("04-ecs-fargate.py", 1, ["task_definition"], {"unw-fargate": {"command": ["echo", "hello", "world"]}}),
    ("05-pod-weekdays.py", 1, [], {"dag-with-k8s": {"schedule": "0 3 * * Tue-Fri", "attempts": 6}}),
    (
        "06-pod-timedelta.py",
        1,
        [],
        {"kube-operator": {"schedule": "30 4 * * *", "command": ["python", "-c", "print('hello world')"]}},
    ),
    ("07-pod-environment.py", 1, ["cmds", "image"], {"example-pod": {"command": ["/bin/bash", "-c", "python -v"]}}),
    (
        "08-docker-seoul.py",
        1,
        [],
        {
            "crawl-naver-blog": {
                "schedule": "0 */6 * * *",
                "timezone": "Asia/Seoul",
                "concurrency_policy": "queue",
                "command": ["crawl", "--from", "2 days ago", "--out", "s3://blogs"],
                "memory_mib": 4096,
            }
        },
    ),
    (
        "09-tutorial.py",
        3,
        ["bash_command", "tutorial.BashOperator"],
        {
            "tutorial-print-date": {"schedule": "0 0 * * *", "description": "Prints the date."},
            "tutorial-sleep": {"after": "tutorial-print-date", "attempts": 4},
        },
    ),
    (
        "10-taskflow.py",
        3,
        ["python_callable", "python_callable", "python_callable"],
        {"tutorial-taskflow-api-load": {"after": "tutorial-taskflow-api-transform", "description": "Orders."}},
    ),
    (
        "11-task-group.py",
        6,
        ["example_task_group.BashOperator"],
        {
            "example-task-group-section-1-task-1-2": {"except": ["cron(0 6 1,15 * ? *)"]},
            "example-task-group-section-2-inner-section-2-task-2": {
                "after_all": ["example-task-group-section-1-task-2", "example-task-group-section-1-task-3"]
            },
        },
    ),
    (
        "12-loop.py",
        2,
        ["dependency", "bash_command"]
        + [f"example_bash_operator.{each}" for each in ("dagrun_timeout", "BashOperator")]
        + ["statement"],
        {"example-bash-operator-also-run-this": {"schedule": "0 0 * * *"}},
    ),
    (
        "13-dagfactory-pod.yml",
        1,
        [],
        {
            "kubernetes-pod-dag": {
                "image": {"repository": "docker.io/library/python", "tag": "3.12-slim"},
                "schedule": "@daily",
                "vcpus": 1,
                "memory_mib": 2048,
            }
        },
    ),
    (
        "14-dagfactory-groups.yml",
        3,
        ["task_group.max_active_runs", "task_group.BashOperator"],
        {"task-group-task-4": {"after": "task-group-task-1", "attempts": 2, "concurrency_policy": "queue"}},
    ),
    ("15-dagfactory-timetable.yml", 1, ["BashOperator"], {"timetable-schedule": {"schedule": "0 1 * * 3"}}),
    (
        "16-mwaa-serverless.yaml",
        1,
        ["job_definition"],
        {"simple-dag-run-job": {"schedule": "17 3 * * *", "environment": {"REGION": "eu-west-1"}}},
    ),
]


def result(name: str) -> Result:
    return sources.imported("airflow", (FOLDER / name).read_text(encoding="utf-8"), name)


@pytest.mark.parametrize(("name", "count", "decisions", "golden"), EXPECTED, ids=[each[0] for each in EXPECTED])
def test_real_dags(name: str, count: int, decisions: list[str], golden: dict[str, dict[str, Any]]) -> None:
    # WHEN the file is imported
    found = result(name)
    jobs = sources.jobs(found)
    # THEN its jobs have the settings that matter, start when the DAG did, and what is left is for a person
    assert len(jobs) == count
    for job, settings in golden.items():
        assert {field: jobs[job].get(field) for field in settings} == settings
    assert sorted(each.field for each in found.imported.findings.decisions()) == sorted(decisions)
    assert all(each.is_expected for each in found.proven)
    scheduled = {name for name, settings in jobs.items() if "schedule" in settings}
    assert scheduled == {job for each in found.proven for job in each.fires.jobs}
    assert not [each.field for each in found.imported.findings if "does not know" in each.note]


def test_every_source_of_the_folder_is_expected() -> None:
    assert [each.name for each in sorted(FOLDER.iterdir())] == [each[0] for each in EXPECTED]


RICH_YAML = """
default:
  default_args: {owner: me, retries: 2, retry_delay_sec: 300, start_date: 2090-01-01, email_on_failure: true}
  timezone: Asia/Seoul
  max_active_runs: 1
nightly:
  description: Loads orders
  schedule: 30 2 * * *
  end_date: 2091-01-01
  catchup: true
  tags: [etl]
  dagrun_timeout_sec: 7200
  task_groups:
    - group_name: loads
      tooltip: Loads
      dependencies: [extract]
      default_args: {retries: 5}
  tasks:
    - task_id: extract
      operator: airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator
      image: etl:1
      cmds: [python]
      arguments: [-m, extract]
      env_vars: {A: b, C: d}
      container_resources:
        __type__: kubernetes.client.models.V1ResourceRequirements
        limits: {cpu: "3", memory: 9Gi}
      execution_timeout_secs: 600
      service_account_name: etl
      secrets: [{deploy_type: env, deploy_target: TOKEN, secret: api, key: token}]
    - task_id: load
      operator: airflow.providers.amazon.aws.operators.batch.BatchOperator
      task_group_name: loads
      job_name: load
      job_definition: load:7
      job_queue: nightly
      container_overrides:
        command: [load, fast]
        environment: [{name: R, value: s}]
        resourceRequirements: [{type: VCPU, value: "4"}, {type: MEMORY, value: "9000"}]
      array_properties: {size: 3}
      trigger_rule: all_done
    - task_id: wait
      operator: airflow.providers.amazon.aws.sensors.s3.S3KeySensor
      bucket_key: s3://a/b
      dependencies: [extract]
"""


def test_no_field_of_yaml_is_without_effect() -> None:
    document = yaml.safe_load(RICH_YAML)
    text = yaml.safe_dump(document, sort_keys=False)
    whole = sources.outcome(sources.imported("airflow", text, years=1))
    count = 0
    for path, changed in sources.without_one(document):
        try:
            found = sources.outcome(sources.imported("airflow", yaml.safe_dump(changed, sort_keys=False), years=1))
        except UsageError:
            continue
        count += 1
        assert found != whole, path
    assert count > 60


RICH_PYTHON = """
from datetime import timedelta
import pendulum
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.providers.docker.operators.docker import DockerOperator
from airflow.utils.task_group import TaskGroup

with DAG(
    'nightly',
    default_args={'owner': 'me', 'retries': 2, 'retry_delay': timedelta(minutes=5), 'pool': 'db'},
    schedule_interval='30 2 * * *',
    start_date=pendulum.datetime(2090, 1, 1, tz='Asia/Seoul'),
    end_date=pendulum.datetime(2091, 1, 1),
    catchup=True,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    description='Loads orders',
    tags=['etl'],
    on_failure_callback=notify,
    is_paused_upon_creation=True,
    params={'a': 1},
) as dag:
    start = EmptyOperator(task_id='start', trigger_rule='one_done')
    extract = EcsRunTaskOperator(
        task_id='extract',
        cluster='c',
        task_definition='t:1',
        launch_type='FARGATE',
        overrides={
            'containerOverrides': [{'name': 'main', 'command': ['go'], 'environment': [{'name': 'A', 'value': 'b'}]}],
            'cpu': '2048',
            'memory': '9000',
            'taskRoleArn': 'arn:aws:iam::123456789012:role/r',
        },
        network_configuration={'awsvpcConfiguration': {'subnets': ['s'], 'assignPublicIp': 'ENABLED'}},
        tags={'k': 'v'},
        depends_on_past=True,
        sla=timedelta(hours=1),
        execution_timeout=timedelta(hours=1),
    )
    with TaskGroup('loads', tooltip='Loads', default_args={'retries': 4}) as loads:
        load = DockerOperator(
            task_id='load',
            image='etl:1',
            command='load --fast',
            environment={'A': 'b'},
            mem_limit='3g',
            cpus=2,
            mounts=['x'],
            network_mode='host',
            trigger_rule='all_done',
            priority_weight=3,
        )
    tidy = BashOperator(
        task_id='tidy', bash_command='tidy {{ ds }}', env={'A': 'b'}, cwd='/app', retries=1, outlets=[data]
    )
    start >> extract >> loads >> tidy
"""


def test_no_argument_of_python_is_without_effect() -> None:
    tree = ast.parse(RICH_PYTHON)
    whole = sources.outcome(sources.imported("airflow", ast.unparse(tree), "d.py", years=1))
    count = 0
    for what, changed in _without_one(tree):
        try:
            found = sources.outcome(sources.imported("airflow", ast.unparse(changed), "d.py", years=1))
        except UsageError:
            continue
        count += 1
        assert found != whole, what
    assert count > 60


def _without_one(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """The file without one of its arguments, items of mappings or statements."""
    for index, node in enumerate(ast.walk(tree)):
        parts: list[tuple[str, int]] = []
        if isinstance(node, ast.Call):
            parts = [("keywords", number) for number in range(len(node.keywords))]
        elif isinstance(node, ast.Dict):
            parts = [("keys", number) for number in range(len(node.keys))]
        elif isinstance(node, ast.With) and len(node.body) > 1:
            parts = [("body", number) for number in range(len(node.body))]
        for field, number in parts:
            changed = copy.deepcopy(tree)
            other = [*ast.walk(changed)][index]
            if field == "keys" and isinstance(other, ast.Dict):
                del other.values[number]
            del getattr(other, field)[number]
            yield f"line {getattr(node, 'lineno', 0)}: {field}[{number}]", changed


def bomb(depth: int) -> str:
    return "a0 = 'xx'\n" + "".join(f"a{n} = f'{{a{n - 1}}}{{a{n - 1}}}'\n" for n in range(1, depth))


DAG = "from airflow import DAG\nfrom airflow.operators.bash import BashOperator\n"
TASK = "with DAG('d', schedule='@daily') as d:\n    a = BashOperator(task_id='a', bash_command={})\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\n",
        "def f(:\n",
        "\x00",
        "import os\nos.system('exit 1')\n",
        "(" * 5000,
        "x = " + "-" * 5000 + "1",
        "x = " + "[" * 60 + "]" * 60,
        DAG + "DAG('d', schedule='@daily')\n",
        DAG + "for i in range(10**9):\n    DAG(str(i))\n",
        DAG + TASK.format("9" * 5000),
        "from airflow.decorators import dag\n@dag\ndef f():\n    f()\nf()\n",
        "from airflow.sdk import dag, task_group\n@task_group\ndef g():\n    g()\n@dag\ndef f():\n    g()\nf()\n",
    ],
)
def test_files_without_a_dag_or_that_are_broken_are_one_line(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        sources.imported("airflow", text, "d.py")
    assert "\n" not in str(raised.value)
    assert "d.py" in str(raised.value) or "no job" in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        bomb(60) + DAG + TASK.format("a59"),
        "a0 = [1] \n" + "".join(f"a{n} = [a{n - 1}, a{n - 1}]\n" for n in range(1, 60)) + DAG + TASK.format("a59"),
        DAG + TASK.format("'x' * 10**9"),
        DAG + TASK.format("9 ** 9 ** 9 ** 9"),
        DAG + TASK.format("__import__('os').system('exit 1')"),
        DAG + TASK.format("eval('1/0')"),
        DAG + TASK.format("open('/etc/passwd').read()"),
        DAG + TASK.format("1/0"),
        DAG + TASK.format("'\\ud800'"),
    ],
)
def test_values_are_never_computed_by_running_and_never_fill_the_memory(text: str) -> None:
    found = sources.imported("airflow", text, "d.py")
    assert found.needs_person
    assert sources.jobs(found)["d"]["schedule"] == "@daily"


def test_names_may_be_of_any_script_and_may_repeat() -> None:
    body = "".join(f"    a{n} = BashOperator(task_id='로드', bash_command='x')\n" for n in range(3))
    found = sources.imported("airflow", f"{DAG}with DAG('일간', schedule='@daily') as d:\n{body}", "d.py")
    assert list(sources.jobs(found)) == ["job", "job-2", "job-3"]


def test_dates_and_lengths_out_of_range_are_reported() -> None:
    for arguments in (
        "start_date=datetime(0, 1, 1)",
        "start_date=datetime(10**9, 1, 1)",
        "end_date=datetime(9999, 12, 31)",
    ):
        found = sources.imported(
            "airflow", DAG + TASK.format("'x'").replace("schedule=", f"{arguments}, schedule="), "d.py"
        )
        assert "schedule" in sources.jobs(found)["d"]
    text = DAG + TASK.format("'x', execution_timeout=timedelta(days=10**12), retries=10**30")
    found = sources.imported("airflow", text, "d.py")
    assert {"execution_timeout"} <= {each.field for each in found.imported.findings.decisions()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1",
        "- a",
        "a: {tasks: 1}",
        "a: {tasks: {}}",
        "a: {tasks: [{operator: x}]}",
        "default: 1\na: {tasks: {}}",
        "a: [",
        "a: {tasks: {b: {operator: !!python/object/apply:os.system ['exit 1'], bash_command: x}}}",
        "a: " * 3000,
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
    ],
)
def test_broken_yaml_is_one_line(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        sources.imported("airflow", text)
    assert "\n" not in str(raised.value)


def test_a_broken_task_among_good_ones_is_reported() -> None:
    text = """
d:
  schedule: '@daily'
  tasks:
    good: {operator: a.BashOperator, bash_command: date}
    bad: 7
    other: {operator: a.BashOperator, bash_command: [1], dependencies: [missing]}
    good-too: {operator: a.BashOperator, bash_command: !env X, task_group_name: g}
  task_groups: {g: {parent_group_name: h}, h: {parent_group_name: g}}
note: not a DAG
"""
    found = sources.imported("airflow", text)
    assert list(sources.jobs(found)) == ["d-good", "d-other", "d-good-too"]
    decisions = {each.field for each in found.imported.findings.decisions()}
    assert {"bad", "other.dependencies", "note", "bash_command"} <= decisions


def test_a_file_without_a_dag_among_others_is_reported() -> None:
    files = [SourceFile(Path("a.py"), DAG + TASK.format("'x'")), SourceFile(Path("tools.py"), "x = 1\n")]
    options = Options(image="a:1")
    found = importing.run("airflow", files, options, since=sources.SINCE, years=1, is_proven=True, command="x")
    (finding,) = [each for each in found.imported.findings if each.field == "file"]
    assert (finding.place, finding.note) == ("tools.py:1", "it has no DAG")
    assert not found.needs_person
