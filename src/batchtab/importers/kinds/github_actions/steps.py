"""Steps of a job as one command: what `run` says as a script; actions are refused by name, with what to do."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from batchtab.importers.kinds.github_actions import shells
from batchtab.importers.kinds.github_actions.expressions import EXPRESSION, Status, holds
from batchtab.importers.kinds.github_actions.values import Values
from batchtab.importers.node import Node
from batchtab.importers.source_file import plain

_IN_IMAGE = "the image has it"
#: Actions by the beginning of their names: why a job does not run them, and what to do.
_ACTIONS = {
    "actions/checkout": ("the image has the code", ""),
    "actions/setup-": (_IN_IMAGE, ""),
    "astral-sh/setup-uv": (_IN_IMAGE, ""),
    "ruby/setup-ruby": (_IN_IMAGE, ""),
    "pnpm/action-setup": (_IN_IMAGE, ""),
    "hashicorp/setup-": (_IN_IMAGE, ""),
    "dtolnay/rust-toolchain": (_IN_IMAGE, ""),
    "r-lib/actions/setup-": (_IN_IMAGE, ""),
    "actions/cache": ("each container starts with what the image has", ""),
    "actions/upload-artifact": ("a job keeps no files", "write them to S3 in the command"),
    "actions/download-artifact": ("a job has no files of another one", "read them from S3 in the command"),
    "aws-actions/amazon-ecr-login": ("Batch itself reads from ECR", ""),
}
_OTHER = ("Batch runs no actions", "write a command that does the same, or keep the workflow for it")
_FAILURE = "Batchtab's alerts report a failure; for other work write a job with after and after_status: failed"
_UNKNOWN = "the step always runs here: decide whether it should"


@dataclass(frozen=True, slots=True)
class Step:
    """One step that runs a script.

    Attributes:
        title: Its name; may be empty.
        script: The text.
        shell: `bash`, `sh`, `python`, or another.
        has_pipefail: Whether `bash` was named, which adds `pipefail`.
        folder: Its working directory.
        variables: Its own, each as a word of the shell.
        may_fail: Whether the job goes on after its failure.
    """

    title: str
    script: str
    shell: str
    has_pipefail: bool
    folder: str
    variables: Mapping[str, str]
    may_fail: bool

    def lines(self, outer: str) -> str:
        """It as a part of a script of `outer`, in a subshell, so that its folder and variables end with it."""
        head = [f"# {' '.join(self.title.split())}"] if self.title else []
        begin = ["set +e", "( set -e"] if self.may_fail else ["("]
        is_inline = self.shell == outer
        begin += ["set -o pipefail"] if self.has_pipefail and is_inline else []
        begin += [f"cd {shlex.quote(self.folder)}"] if self.folder else []
        begin += [f"export {name}={word}" for name, word in self.variables.items()]
        body = self.script.rstrip("\n")
        if not is_inline:
            body = shlex.join(shells.call(self.shell, body, has_pipefail=self.has_pipefail))
        return "\n".join([*head, *begin, body, ")", *(["set -e"] if self.may_fail else [])])


def command(steps: list[Step], default: str = "bash") -> list[str]:
    """The command of all steps; one alone needs no subshell.

    Args:
        steps: They.
        default: The shell of steps that name none: an image may have no other.
    """
    if len(steps) == 1 and not steps[0].may_fail and not steps[0].variables:
        (step,) = steps
        enter = f"cd {shlex.quote(step.folder)}\n" if step.folder and step.shell in shells.POSIX else ""
        if not step.folder or enter:
            return shells.call(step.shell, f"{enter}{step.script}", has_pipefail=step.has_pipefail)
    shell = "bash" if any(each.shell == "bash" for each in steps) else default
    return [shell, "-e", "-c", "\n".join(each.lines(shell) for each in steps)]


def read(node: Node, values: Values, defaults: Mapping[str, str], secrets_role: dict[str, str]) -> list[Step]:
    """The steps of a job that run here; each field of each step has a finding.

    Args:
        node: The job.
        values: Its variables.
        defaults: `shell` and `working-directory`, and `default`, the shell where none is named.
        secrets_role: Gets `job_role_arn`, if a step assumes a role.
    """
    given = node.children("steps")
    runs = [each for each in given if isinstance(each.data.get("run"), str) and _is_run(each, values)]
    found = []
    for step in given:
        if not _runs(step, values):
            step.rest("the step does not run here", "")
        elif "uses" in step:
            _refuse(step, values, secrets_role)
        else:
            found += _step(step, values, defaults, is_alone=len(runs) == 1)
        step.rest()
    return found


def _is_run(step: Node, values: Values) -> bool:
    return holds(plain(step.data.get("if")), values.known) is not False


def _runs(step: Node, values: Values) -> bool:
    if "if" not in step:
        return True
    condition = plain(step.data["if"])
    value = holds(condition, values.known)
    after_failure, after_end = (holds(condition, values.known, each) for each in (Status.FAILED, Status.CANCELLED))
    is_after_failure = after_failure is not False or (value is False and after_end is not False)
    if value is False and is_after_failure:
        step.leave("if", "a step after a failure does not run", _FAILURE)
    elif value is None:
        step.leave("if", "only GitHub knows it", _UNKNOWN)
    elif is_after_failure:
        step.leave("if", "a step after a failure does not run", _FAILURE)
    else:
        step.change("if", "is true of this schedule" if value else "is false of this schedule: the step is left out")
    return value is not False


def _step(step: Node, values: Values, defaults: Mapping[str, str], *, is_alone: bool) -> list[Step]:
    text = step.take("run")
    if not isinstance(text, str):
        step.leave("run", "is not a text", "correct the source")
        return []
    environment = step.child("env")
    own = values.of_step(environment.data, environment.path, is_alone=is_alone)
    shell = str(step.data.get("shell", defaults.get("shell", "")))
    folder = values.filled(str(step.data.get("working-directory", defaults.get("working-directory", ""))), own)
    title = values.filled(str(step.change("name", "a comment of the script") or ""), own)
    kind = shell or defaults["default"]
    if kind not in shells.KNOWN:
        kind = shell.split(maxsplit=1)[0] if shell.split() else defaults["default"]
        how = shlex.join(shells.program(kind))
        todo = f"the step ran as `{shell}`, and runs as `{how}`: check it"
        values.recorder.changed(step.name("shell"), step.take("shell", shell), "command", todo)
    else:
        step.change("shell", "command")
    step.change("run", "command")
    if EXPRESSION.search(folder):
        step.take("working-directory")
        where = step.name("working-directory")
        values.recorder.not_carried(where, folder, "only GitHub knows it", "write cd and the folder into the command")
        folder = ""
    else:
        step.change("working-directory", "command: the folder is in the image")
    may_fail = holds(values.filled(str(step.take("continue-on-error", False)), own).lower(), values.known)
    todo = "the job ends at the step's failure: decide whether it should" if may_fail is None else ""
    step.change("continue-on-error", "command: the script goes on after it" if may_fail else "command", todo)
    step.leave("timeout-minutes", "the job's timeout_seconds applies to all steps")
    step.leave("id", "a script has no outputs of steps")
    script = values.script(text, step.name("run"), kind, own)
    return [Step(title, script, kind, shell == "bash", folder, own.words(), bool(may_fail))]


def _refuse(step: Node, values: Values, role: dict[str, str]) -> None:
    name = str(plain(step.take("uses")))
    why, todo = next((found for prefix, found in _ACTIONS.items() if name.startswith(prefix)), _OTHER)
    if name.startswith("docker://"):
        why, todo = "a job has one image", "write a job of its own with this image, and after"
    if name.startswith("aws-actions/configure-aws-credentials"):
        _credentials(step, values, role)
        why, todo = "the job's role has the permissions", ""
    step.recorder.not_carried(step.name("uses"), name, why, todo)
    for key in ("name", "id", "with", "env", "continue-on-error", "timeout-minutes"):
        step.leave(key, f"is of {name}")


def _credentials(step: Node, values: Values, role: dict[str, str]) -> None:
    given = step.child("with")
    arn = values.filled(str(plain(given.data.get("role-to-assume", ""))))
    if arn.startswith("arn:") and "${" not in arn:
        given.change("role-to-assume", "job_role_arn", "let the role trust ecs-tasks.amazonaws.com, too")
        role["job_role_arn"] = arn
    else:
        given.leave("role-to-assume", "only GitHub knows it", "write permissions, or job_role_arn")
    region = values.filled(str(plain(given.data.get("aws-region", ""))))
    if region and "${" not in region:
        values.replace("AWS_REGION", given.name("aws-region"))
        given.change("aws-region", "environment.AWS_REGION")
        values.environment["AWS_REGION"] = region
    else:
        given.leave("aws-region", "a job has the stage's region")
    for key in ("aws-access-key-id", "aws-secret-access-key", "aws-session-token"):
        given.leave(key, "a role has no keys", "write permissions of the job")
    given.rest("a role needs no such setting", "")
