"""A container's command: Kubernetes' command and args, and what jobs.yaml makes of them."""

from __future__ import annotations

import re
import shlex

from batchtab.importers.images import runs_any_command
from batchtab.importers.kinds.kubernetes.draft import Draft, listed
from batchtab.importers.kinds.kubernetes.environment import Variables
from batchtab.importers.node import Node
from batchtab.importers.source_file import plain

_SHELLS = {"sh", "bash", "ash", "dash", "zsh", "ksh"}
_SCRIPT_AT = 2
_EXPANDED = re.compile(r"[^\s/]*\$\([A-Za-z_][A-Za-z0-9_.-]*\)")
_BATCH_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
_FILL_IN = "FILL IN"


def command(container: Node, image: str, found: Variables, draft: Draft, *, is_needed: bool) -> list[str]:
    """The command for jobs.yaml.

    AWS Batch replaces an image's CMD, as `args` does, and never its ENTRYPOINT, as `command` does.

    Args:
        container: The container.
        image: Its image's repository.
        found: Its variables, for `$(NAME)`.
        draft: The job.
        is_needed: Whether jobs.yaml refuses a container without one.
    """
    program, arguments = _words(container, "command"), _words(container, "args")
    words: list[str] = []
    left: list[str] = []
    for each in (*program, *arguments):
        text, names = found.expanded(each)
        words.append(text)
        left += names
    notes = ["with its $(NAME) replaced"] if words != [*program, *arguments] else []
    is_shell = _is_shell(words)
    if is_shell and left:
        words[_SCRIPT_AT] = _for_shell(words[_SCRIPT_AT], left)
        notes.append("with $(NAME) as ${NAME}, which the shell replaces")
    _report(container, image, program, arguments, notes, draft)
    if left and not is_shell:
        shown = ", ".join(f"$({each})" for each in dict.fromkeys(left))
        why = f"contains {shown}, which Kubernetes replaces and Batch does not"
        key = "args" if arguments else "command"
        container.recorder.not_carried(container.name(key), shown, why, "let a shell or the program read the variable")
    words = _in_folder(container, words, is_shell)
    if draft.settings.get("array_size"):
        for name in sorted(found.indexes):
            words = _with_index(container, words, name, is_shell)
    if not words and is_needed:
        todo = f"write the image's own command: docker image inspect --format '{{{{json .Config.Cmd}}}}' {image}"
        why = "the source has neither command nor args, and jobs.yaml needs a command"
        container.recorder.not_carried(container.name("command"), "", why, todo)
        return [_FILL_IN]
    return words


def _words(container: Node, key: str) -> list[str]:
    return [str(plain(each)) for each in listed(container.take(key))]


def _report(
    container: Node, image: str, program: list[str], arguments: list[str], notes: list[str], draft: Draft
) -> None:
    if program:
        if runs_any_command(image):
            text = "; ".join(["command, in place of CMD: the image has no ENTRYPOINT that changes it", *notes])
            container.change("command", text)
        else:
            text = "; ".join(["command, in place of the image's CMD. Kubernetes replaces its ENTRYPOINT too", *notes])
            container.change("command", text, f"check that the image of {draft.name} has no ENTRYPOINT, or build one")
    else:
        container.carry("command", "no command")
    if not arguments:
        container.carry("args", "no arguments")
    elif program or notes:
        container.change("args", "; ".join(["the end of command" if program else "command", *notes]))
    else:
        container.carry("args", "command")


def _is_shell(words: list[str]) -> bool:
    if len(words) <= _SCRIPT_AT or words[0].rpartition("/")[2] not in _SHELLS:
        return False
    return re.fullmatch("-[a-z]*c", words[1]) is not None


def _for_shell(script: str, names: list[str]) -> str:
    for name in names:
        script = script.replace(f"$({name})", f"${{{name}}}")
    return script


def _in_folder(container: Node, words: list[str], is_shell: bool) -> list[str]:
    folder = container.take("workingDir")
    if not folder:
        container.leave("workingDir", "is empty")
        return words
    if not is_shell:
        container.leave("workingDir", "Batch has no working folder", "set WORKDIR in the image, or start a shell")
        return words
    container.change("workingDir", "command, whose script begins with cd")
    return _preceded(words, f"cd {shlex.quote(str(folder))} || exit")


def _with_index(container: Node, words: list[str], name: str, is_shell: bool) -> list[str]:
    place = container.name(f"env.{name}")
    if is_shell:
        container.recorder.changed(place, "", f"command, whose script begins with {name}=${_BATCH_INDEX}")
        return _preceded(words, f'export {name}="${_BATCH_INDEX}"')
    todo = f"let the program read {_BATCH_INDEX}, if it reads {name}"
    container.recorder.not_carried(place, "", f"Batch's variable is {_BATCH_INDEX}", todo)
    return words


def _preceded(words: list[str], line: str) -> list[str]:
    return [*words[:_SCRIPT_AT], f"{line}\n{words[_SCRIPT_AT]}", *words[_SCRIPT_AT + 1 :]]
