"""DAGs of YAML files: those of dag-factory and of Amazon MWAA Serverless.

https://astronomer.github.io/dag-factory/latest/configuration/configuring_workflows/
https://docs.aws.amazon.com/mwaa/latest/mwaa-serverless-userguide/supported-airflow-parameters.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.kinds.airflow.dependencies import Dependencies, Group, Reference
from batchtab.importers.kinds.airflow.model import Dag, Problem, Task
from batchtab.importers.kinds.airflow.values import Arguments, Call, Unknown, is_constant
from batchtab.importers.source_file import SourceFile, line_of, tag_of

_DEFAULT = "default"
# dag-factory writes lengths of time in seconds with these endings.
_SECONDS = re.compile(r"(retry_delay|max_retry_delay|execution_timeout|dagrun_timeout|sla)_secs?")
_GROUP_FIELDS = ("group_name", "group_id", "tooltip", "dependencies", "parent_group_name", "prefix_group_id")
_OF_TASK = ("task_id", "operator", "decorator", "dependencies", "task_group_name", "python_callable")


def read(file: SourceFile) -> list[Dag]:
    """The DAGs of a file.

    Raises:
        UsageError: It is not YAML, or has no DAG.
    """
    found: list[Dag] = []
    for document in file.documents():
        if not isinstance(document, Mapping):
            raise UsageError(f"{file.path} is not a file of DAGs: its top is not a mapping")
        default = _arguments(document.get(_DEFAULT, {}), file)
        for name in document:
            body = document[name]
            if name != _DEFAULT and isinstance(body, Mapping) and "tasks" in body:
                found.append(_dag(file, str(name), body, line_of(document, name) or 1, default))
            elif name != _DEFAULT and found:
                _not_a_dag(found[-1], file, document, name)
    if not found:
        raise UsageError(
            f"{file.path} has no DAG: a name with `tasks` below it", "give dag-factory's YAML, or a .py file"
        )
    return found


def _not_a_dag(dag: Dag, file: SourceFile, document: Mapping[str, Any], name: str) -> None:
    place = file.at(line_of(document, name) or 1)
    dag.problems.append(Problem(place, str(name), _value(document[name], file), "is not a DAG with tasks", "check it"))


def _dag(file: SourceFile, name: str, body: Mapping[str, Any], line: int, default: Arguments) -> Dag:
    own = _arguments(body, file)
    tasks, groups = own.pop("tasks"), own.pop("task_groups", {})
    defaults = Arguments()
    for each in (default, own):
        found = each.get("default_args")
        if isinstance(found, Arguments):
            defaults.update(found)
            defaults.lines.update(found.lines)
    arguments = Arguments({**default, **own}, {**default.lines, **own.lines})
    for key in ("default_args", "tasks", "task_groups"):
        arguments.pop(key, None)
    arguments.setdefault("dag_id", name)
    arguments.lines.setdefault("dag_id", line)
    own_id = arguments["dag_id"]
    dag = Dag(own_id if isinstance(own_id, str) else name, file.at(line), arguments, defaults)
    for key in [each for each in default if each in own and each != "default_args"]:
        place = file.at(default.lines.get(key, 1))
        why = f"the DAG {name} says otherwise"
        dag.problems.append(Problem(place, f"default.{key}", default[key], why, ""))
    _read_tasks(file, dag, tasks, groups)
    return dag


def _read_tasks(file: SourceFile, dag: Dag, tasks: Any, groups: Any) -> None:
    made = {name: (Group(name), each) for name, each in _named(groups, "group_name", dag)}
    for own_group, each in made.values():
        outer = str(each.get("parent_group_name"))
        own_group.outer = made[outer][0] if outer in made else None
        defaults = each.get("default_args")
        own_group.defaults = defaults if isinstance(defaults, Arguments) else Arguments()
        for name in each:
            if name not in (*_GROUP_FIELDS, "default_args"):
                place = file.at(each.lines.get(name, 1))
                problem = Problem(
                    place, f"task_groups.{own_group.id}.{name}", each[name], "is not a field of a job", ""
                )
                dag.problems.append(problem)
            elif name == "tooltip":
                place = file.at(each.lines.get(name, 1))
                why = "jobs.yaml has no groups"
                dag.problems.append(Problem(place, f"task_groups.{own_group.id}.tooltip", each[name], why, ""))
    dependencies, references, before = Dependencies(), {}, []
    for name, each in _named(tasks, "task_id", dag):
        own = str(each.get("task_group_name"))
        task = _task(file, dag, name, each)
        for group in _around(made[own][0] if own in made else None):
            group.tasks.append(task.id)
            for field in group.defaults:
                task.arguments.setdefault(field, group.defaults[field])
        references[name] = Reference(dag, task.id)
        before.append((name, each))
    known = {**{name: Reference(dag, name, group) for name, (group, _) in made.items()}, **references}
    for name, each in [*before, *((name, each) for name, (_, each) in made.items())]:
        place = file.at(each.lines.get("dependencies", 1))
        others = each.get("dependencies") or []
        for other in others if isinstance(others, list) else [others]:
            if str(other) in known:
                dependencies.add([known[str(other)]], [known[name]], place)
            else:
                why = f"there is no task or group {other}"
                dag.problems.append(Problem(place, f"{name}.dependencies", str(other), why, "correct the source"))
    dependencies.resolve()


def _around(group: Group | None) -> Iterator[Group]:
    """A group and those around it; a group within itself comes once."""
    seen: list[Group] = []
    while group is not None and all(group is not each for each in seen):
        seen.append(group)
        yield group
        group = group.outer


def _named(items: Any, field: str, dag: Dag) -> Iterator[tuple[str, Arguments]]:
    """Tasks or groups with their names, from a mapping or from a list."""
    if isinstance(items, Mapping):
        for name, each in items.items():
            if isinstance(each, Arguments):
                yield str(each.get(field) or name), each
            else:
                dag.problems.append(Problem(dag.place, str(name), each, "is not a mapping", "correct the source"))
    elif isinstance(items, list):
        for index, each in enumerate(items):
            name = each.get(field) or each.get("group_id") if isinstance(each, Arguments) else None
            if name:
                yield str(name), each
            else:
                dag.problems.append(Problem(dag.place, f"[{index}]", each, f"has no {field}", "correct the source"))
    elif items is not None:
        dag.problems.append(Problem(dag.place, f"{field}s", items, "is not a list or a mapping", "correct the source"))


def _task(file: SourceFile, dag: Dag, name: str, fields: Arguments) -> Task:
    operator = str(fields.get("operator") or fields.get("decorator") or "no operator").rpartition(".")[2]
    operator = f"@{operator}" if "decorator" in fields else operator
    arguments = Arguments({each: value for each, value in fields.items() if each not in _OF_TASK}, fields.lines)
    number, task_id = 1, name
    while task_id in dag.tasks:
        task_id, number = f"{name}__{number}", number + 1
    place = file.at(min(fields.lines.values(), default=1))
    task = Task(task_id, operator, arguments, place, str(fields.get("python_callable") or ""))
    task.is_mapped = "expand" in arguments
    dag.tasks[task_id] = task
    return task


def _arguments(body: Any, file: SourceFile) -> Arguments:
    """A mapping with its lines; lengths of time without their ending `_sec`."""
    if not isinstance(body, Mapping):
        raise UsageError(f"{file.path}: `{_DEFAULT}` is not a mapping")
    found = Arguments()
    for name, each in body.items():
        match = _SECONDS.fullmatch(str(name))
        key = match[1] if match else str(name)
        found[key] = _value(each, file)
        found.lines[key] = line_of(body, name) or 1
    return found


def _value(value: Any, file: SourceFile) -> Any:
    tag = tag_of(value)
    if tag:
        return Unknown(f"{tag} {getattr(value, 'value', '…')}", f"has the tag {tag}")
    if isinstance(value, Mapping):
        kind = value.get("__type__")
        if isinstance(kind, str):
            named = {str(name): _value(each, file) for name, each in value.items() if not str(name).startswith("__")}
            arguments = value.get("__args__")
            by_position = tuple(_value(each, file) for each in arguments) if isinstance(arguments, list) else ()
            shown = ", ".join([*map(repr, by_position), *(f"{name}={each!r}" for name, each in named.items())])
            return Call(kind, by_position, named, f"{kind.rpartition('.')[2]}({shown})")
        return _arguments(value, file)
    if isinstance(value, (list, tuple)):
        return [_value(each, file) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value) if is_constant(plain(value)) else Unknown(repr(value), "has control characters")
    return value
