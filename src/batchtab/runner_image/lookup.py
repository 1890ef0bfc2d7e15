"""The shared runner image of a stage: which one its jobs get, and building it where it is not there yet.

An image's tag in the registry is a hash of the files that it is made of, so that files that have been built once are
not built again, and a pull request's plan can name the very image that its merge will deploy.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batchtab.declarations.image_registry import registry_host
from batchtab.errors import UsageError
from batchtab.runner_image import build
from batchtab.runner_image.context import source_hash
from batchtab.terraform.session import Session

if TYPE_CHECKING:
    from batchtab.aws.client import Aws

#: With this set, main.py gives jobs without an image of their own just this one.
DIGEST_VARIABLE = "BATCHTAB_RUNNER_IMAGE_DIGEST"
#: Where that image is, without tag and digest.
NAME_VARIABLE = "BATCHTAB_RUNNER_IMAGE_NAME"
#: Represents an image that only the deployment will build.
NOT_BUILT = f"sha256:{'0' * 64}"


@dataclass(frozen=True)
class RunnerImage:
    """An image in the stage's registry, or its absence.

    Attributes:
        digest: None if it is not built yet.
        did: found, built, or missing.
    """

    repository: str
    tag: str
    digest: str | None
    did: str


def look_up(session: Session, aws: Aws) -> RunnerImage:
    """The image of these files, if it was built before; before a first deployment there is not even its repository.

    Raises:
        UsageError: the stage has no runner image in its own registry.
    """
    try:
        return _find(session, aws)
    except LookupError as error:
        return RunnerImage(str(error), _tag(session), None, "missing")


def _tag(session: Session) -> str:
    return f"src-{source_hash(session.root)}"


def _find(session: Session, aws: Aws) -> RunnerImage:
    stage = session.catalog.stage
    image = stage.runner_image
    if image is None or not image.in_ecr:
        raise UsageError(
            f"stage {stage.name} has no runner_image in its own registry", "runner_image: {repository, tag}"
        )
    tag = _tag(session)
    digest = aws.image_digest(image.repository, tag)
    return RunnerImage(image.repository, tag, digest, "found" if digest else "missing")


def find_or_build(session: Session, aws: Aws, builder: str | None = None) -> RunnerImage:
    """The image of these files; built and pushed if it was not before.

    Raises:
        UsageError: the repository is not there yet, nothing here builds images, or building or pushing failed.
    """
    stage = session.catalog.stage
    try:
        image = _find(session, aws)
    except LookupError as error:
        hint = f"batchtab deploy --stage {stage.name} --no-jobs makes it"
        raise UsageError(f"the repository {error} does not exist in {stage.region}", hint) from None
    if image.digest:
        return image
    registry = registry_host(stage)
    name = f"{registry}/{image.repository}:{image.tag}"
    try:
        found = build.find_builder(builder)
        build.build(
            tag=name,
            builder=found,
            project=session.root,
            arguments={"VERSION": image.tag, "REVISION": _revision(session.root)},
        )
    except build.BuildError as error:
        raise UsageError(f"the runner image: {error}") from None
    if stage.is_local:
        digest = aws.put_image(image.repository, image.tag, _manifest(found, name))
    else:
        _push(found, name, registry, aws)
        pushed = aws.image_digest(image.repository, image.tag)
        if pushed is None:
            raise UsageError(f"{name} was pushed, and the registry does not know it")
        digest = pushed
    return RunnerImage(image.repository, image.tag, digest, "built")


def _push(builder: str, name: str, registry: str, aws: Aws) -> None:
    user, password = aws.registry_login()
    login = subprocess.run(
        [builder, "login", "--username", user, "--password-stdin", registry],
        input=password,
        capture_output=True,
        text=True,
        check=False,
    )
    if login.returncode:
        raise UsageError(f"{builder} login {registry}: {_last(login.stderr)}")
    pushed = subprocess.run([builder, "push", name], capture_output=True, text=True, check=False)
    if pushed.returncode:
        raise UsageError(f"{builder} push {name}: {_last(pushed.stderr)}")


def _manifest(builder: str, name: str) -> str:
    """A manifest for local AWS, which keeps no layers: it only identifies the image."""
    query = ["--format", "{{.FromImageID}}"] if builder == "buildah" else ["--format", "{{.Id}}"]
    asked = subprocess.run(
        [builder, "inspect", "--type", "image", *query, name], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise UsageError(f"{builder} inspect {name}: {_last(asked.stderr)}")
    config = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 0,
        "digest": f"sha256:{asked.stdout.strip().removeprefix('sha256:')}",
    }
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}, sort_keys=True)


def _revision(root: Path) -> str:
    asked = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
