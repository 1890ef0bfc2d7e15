"""Airflow's DAGs: Python files, which are read but not run, and YAML of dag-factory and Amazon MWAA Serverless."""

from __future__ import annotations

from collections.abc import Sequence

from batchtab.errors import UsageError
from batchtab.importers.findings import Recorder
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.airflow import python_file, yaml_file
from batchtab.importers.kinds.airflow.dag import DagImport
from batchtab.importers.kinds.airflow.model import Dag
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_VERSIONS = ("2", "3")
_YAML = {".yaml", ".yml", ".json"}


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of DAGs, one of each task that runs a container or a command.

    Raises:
        UsageError: A file is neither Python nor YAML, or has no DAG.
    """
    version = options.settings.get("airflow", "")
    if version and version not in _VERSIONS:
        raise UsageError(f"--set airflow={version} is not a version: {' or '.join(_VERSIONS)}")
    imported = Imported()
    found = [(file, _dags(file)) for file in files]
    if not any(dags for _, dags in found):
        names = ", ".join(str(file.path) for file in files)
        raise UsageError(
            f"{names} has no DAG", "a DAG is made by DAG(…), by a function with @dag, or by dag-factory's YAML"
        )
    for file, dags in found:
        if not dags:
            Recorder(imported.findings, "", file.at(1)).not_carried("file", file.name, "it has no DAG")
        for dag in dags:
            DagImport(dag, file, options, imported, version or _version(file)).run()
    return imported


def _dags(file: SourceFile) -> list[Dag]:
    return yaml_file.read(file) if file.path.suffix.lower() in _YAML else python_file.read(file)


def _version(file: SourceFile) -> str:
    """The version that a file is written for, by what only that version has; else the newest."""
    if any(each in file.text for each in ("airflow.sdk", "airflow.providers.standard")):
        return "3"
    old = (
        "schedule_interval",
        "days_ago",
        "airflow.contrib",
        "airflow.operators.",
        "timetable=",
        "airflow.models import DAG",
    )
    return "2" if any(each in file.text for each in old) else "3"
