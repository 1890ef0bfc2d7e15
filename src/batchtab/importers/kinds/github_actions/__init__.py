"""Workflows of GitHub Actions that a schedule starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.github_actions import matrix as matrices
from batchtab.importers.kinds.github_actions.job import Workflow
from batchtab.importers.kinds.github_actions.job import read as read_job
from batchtab.importers.kinds.github_actions.needs import Placed, Places, needs_of, wait
from batchtab.importers.kinds.github_actions.schedule import Schedule, schedules
from batchtab.importers.kinds.github_actions.values import once
from batchtab.importers.naming import job_name, service_name
from batchtab.importers.node import Node
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile, line_of, plain


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of workflows with `on.schedule`.

    Raises:
        UsageError: A file is not a workflow, or has no schedule.
    """
    imported = Imported()
    for file in files:
        documents = file.documents()
        if len(documents) != 1 or not isinstance(documents[0], Mapping) or "jobs" not in documents[0]:
            raise UsageError(f"{file.path} is not a workflow", "a file of .github/workflows, with `on` and `jobs`")
        _workflow(file, documents[0], options, imported)
    if not imported.jobs:
        what = ", ".join(sorted({_name(each.value) for each in imported.findings if each.field.endswith("uses")}))
        names = ", ".join(str(each.path) for each in files)
        is_off = any(each.field.endswith(".if") for each in imported.findings)
        why = f"its steps are actions, which Batch does not run: {what}" if what else "no step of it runs a command"
        why += ", and a condition is false of its schedule" if is_off else ""
        raise UsageError(f"{names} has no job that can be imported: {why}", "keep it on GitHub")
    return imported


def _workflow(file: SourceFile, document: Mapping[str, Any], options: Options, imported: Imported) -> None:
    whole = Recorder(imported.findings, place=file.name)
    top = Node(document, whole)
    title = str(top.change("name", "names of jobs") or file.path.stem)
    top.leave("run-name", "a run has its job's name")
    found = schedules(top, file)
    defaults = top.child("defaults").child("run")
    imported.service = imported.service or service_name(file.path.stem)
    own = {
        key: str(plain(defaults.change(key, "command"))) for key in ("shell", "working-directory") if key in defaults
    }
    name, environment, concurrency = options.service or imported.service, top.child("env").data, top.take("concurrency")
    shared = Workflow(name, environment, own, concurrency, options)
    defaults.rest()
    top.leave("permissions", "they are for GitHub's token")
    jobs = top.child("jobs")
    for schedule in found:
        _Run(file, imported, jobs, shared, schedule, title if len(found) == 1 else f"{title} {schedule.number}").read()
    top.rest()


class _Run:
    """The jobs of a workflow that one of its schedules starts."""

    def __init__(
        self, file: SourceFile, imported: Imported, jobs: Node, workflow: Workflow, schedule: Schedule, title: str
    ) -> None:
        self._file, self._imported, self._jobs = file, imported, jobs
        self._workflow, self._schedule, self._title = workflow, schedule, title
        self._places = Places()

    def read(self) -> None:
        """Import them in the order in which they need each other."""
        waiting = {str(key): self._jobs.child(key) for key in self._jobs.data}
        while waiting:
            ready = [key for key, node in waiting.items() if not {*needs_of(node)} & {*waiting}]
            for key in ready or [*waiting][:1]:  # in a circle, which GitHub refuses, the first begins
                self._job(key, waiting.pop(key))

    def _job(self, key: str, node: Node) -> None:
        line = line_of(self._jobs.data, key)
        place = self._file.at(line) if line else self._file.name
        text = self._title if len(self._jobs.data) == 1 else f"{self._title} {key}"
        found = matrices.combinations((node.data.get("strategy") or {}).get("matrix") if _has_strategy(node) else None)
        recorder = Recorder(self._imported.findings, place=place)
        if "uses" in node:
            todo = "keep it on GitHub, or import the workflow that it calls"
            why = "a reusable workflow is not read"
            recorder.not_carried(f"jobs.{key}.uses", plain(node.data["uses"]), why, once(recorder, f"{todo}: {key}"))
            return
        if not found or len(found) > matrices.MOST:
            many = "only GitHub knows its combinations" if not found else f"has {len(found)} combinations"
            todo = f"write an array job or jobs; up to {matrices.MOST} combinations are imported"
            recorder.not_carried(f"jobs.{key}.strategy.matrix", plain(node.data["strategy"]["matrix"]), many, todo)
            return
        for values in found:
            suffix = " ".join(str(each) for each in values.values() if not isinstance(each, (dict, list)))
            name = job_name(f"{text} {suffix}", {each.name for each in self._imported.jobs})
            self._one(key, name, place, values)

    def _one(self, key: str, name: str, place: str, values: Mapping[str, Any]) -> None:
        node = Node(self._jobs.data[key], Recorder(self._imported.findings, name, place), f"jobs.{key}")
        known = self._schedule.known | {"github.job": key} | matrices.known(values)
        made = read_job(node, self._workflow, known, name, self._places, values)
        if made.end is None:
            self._places.skipped.add(key)
        if made.job is None or made.end is None:
            return
        is_scheduled = wait(node, made.job, made.end, self._places)
        if is_scheduled:
            names = self._schedule.add(self._imported, made.job, node.recorder)
        else:
            names = [name]
            self._imported.jobs.append(made.job)
        waited = () if is_scheduled else tuple(each for each in needs_of(node) if each in self._places.placed)
        self._places.placed.setdefault(key, Placed([], waited, made.end)).groups.append(names)


def _has_strategy(node: Node) -> bool:
    return isinstance(node.data.get("strategy"), Mapping)


def _name(value: object) -> str:
    return str(value).partition("@")[0]
