"""Whether the Batchtab that runs is the version that a project's files are of."""

from __future__ import annotations

from pathlib import Path

from batchtab.project.manifest import FILE_NAME, Manifest
from batchtab.project.version import Version, installed


def version_note(root: Path) -> str | None:
    """One line about a Batchtab of another version than the project's, with what to do; None if there is none.

    Another version may write other Terraform: what it plans is not what the project's workflows plan. A project without
    a manifest, such as one that `batchtab init` did not make, has no version.

    Args:
        root: The project's folder.

    Raises:
        UsageError: The manifest cannot be read.
    """
    if not (root / FILE_NAME).exists():
        return None
    version, runs = Manifest.read(root).version, installed()
    if version == runs:
        return None
    # `upgrade` refuses to go back to an older version.
    newer = Version.parse(runs) > Version.parse(version)
    ways = "`pip install .` installs the project's version" + (
        f", `batchtab upgrade` brings the project to {runs}" if newer else ""
    )
    return f"this is Batchtab {runs}, and the project is of version {version}: {ways}"
