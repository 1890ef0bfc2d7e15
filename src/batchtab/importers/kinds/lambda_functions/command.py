"""The command and the image of a function: a handler of Python runs by itself, all else needs an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchtab.importers import images
from batchtab.importers.kinds.lambda_functions.work import Start, Work
from batchtab.importers.node import Node

RUNNER = ("python", "-m", "batchtab.runner.lambda_handler")
#: In place of a handler that only the image knows; the runner refuses it with one line.
UNKNOWN = "HANDLER"
_PAGE = "docs/import-lambda.md"
_WAITS = "the entrypoint of an image for Lambda waits for Lambda's API and runs no command"


@dataclass(frozen=True, slots=True)
class Program:
    """What a function runs.

    Attributes:
        name: The function's.
        service: The job's service.
        folder: Where its code is, in `jobs/<service>`.
        code: The source's word for its code, such as `src/`.
        handler: `app.handler`.
        runtime: `python3.13`.
        is_image: Whether it is an image.
        image: The image's address; empty if the source has none.
        entrypoint: What replaces the image's.
        command: Likewise.
        working_directory: Likewise.
        has_code: Whether the import itself writes the code.
    """

    name: str
    service: str
    folder: str
    code: str = ""
    handler: str = ""
    runtime: str = ""
    is_image: bool = False
    image: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""
    has_code: bool = False

    @property
    def repository(self) -> str:
        """The repository in ECR of an image that does not exist yet."""
        return f"{self.service}-{self.folder}".replace("_", "-")

    @property
    def is_run_by_us(self) -> bool:
        """Whether the command runs the handler by `batchtab.runner.lambda_handler`."""
        return self._is_of_lambda if self.is_image else self.runtime.startswith("python")

    @property
    def _is_of_lambda(self) -> bool:
        return not self.entrypoint or any("awslambdaric" in each or "lambda" in each for each in self.entrypoint)


def record_name(node: Node, key: str, program: Program) -> None:
    """Record the function's name, which only a command that runs the handler has."""
    if program.is_run_by_us:
        node.change(key, "--function-name of the command")
    else:
        node.leave(key, "the image's program needs no name of Lambda")


def settings(program: Program, work: Work, start: Start) -> dict[str, Any]:
    """`command`, and `image` where the job has its own; each with a finding."""
    recorder = work.recorder
    own = images.short_ecr(images.image_fields(program.image), work.options.account, work.options.region)
    found: dict[str, Any] = {"image": own} if program.image else {}
    if program.is_image and not program.is_run_by_us:
        why = "command; Batch cannot replace an image's ENTRYPOINT"
        todo = "build the image without ENTRYPOINT, or with the runner's as in docs/runner.md"
        recorder.changed("ImageConfig", [*program.entrypoint, *program.command], why, todo)
        return found | {"command": [*program.entrypoint, *program.command]}
    if not program.is_run_by_us:
        name = program.repository
        todo = f"build an image whose program calls {program.handler or 'the handler'} with the event and then ends,"
        todo += f" push it as {name}, and write its command; an image for Lambda is not enough: {_PAGE}"
        recorder.changed("Runtime", program.runtime, f"image {name}, which does not exist yet; {_WAITS}", todo)
        given = work.options.image
        address = images.image_fields(given) if given else {"repository": name, "tag": "latest"}
        return {"image": address, "command": [program.handler or UNKNOWN]}
    handler = program.handler
    if program.is_image:
        handler = program.command[0] if program.command else UNKNOWN
        todo = "build the image with the runner and its ENTRYPOINT, as docs/runner.md says, and PYTHONPATH=/opt"
        if handler == UNKNOWN:
            todo += f"; write its CMD in place of {UNKNOWN}"
        recorder.changed("ImageConfig.EntryPoint", "", f"command {' '.join(RUNNER)}: {_WAITS}", todo)
        if not program.image:
            found["image"] = {"repository": program.repository, "tag": "latest"}
    elif not program.has_code:
        folder = f"jobs/{program.service}/{program.folder}"
        todo = f"copy the code there with its packages (pip install --target {folder} -r …), and build the runner image"
        how = f"{folder}, in the runner image; command {' '.join(RUNNER)}"
        if work.options.image:
            todo = "build the image with the code in /var/task, the runner as docs/runner.md says, and PYTHONPATH=/opt"
            how = f"/var/task of {work.options.image}; command {' '.join(RUNNER)}"
        is_known = any(each.todo == todo for each in recorder.findings)  # of another job with this code
        recorder.changed("code", program.code, how, "" if is_known else todo)
    return found | {"command": [*RUNNER, *_flags(program, work, start), handler]}


def _flags(program: Program, work: Work, start: Start) -> list[str]:
    root = f"/app/jobs/{program.service}/{program.folder}"
    if program.is_image or work.options.image:
        root = program.working_directory or "/var/task"
    flags = ["--root", root, "--trigger", start.name, "--function-name", program.name]
    flags += ["--memory-mib", str(work.memory_mib), "--timeout-seconds", str(work.timeout_seconds)]
    return flags if start.event is None else [*flags, "--event", start.event]
