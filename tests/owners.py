"""Whose review a change of a file needs, as GitHub reads CODEOWNERS."""

from __future__ import annotations

import re


def unowned(codeowners: str, paths: list[str]) -> list[str]:
    """The files that no line names.

    Understands what our files use: a path from the top, a folder with a slash at its end, `*` for one name.

    See https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
    """
    lines = [line.split() for line in codeowners.splitlines() if line and not line.startswith("#")]
    assert all(len(line) > 1 and line[0].startswith("/") for line in lines)
    patterns = [
        re.escape(line[0][1:]).replace(r"\*", "[^/]*") + (".*" if line[0].endswith("/") else "") for line in lines
    ]
    return [path for path in paths if not any(re.fullmatch(pattern, path) for pattern in patterns)]
