"""`BashOperator` and Python tasks, which run on the worker of Airflow."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from batchtab.importers.kinds.airflow.containers import default_image, fill_in, set_command, set_environment, set_image
from batchtab.importers.kinds.airflow.model import Task
from batchtab.importers.kinds.airflow.skipping import skip_codes
from batchtab.importers.kinds.airflow.tasks import plain, unread
from batchtab.importers.kinds.airflow.values import is_plain
from batchtab.importers.node import Node
from batchtab.importers.options import Options


def bash(node: Node, found: dict[str, Any], options: Options) -> None:
    """A command of a shell."""
    default_image(found, options)
    value = node.take("bash_command")
    folder = plain(node, "cwd")
    if isinstance(value, str) and value:
        text = f"cd {shlex.quote(str(folder))} && {value}" if folder else value
        is_file = value.endswith((".sh", ".bash"))
        set_command(node, "bash_command", ["bash", "-c", text], found, "command: bash -c")
        if is_file:
            todo = "put the file into the image, and its path into command"
            node.recorder.not_carried("bash_command", value, "Airflow reads it as a template file beside the DAG", todo)
    else:
        unread(node, "bash_command")
        found["command"] = fill_in("the bash_command of the task")
    if folder:
        node.change("cwd", "command: it begins with cd")
    set_environment(node, "env", found)
    node.leave("append_env", "a job has the variables of its environment alone")
    for key in ("output_encoding", "output_processor"):
        node.leave(key, "output goes to CloudWatch Logs")
    skip_codes(node, found, script=value)
    node.rest()


def python(task: Task, node: Node, found: dict[str, Any], options: Options) -> None:
    """A function of Python: of an importable module, `python -c` calls it; one of the DAG file must be moved."""
    node.take("python_callable")
    if "image" in node:
        set_image(node, "image", found, options)
    else:
        default_image(found, options)
    arguments, named = node.take("op_args"), node.take("op_kwargs")
    module, _, name = task.callable.rpartition(".")
    is_importable = module and not module.startswith(".") and name.isidentifier()
    is_constant = is_plain(arguments) and is_plain(named) and isinstance(named or {}, Mapping)
    if is_importable and is_constant:
        given = [repr(each) for each in arguments or []] + [f"{key}={each!r}" for key, each in (named or {}).items()]
        words = ["python", "-c", f"from {module} import {name}; {name}({', '.join(given)})"]
        how = f"command: python -c calls {task.callable}"
        node.recorder.changed(
            "python_callable", task.callable, how, "put the module into the image; it gets no context of Airflow"
        )
        set_command(node, "op_args", words, found, "in command")
        node.change("op_kwargs", "in command")
    else:
        found["command"] = fill_in(f"a program with the function {task.callable or 'of the task'}")
        why = "the function is part of the DAG file, and needs Airflow to run"
        todo = f"move it into a program of the image, and write command: [python, -m, …] in place of {task.id}'s"
        node.recorder.not_carried("python_callable", task.callable or task.operator, why, todo)
        for key in ("op_args", "op_kwargs"):
            node.leave(
                key,
                "it is an argument of the function",
                "" if node.data.get(key) in (None, [], {}) else "pass it in command",
            )
    for key in (
        "provide_context",
        "templates_dict",
        "templates_exts",
        "show_return_value_in_logs",
        "use_dill",
        "serializer",
    ):
        node.leave(key, "a program has no context of Airflow")
    for key in (
        "requirements",
        "python_version",
        "system_site_packages",
        "python",
        "expect_airflow",
        "pip_install_options",
    ):
        node.leave(key, "the image has the packages", "put them into the image")
    skip_codes(node, found)
    for key in ("python_callable_name", "python_callable_file"):
        node.leave(key, "it names the function")
    node.rest()
