"""CronJobs and Jobs of Kubernetes, in YAML or JSON: files, what `helm template` prints, what `kubectl get` prints."""

from __future__ import annotations

from collections.abc import Sequence

from batchtab.errors import UsageError
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.kubernetes import cron_jobs
from batchtab.importers.kinds.kubernetes.objects import Objects, read_objects
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of the CronJobs and Jobs in the files; other objects explain them, such as ConfigMaps.

    Raises:
        UsageError: A file cannot be read, or none has a CronJob or a Job.
    """
    imported = Imported()
    objects = Objects(read_objects(files, imported.findings))
    for each in objects.of_kinds(*cron_jobs.KINDS):
        cron_jobs.add(each, objects, options, imported)
    if not imported.jobs:
        names = ", ".join(str(file.path) for file in files)
        raise UsageError(f"{names}: no CronJob or Job that can be imported", "batch/v1, as kubectl prints it")
    objects.report_others(imported.findings)
    return imported
