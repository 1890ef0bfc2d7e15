"""`batchtab ci runner-image`: the digest of the runner image that a stage's jobs get, built if need be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from batchtab.cli.connection import connect
from batchtab.cli.options import StageOption
from batchtab.declarations.image_registry import registry_host
from batchtab.github import actions
from batchtab.runner_image import lookup as images
from batchtab.runner_image.bill import bill
from batchtab.terraform.session import Session


def runner_image(
    stage: StageOption = "local",
    build: Annotated[bool, typer.Option(help="Build and push it if no image of the same files exists.")] = False,
    sbom: Annotated[
        Path | None, typer.Option(help="Write its bill of materials (CycloneDX) to this file, if it exists.")
    ] = None,
    builder: Annotated[
        str | None, typer.Option(help="docker, podman or buildah. Default: the first that answers.")
    ] = None,
) -> None:
    """Print the runner image's digest, and set BATCHTAB_RUNNER_IMAGE_DIGEST for a workflow's later steps.

    Once the image exists, BATCHTAB_RUNNER_IMAGE_NAME is set too: where it is.

    Without --build, an image that does not exist yet has a digest of zeros: the plan shows that jobs get another image,
    and the deployment builds it.
    """
    session = Session.open(stage)
    aws = connect(session)
    image = images.find_or_build(session, aws, builder) if build else images.look_up(session, aws)
    digest = image.digest or images.NOT_BUILT
    did = "will be built by the deployment" if image.digest is None else image.did
    typer.echo(f"{image.repository}:{image.tag}: {did}", err=True)
    typer.echo(digest)
    actions.set_output("GITHUB_ENV", images.DIGEST_VARIABLE, digest)
    if image.digest:
        name = f"{registry_host(session.catalog.stage)}/{image.repository}"
        actions.set_output("GITHUB_ENV", images.NAME_VARIABLE, name)
        if sbom:
            sbom.parent.mkdir(parents=True, exist_ok=True)
            sbom.write_text(json.dumps(bill(session.root, name, image.digest), indent=2) + "\n", encoding="utf-8")
