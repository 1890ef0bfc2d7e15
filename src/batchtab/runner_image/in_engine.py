"""The runner image of a local stage, in the container engine on which local AWS runs jobs."""

from __future__ import annotations

from batchtab.declarations.image_registry import registry_host
from batchtab.runner_image import build
from batchtab.runner_image.context import dockerfile, source_hash
from batchtab.terraform.session import Session

_SOURCE = "batchtab.source"


def provide(session: Session, engine: str) -> str:
    """Builds the image under the name that job definitions give it, unless it is there with these very files.

    An image that cannot be built is no error: local AWS runs its jobs as processes then, or in an older image.

    Args:
        session: A local stage.
        engine: docker, podman, nerdctl or finch.

    Returns:
        What was done, in words for people.
    """
    stage, root = session.catalog.stage, session.root
    image = stage.runner_image
    if image is None or not image.in_ecr or image.tag is None:
        return "not built: the stage has no runner_image with a tag in its own registry"
    if not dockerfile(root).is_file():
        return f"not built: the project has no {dockerfile(root).relative_to(root)}"
    name = f"{registry_host(stage)}/{image}"
    source = source_hash(root)
    try:
        older = build.inspect(name, engine)
    except build.BuildError:
        older = None
    if older is not None and older.labels.get(_SOURCE) == source:
        return f"{engine} has it, of these files; its jobs run as containers"
    log = session.state / "runner-image.log"
    try:
        with log.open("wb") as output:
            build.build(
                tag=name,
                builder=engine,
                project=root,
                arguments={"VERSION": image.tag},
                labels={_SOURCE: source},
                log=output,
            )
    except build.BuildError as error:
        instead = "run in the image that was built before" if older is not None else "run as processes"
        return f"not built, so its jobs {instead}: {error}"
    return f"built with {engine}; its jobs run as containers"
