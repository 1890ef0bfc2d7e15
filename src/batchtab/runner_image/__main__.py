"""Builds the runner image of the project in this folder: `python -m batchtab.runner_image --tag batchtab-runner`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from batchtab.runner_image.build import BUILDERS, BuildError, build, find_builder


def _revision() -> str:
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return result.stdout.strip() or "unknown"


def main(argv: list[str] | None = None) -> int:
    """Build the image as the command line says."""
    parser = argparse.ArgumentParser(prog="runner_image", description="Build the job runner image.")
    parser.add_argument("--tag", default="batchtab-runner:latest", help="name of the image (default: %(default)s)")
    parser.add_argument("--builder", choices=list(BUILDERS), help="default: the first that answers")
    parser.add_argument("--base-image", help="where the Python base is, if not in the builder's usual registry")
    parser.add_argument("--base-tag", help="another tag of it, with its digest perhaps")
    parser.add_argument("--version", default="0.0.0", help="for the image's label (default: %(default)s)")
    parser.add_argument("--no-pull", action="store_true", help="only use a base image that is on this machine")
    options = parser.parse_args(argv)
    arguments = {"VERSION": options.version, "REVISION": _revision()}
    try:
        builder = find_builder(options.builder)
        image = build(
            tag=options.tag,
            builder=builder,
            project=Path(),
            arguments=arguments,
            base=(options.base_image, options.base_tag),
            pull=not options.no_pull,
        )
    except BuildError as error:
        print(f"runner_image: {error}", file=sys.stderr)
        return 2
    print(
        f"{image.tag}: {image.size_bytes / 10**6:.0f} MB, user {image.user}, entrypoint {' '.join(image.entrypoint)}"
        f" (built with {image.builder})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
