"""Keeps a text within a limit: whole blocks, and a note on what was left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def size(text: str) -> int:
    """What a text counts: its bytes, so that it fits whichever way a service counts characters."""
    return len(text.encode())


def fit(blocks: Sequence[str], budget: int, left_out: Callable[[int], str]) -> str:
    """As many of the blocks as fit, in order, and a note on the others.

    Args:
        blocks: What is shown whole or not at all.
        budget: Bytes for all of it, the note included.
        left_out: Says how many were left out.
    """
    whole = "".join(blocks)
    if size(whole) <= budget:
        return whole
    used, kept = size(left_out(len(blocks))), 0
    for block in blocks:
        used += size(block)
        if used > budget:
            break
        kept += 1
    word = left_out(len(blocks) - kept)
    return "".join(blocks[:kept]) + (word if size(word) <= budget else "")
