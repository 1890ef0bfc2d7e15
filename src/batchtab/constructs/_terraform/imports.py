"""Which files of ours a program needs: found in its import statements, without importing any."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def closure(folder: Path, *packages: Path) -> dict[str, Path]:
    """A package's files, and what they import of other packages, and so on: each by its name below a path of Python's.

    With a module come the `__init__.py` of the packages that it is in. All files of the package itself belong to it,
    also those that only `importlib` or a configuration names.

    Args:
        folder: The package.
        packages: The others.
    """
    homes = {package.name: package.parent for package in packages}
    found: dict[str, Path] = {}
    left = [(path.relative_to(folder.parent).as_posix(), path) for path in folder.rglob("*.py")]
    while left:
        name, path = left.pop()
        if name not in found:
            found[name] = path
            text = path.read_text(encoding="utf-8")
            # Parsing takes time in each synthesis, and most files of the package itself import no other.
            if name.partition("/")[0] in homes or any(home in text for home in homes):
                left += (file for module in _modules(name, text) for file in _files(module, homes))
    return dict(sorted(found.items()))


def _modules(name: str, text: str) -> Iterator[str]:
    """The modules that a file imports anywhere in it, functions included, or names that may be such."""
    folders = name.split("/")[:-1]
    for statement in _statements(ast.parse(text)):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
            continue
        base = folders[: len(folders) - statement.level + 1] if statement.level else []
        module = ".".join([*base, *filter(None, [statement.module])])
        yield from (f"{module}.{alias.name}" for alias in statement.names)


def _statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            left += node.orelse  # what only type checkers import is not needed to run
        else:
            left += (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))


def _files(module: str, homes: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """The files that Python runs to import a module of these packages."""
    parts = module.split(".")
    if parts[0] not in homes:
        return
    for count in range(1, len(parts) + 1):
        below = "/".join(parts[:count])
        for name in (f"{below}/__init__.py", f"{below}.py"):
            if (path := homes[parts[0]] / name).is_file():
                yield name, path
