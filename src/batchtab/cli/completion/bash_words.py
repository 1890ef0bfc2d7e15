"""Words as bash gives them for completion: broken at `@` and `:`, so that `nightly@2026-11-28T09:00` is five words.

bash replaces only what is behind the last `:`, or from the last `@` on, which begins a host's name for it. What is
before that is cut from each answer. Without `shopt -s hostcomplete` bash breaks no word at `@`.
https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html#index-COMP_005fWORDBREAKS
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator

_BREAKS = frozenset("@:")


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """Gives whole words to what answers, and cuts its answers."""
    words, before = joined(os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD") or 0))
    if words:
        os.environ |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    kept = io.StringIO()
    try:
        with contextlib.redirect_stdout(kept):
            yield
    finally:
        for line in kept.getvalue().splitlines():
            sys.stdout.write(f"{line.removeprefix(before)}\n")


def joined(words: list[str], current: int) -> tuple[list[str], str]:
    """The words up to the current one, whole, and of that one what bash keeps; no words if none is broken."""
    head = words[: current + 1]
    if not any(word and set(word) <= _BREAKS for word in head):
        return [], ""
    found: list[str] = []
    is_open = False
    for word in head:
        is_break = bool(word) and set(word) <= _BREAKS
        if found and (is_break or is_open):
            found[-1] += word
        else:
            found.append(word)
        is_open = is_break
    last = head[-1]
    before = found[-1] if last and set(last) <= _BREAKS else found[-1].removesuffix(last)
    return found, before.removesuffix("@")
