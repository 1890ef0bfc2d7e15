"""How a job's environment reaches an engine: never on a command line, where every user of the machine could read it."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator

# What changes a client itself, if it finds it in its own environment.
_OF_CLIENTS = re.compile(
    r"PATH|HOME|USER|SHELL|PWD|TMPDIR|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy"
    r"|(LD|GO|XDG|SSL|SSH|DOCKER|BUILDKIT|PODMAN|CONTAINERS?|CONTAINERD|BUILDAH|STORAGE|REGISTRY|NERDCTL|FINCH|LIMA|CNI"
    r"|DBUS|NOTIFY|LISTEN)_?[A-Za-z0-9_]*|_.*"
)


@contextlib.contextmanager
def over(variables: dict[str, str], environment: dict[str, str]) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Hand variables over: the client's flags, and its environment, from which it takes those that it is given by name.

    A name that means something to the client itself comes from a private file instead, which is gone afterwards; such
    files can't carry line breaks, which is why they are not used for all.

    Args:
        variables: The job's.
        environment: The client's own.
    """
    by_file = {
        name: value
        for name, value in variables.items()
        if (name in environment or _OF_CLIENTS.fullmatch(name)) and "\n" not in value and "\r" not in value
    }
    by_name = {name: value for name, value in variables.items() if name not in by_file}
    flags = [word for name in sorted(by_name) for word in ("--env", name)]
    if not by_file:
        yield flags, environment | by_name
        return
    with tempfile.NamedTemporaryFile("w", prefix="variables-", encoding="utf-8") as file:  # only its owner may read it
        file.write("".join(f"{name}={value}\n" for name, value in sorted(by_file.items())))
        file.flush()
        yield ["--env-file", file.name, *flags], environment | by_name
