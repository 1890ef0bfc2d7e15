"""A DAG as jobs: which tasks are jobs, what starts each of them, and what the DAG says for all."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Fires, Imported, ImportedJob
from batchtab.importers.kinds.airflow import (
    aws_operators,
    dag_fields,
    docker_operator,
    graph,
    pod_operator,
    schedule,
    tasks,
    worker_operators,
)
from batchtab.importers.kinds.airflow.graph import Upstream
from batchtab.importers.kinds.airflow.model import Dag, Task
from batchtab.importers.kinds.airflow.schedule import Schedule
from batchtab.importers.kinds.airflow.values import Arguments, is_plain
from batchtab.importers.naming import job_name
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_Settings = dict[str, Any]
_OPERATORS: dict[str, Callable[[Node, _Settings, Options], None]] = {
    **dict.fromkeys(("BatchOperator", "AwsBatchOperator", "AWSBatchOperator"), aws_operators.batch),
    **dict.fromkeys(("EcsRunTaskOperator", "ECSOperator", "EcsOperator"), aws_operators.ecs),
    **dict.fromkeys(
        ("KubernetesPodOperator", "EksPodOperator", "GKEStartPodOperator"), pod_operator.pod
    ),
    "DockerOperator": docker_operator.docker,
    "BashOperator": worker_operators.bash,
}  # fmt: skip
_PYTHON = ("PythonOperator", "PythonVirtualenvOperator", "ExternalPythonOperator")
#: Decorators of tasks that decide which other tasks run.
_NO_WORK = ("@task.branch", "@task.sensor", "@task.short_circuit", "@task.run_if", "@task.skip_if")
_OF_STARTS = ("concurrency_policy", "pause_on_failure")
_OF_DAG = ("start_date", "end_date")


class DagImport:
    """Adds the jobs of a DAG to an import.

    Args:
        dag: The DAG.
        file: Its file.
        options: What the command line says.
        imported: Where jobs, findings and schedules go.
        version: Airflow's: 2 or 3.
    """

    def __init__(self, dag: Dag, file: SourceFile, options: Options, imported: Imported, version: str) -> None:
        self.dag, self.file, self.options, self.imported, self.version = dag, file, options, imported, version
        self.jobs: dict[str, tuple[str, ...]] = {}

    def run(self) -> None:
        """Add them."""
        graph_ = graph.of(self.dag, lambda task: task.operator in _OPERATORS or _is_python(task))
        self._name(graph_.carried)
        place = self.dag.place
        is_one = len(graph_.carried) == 1
        recorder = Recorder(self.imported.findings, self.jobs[graph_.carried[0]][0] if is_one else "", place)
        path = "" if is_one else self.dag.id
        node, defaults = (
            Node(self.dag.arguments, recorder, path),
            Node(self.dag.defaults, recorder, f"{path}.default_args".lstrip(".")),
        )
        node.change("dag_id", "the job's name" if is_one else "the beginning of the jobs' names")
        found = schedule.of_dag(node, defaults, self.options.timezone, self.version)
        shared, limits = dag_fields.read(node, self.dag, graph_.carried, found)
        self._split(graph_, found)
        for task in self.dag.tasks.values():
            if task.id in graph_.carried:
                self._add(task, graph_.upstream[task.id], found, shared, limits)
            else:
                self._leave(task, graph_.passed)
        self._of_worker(recorder, path)
        if graph_.carried:
            how = "read_only_root_filesystem: false: there, a container may write to its disk"
            recorder.changed(f"{path}.container".lstrip("."), "none given", how)
        for each in self.dag.problems:
            Recorder(self.imported.findings, recorder.job, each.place).not_carried(
                each.what, each.value, each.why, each.todo
            )
        if not self.dag.tasks:
            recorder.not_carried("tasks", "none found", "the DAG has no task that can be read", "write its jobs")

    def _of_worker(self, recorder: Recorder, path: str) -> None:
        """One finding for all tasks of Bash, which have the programs and files of Airflow's worker."""
        found = [each.id for each in self.dag.tasks.values() if each.operator == "BashOperator"]
        if found and not self.options.image:
            todo = "make sure that the image has the programs and files that they use, or give another by --image"
            name = f"{path}.BashOperator".lstrip(".")
            recorder.changed(name, found, "they ran on Airflow's worker, and run in the runner image", todo)

    def _name(self, carried: list[str]) -> None:
        taken = {each.name for each in self.imported.jobs} | {each.job for each in self.imported.findings}
        for task in carried:
            text = self.dag.id if len(self.dag.tasks) == 1 else f"{self.dag.id}-{task}"
            name = job_name(text if re.search("[A-Za-z]", text) else "", taken)
            self.jobs[task] = (name,)
            taken.add(name)

    def _split(self, graph_: graph.Graph, found: Schedule) -> None:
        """A schedule that needs several jobs makes several of each first task."""
        taken = {name for names in self.jobs.values() for name in names} | {each.name for each in self.imported.jobs}
        for task in graph_.carried:
            if graph_.upstream[task].is_root:
                for _ in found.jobs[1:]:
                    name = job_name(self.jobs[task][0], taken)
                    self.jobs[task] += (name,)
                    taken.add(name)

    def _arguments(self, task: Task) -> tuple[Arguments, list[str]]:
        """A task's arguments with those of default_args, and the names of those that it overrides."""
        defaults = {name: each for name, each in self.dag.defaults.items() if name not in _OF_DAG}
        overridden = [name for name in defaults if name in task.arguments]
        lines = {**self.dag.defaults.lines, **task.arguments.lines}
        return Arguments({**defaults, **task.arguments}, lines), overridden

    def _add(self, task: Task, upstream: Upstream, found: Schedule, shared: _Settings, limits: tasks.Limits) -> None:
        names = self.jobs[task.id]
        recorder = Recorder(self.imported.findings, names[0], task.place)
        if len(self.dag.tasks) > 1 or task.id != self.dag.id:
            recorder.changed("task_id", task.id, "the job's name")
        arguments, overridden = self._arguments(task)
        for name in overridden:
            value = self.dag.defaults[name]
            recorder.not_carried(
                f"default_args.{name}", value if is_plain(value) else str(value), "this task says otherwise"
            )
        node = Node(arguments, recorder)
        starts = graph.starts(node, upstream, self.jobs, recorder)
        own = tasks.settings(node, limits, is_root=upstream.is_root or "after" in starts)
        settings = {**shared, "read_only_root_filesystem": False, **own}
        if "tags" in shared and "tags" in own:
            settings["tags"] = {**shared["tags"], **own["tags"]}
        if task.is_mapped:
            why = "it makes as many tasks as its input has, which only a run shows"
            recorder.not_carried("expand", task.id, why, "write array_size, or a job for each")
        if _is_python(task):
            worker_operators.python(task, node, settings, self.options)
        else:
            _OPERATORS[task.operator](node, settings, self.options)
        if upstream.is_root and not upstream.refused:
            self._start(names, settings, found, task)
        else:
            self.imported.jobs.append(ImportedJob(names[0], task.place, {**_with_effect(settings, starts), **starts}))

    def _start(self, names: tuple[str, ...], settings: _Settings, found: Schedule, task: Task) -> None:
        for index, name in enumerate(names):
            own = found.jobs[index] if found.jobs else {}
            self.imported.jobs.append(ImportedJob(name, task.place, {**_with_effect(settings, own), **own}))
        if found.clock is not None:
            self.imported.fires.append(Fires(found.clock, names))

    def _leave(self, task: Task, passed: frozenset[str]) -> None:
        """A task that is no job: it has no work, or it is refused by name."""
        recorder = Recorder(self.imported.findings, "", task.place)
        arguments = Arguments(task.arguments, task.arguments.lines)
        name = f"{self.dag.id}.{task.id}"
        for left, right in self.dag.edges:
            if right == task.id:
                at = recorder.at(self.dag.edges[left, right])
                at.not_carried(f"{name}.dependency", f"{left} >> {right}", f"{task.id} is no job")
        if task.id in passed:
            why = "it has no work: the jobs after it come after those before it"
            recorder.changed(name, task.operator, why)
            rule = arguments.get("trigger_rule", "all_success")
            if graph.rule_name(rule) not in graph.SAME_AS_ALL_SUCCESS:
                todo = "write after_status in the jobs that come after it"
                recorder.not_carried(f"{name}.trigger_rule", str(rule), "the task is no job", todo)
                arguments.pop("trigger_rule", None)
            Node(arguments, recorder, name).rest("it has no work", "")
            return
        why, todo = graph.refusal(task.operator)
        recorder.not_carried(name, task.operator, why, todo)
        Node(arguments, recorder, name).rest("its task is not carried", "")


def _with_effect(settings: _Settings, start: _Settings) -> _Settings:
    """Without what has no effect in a job that nothing starts, which jobs.yaml refuses."""
    return settings if start else {name: each for name, each in settings.items() if name not in _OF_STARTS}


def _is_python(task: Task) -> bool:
    return task.operator in _PYTHON or (task.operator.startswith("@task") and not task.operator.startswith(_NO_WORK))
