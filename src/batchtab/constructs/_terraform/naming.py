"""Physical names: one form, within each service's limit, the same from Python and from HCL."""

from __future__ import annotations

from batchtab import names
from batchtab.constructs._terraform.expressions import Expression, choose, hcl, is_expression, is_set


def shorten(name: str, maximum: int) -> str:
    """A name within a limit, as `batchtab.names` shortens it; of an expression, the same for Terraform to do."""
    if not is_expression(name):
        return names.shorten(name, maximum)
    whole, size = hcl(name), names.HASH_LENGTH
    short = f'"${{substr({whole}, 0, {maximum - size - 1})}}-${{substr(sha1({whole}), 0, {size})}}"'
    return Expression.of(f"length({whole}) <= {maximum} ? {whole} : {short}")


def namespaced(namespace: str | None, name: str, separator: str = "-") -> str:
    """A name with its namespace in front; without one it is the name alone."""
    return choose(is_set(namespace), f"{namespace}{separator}{name}", name)
