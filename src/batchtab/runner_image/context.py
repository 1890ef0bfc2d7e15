"""What the shared runner image is made of: the runner of this package, its requirements, and a project's programs."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_REQUIREMENTS = "runner_image/requirements.txt"
#: What of this package is in the image, below its folder `batchtab`.
_RUNNER = ("__init__.py", "masking/*.py", "runner/*.py")
_DOCKERFILE = Path("jobs") / "Dockerfile"
# Declarations are not needed there: a change of a schedule builds no image.
_LEFT_OUT = {"jobs.yaml"}
_BASE = re.compile(r"^FROM (?P<image>\S+?):(?P<tag>[\w.-]+(?:@sha256:[0-9a-f]{64})?) AS base$", re.MULTILINE)


def files(project: Path) -> dict[str, Path]:
    """The files of the build context: path in the context to the file.

    Of `jobs/` only what is in its folders counts, so that `jobs/Dockerfile` and files beside it are left out.
    """
    found = {"requirements.txt": _PACKAGE / _REQUIREMENTS}
    for pattern in _RUNNER:
        for path in _PACKAGE.glob(pattern):
            found[f"batchtab/{path.relative_to(_PACKAGE).as_posix()}"] = path
    for path in (project / "jobs").glob("*/**/*"):
        if path.is_file() and path.name not in _LEFT_OUT and path.suffix != ".pyc":
            found[path.relative_to(project).as_posix()] = path
    return found


def dockerfile(project: Path) -> Path:
    """The project's own Dockerfile of the image."""
    return project / _DOCKERFILE


def base(text: str) -> tuple[str, str] | None:
    """The image that a Dockerfile's stage `base` is made from: its name, and its tag with its digest.

    Args:
        text: The Dockerfile. None is answered for one of an older version, which has build arguments for it.
    """
    found = _BASE.search(text)
    return (found["image"], found["tag"]) if found else None


def with_base(text: str, image: str) -> str:
    """A Dockerfile on another base.

    Args:
        text: The Dockerfile, with a stage `base`.
        image: The whole name of the base.
    """
    return _BASE.sub(lambda _found: f"FROM {image} AS base", text)


def source_hash(project: Path) -> str:
    """A hash of all that the image is made of: names, what may be executed, contents, and the Dockerfile."""
    digest = hashlib.sha256()
    everything = files(project)
    if dockerfile(project).is_file():
        everything[_DOCKERFILE.as_posix()] = dockerfile(project)
    for name, path in sorted(everything.items()):
        digest.update(f"{name}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def stage(project: Path, target: Path) -> None:
    """Copies the build context to an empty folder, in which `jobs/` exists even if the project has no programs."""
    (target / "jobs").mkdir(parents=True, exist_ok=True)
    for name, path in files(project).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / name)
