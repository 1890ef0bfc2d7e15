"""Physical names: one form, within each service's limit, the same from Python and from HCL."""

from __future__ import annotations

import hashlib

from .expressions import Expression, choose, hcl, is_expression, is_set

_HASH_LENGTH = 8


def shorten(name: str, maximum: int) -> str:
    """A name within a limit: as it is if it fits, otherwise its beginning and a hash of the whole.

    Two different names never become one, and a name does not change with others.
    """
    head = maximum - _HASH_LENGTH - 1
    if is_expression(name):
        whole = hcl(name)
        short = f'"${{substr({whole}, 0, {head})}}-${{substr(sha1({whole}), 0, {_HASH_LENGTH})}}"'
        return Expression.of(f"length({whole}) <= {maximum} ? {whole} : {short}")
    if len(name) <= maximum:
        return name
    return f"{name[:head]}-{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:_HASH_LENGTH]}"


def namespaced(namespace: str | None, name: str, separator: str = "-") -> str:
    """A name with its namespace in front; without one it is the name alone."""
    return choose(is_set(namespace), f"{namespace}{separator}{name}", name)
