"""`batchtab lock`: the hashes of the provider that a project takes, for `plan` and `deploy` on every machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from batchtab import frameworks
from batchtab.cli.options import StageOption
from batchtab.terraform import provider_lock
from batchtab.terraform.session import Session
from batchtab.terraform.stacks import Stacks

_SYNTHESIZED = Path(".batchtab") / "lock" / "cdktf.out"


def lock(
    stage: StageOption = "local",
    platform: Annotated[
        list[str] | None,
        typer.Option(help=f"Where Terraform runs; may be repeated. Default: {', '.join(provider_lock.PLATFORMS)}."),
    ] = None,
    fs_mirror: Annotated[Path | None, typer.Option(help="A mirror's folder, instead of the registry.")] = None,
    net_mirror: Annotated[str | None, typer.Option(help="A mirror's address, instead of the registry.")] = None,
) -> None:
    """Write .terraform.lock.hcl, which pins Terraform's AWS provider by hash. Commit it.

    All stages take the same provider: one run is enough. Run it again when an upgrade of Batchtab brings another
    version of the provider.
    """
    session = Session.open(stage)
    frameworks.choose()
    Stacks(session).synthesize(session.root / _SYNTHESIZED)
    required: dict[str, Any] = {}
    for path in sorted((session.root / _SYNTHESIZED / "stacks").glob("*/cdk.tf.json")):
        required |= json.loads(path.read_text(encoding="utf-8"))["terraform"].get("required_providers", {})
    source = provider_lock.Source(fs_mirror, net_mirror)
    written = provider_lock.write(session, required, platform or provider_lock.PLATFORMS, source)
    typer.echo(f"{written.name}: written; commit it")
