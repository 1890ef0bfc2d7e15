"""What a runner image is made of, as a bill of materials: the base, Python packages with their hashes, and programs.

It is written from what the build takes, so it needs neither the image nor another program. What the base image itself
has, such as Debian's packages, is named by the base's digest.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from batchtab.runner_image import context

_PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})*)", re.MULTILINE)
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_DIGEST = re.compile(r"@sha256:([0-9a-f]{64})$")


def bill(project: Path, name: str, digest: str) -> dict[str, Any]:
    """A bill of materials in CycloneDX's JSON, the same for the same image.

    See https://cyclonedx.org/docs/1.6/json/

    Args:
        project: Whose image.
        name: Where the image is, without tag and digest.
        digest: The image's, `sha256:…`.
    """
    image = {
        "type": "container",
        "bom-ref": f"{name}@{digest}",
        "name": name,
        "version": digest,
        "hashes": [_sha256(digest.removeprefix("sha256:"))],
    }
    components = [*_base(project), *_packages(context.files(project)["requirements.txt"]), *_files(project)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": image},
        "components": components,
        "dependencies": [{"ref": image["bom-ref"], "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _base(project: Path) -> list[dict[str, Any]]:
    file = context.dockerfile(project)
    found = context.base(file.read_text(encoding="utf-8")) if file.is_file() else None
    if found is None:
        return []
    name, tag = found
    pinned = _DIGEST.search(tag)
    hashes = {"hashes": [_sha256(pinned[1])]} if pinned else {}
    return [{"type": "container", "bom-ref": f"{name}:{tag}", "name": name, "version": tag, **hashes}]


def _packages(requirements: Path) -> list[dict[str, Any]]:
    """The packages that pip installs; each may be one of several files, whose hashes are all named."""
    found = []
    for name, version, hashes in _PACKAGE.findall(requirements.read_text(encoding="utf-8")):
        address = f"pkg:pypi/{name.lower()}@{version}"
        references = [
            {"type": "distribution", "url": f"https://pypi.org/project/{name}/{version}/", "hashes": [_sha256(each)]}
            for each in _HASH.findall(hashes)
        ]
        found.append(
            {
                "type": "library",
                "bom-ref": address,
                "name": name,
                "version": version,
                "purl": address,
                "externalReferences": references,
            }
        )
    return found


def _files(project: Path) -> list[dict[str, Any]]:
    """The runner, and the project's programs."""
    return [
        {"type": "file", "bom-ref": name, "name": name, "hashes": [_sha256(_digest(path))]}
        for name, path in sorted(context.files(project).items())
        if name != "requirements.txt"
    ]


def _sha256(content: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": content}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
