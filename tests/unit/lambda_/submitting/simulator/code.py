"""The function's code, from whatever folder: the project's own, another version of it, or one with a seeded fault."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

LAMBDA = Path(__file__).resolve().parents[5] / "lambda"
_PACKAGE = "submit_run"


class Code:
    """A copy of the package beside all others, whose clock, chance and clients are a simulator's."""

    def __init__(self, folder: Path = LAMBDA) -> None:
        """Imports it.

        Args:
            folder: Has the package `submit_run`; `shared` is always the project's.
        """
        with _own_modules(folder):
            self.app: Any = importlib.import_module(f"{_PACKAGE}.app")
            self.settings: Any = importlib.import_module(f"{_PACKAGE}.settings")
            self._modules = [module for name, module in sys.modules.items() if name.startswith(f"{_PACKAGE}.")]

    def bind(self, *, clock: Any, chance: Any, client: Any, at_once: int) -> None:
        """Has the code use a simulator's clock, chance and clients from now on."""
        for module in self._modules:
            for name, value in (("time", clock), ("random", chance), ("client", client), ("_AT_ONCE", at_once)):
                if hasattr(module, name):
                    setattr(module, name, value)
            module.print = _silent  # type: ignore[attr-defined]


@contextmanager
def _own_modules(folder: Path) -> Iterator[None]:
    others: dict[str, ModuleType] = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    for name in others:
        del sys.modules[name]
    added = [str(folder), str(LAMBDA)]
    sys.path[:0] = added
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for path in added:
            sys.path.remove(path)
        for name in [name for name in sys.modules if _is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(others)


def _is_ours(name: str) -> bool:
    return name == _PACKAGE or name.startswith(f"{_PACKAGE}.")


def _silent(*_: object, **__: object) -> None:
    pass
