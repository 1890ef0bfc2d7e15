"""Scheduled functions of Lambda: SAM, CloudFormation, CDK's output, and the Serverless Framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from batchtab.errors import UsageError
from batchtab.importers.imported import Imported
from batchtab.importers.kinds.lambda_functions import cloudformation, serverless
from batchtab.importers.options import Options
from batchtab.importers.source_file import SourceFile

_EXPECTED = "a template of SAM or CloudFormation with Resources, or a serverless.yml with functions"


def read(files: Sequence[SourceFile], options: Options) -> Imported:
    """Jobs of scheduled functions.

    Raises:
        UsageError: A file is neither a template nor a serverless.yml, or has no scheduled function.
    """
    imported = Imported()
    for file in files:
        for document in file.documents():
            if isinstance(document, Mapping) and isinstance(document.get("Resources"), Mapping):
                cloudformation.read(file, document, options, imported)
            elif isinstance(document, Mapping) and isinstance(document.get("functions"), (Mapping, list)):
                serverless.read(file, document, options, imported)
            else:
                raise UsageError(f"{file.path} is no source of lambda", _EXPECTED)
    if not imported.jobs:
        raise UsageError(f"{', '.join(str(each.path) for each in files)} has no document", _EXPECTED)
    return imported
