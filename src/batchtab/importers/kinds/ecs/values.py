"""Values of a template, in which text between two marks is in place of what the template does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from batchtab.importers.intrinsics import stacks
from batchtab.importers.intrinsics.shown import names_of
from batchtab.importers.intrinsics.stacks import Template
from batchtab.importers.intrinsics.unresolved import NoValue, Unresolved, replaced, unknown
from batchtab.importers.intrinsics.values import Values
from batchtab.importers.kinds.ecs.loose import opened
from batchtab.importers.options import Options
from batchtab.importers.secret_texts import has_secret, masked_command
from batchtab.importers.source_file import SourceFile


class OpenValues(Values):
    """Computes values of one template."""

    def __init__(self, document: Mapping[str, Any], file: SourceFile, options: Options) -> None:
        super().__init__(stacks.alone(file, document, options))
        (self._template,) = self.stacks.templates

    def resolved(self, value: Any) -> Any:
        """A value with its functions computed."""
        found = self.of(value, self._template)
        return None if found is NoValue else replaced(found, _marked)

    def condition(self, name: object) -> bool | None:
        """Whether a condition is met; None where the template does not say."""
        return self.is_true(name, self._template)

    def unknown(self, function: str, argument: Any, template: Template) -> Unresolved:  # noqa: ARG002 - as there
        """The function as a short tag, with what it refers to."""
        return unknown(f"!{function.removeprefix('Fn::')} {', '.join(names_of(function, argument))}".rstrip())


def _marked(text: Unresolved) -> str:
    """A text with marks, and without what looks like a secret beside them."""
    places = {f"${{{name}}}": name if name.startswith("!") else f"${{{name}}}" for name in text.names}
    if has_secret([text]):
        (masked,) = masked_command([text])
        text_shown = masked if all(place in masked for place in places) else "".join(places)
    else:
        text_shown = str(text)
    longest_first = sorted(places, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), lambda match: opened(places[match[0]]), text_shown)
