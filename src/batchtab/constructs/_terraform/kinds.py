"""What a field's annotation says of its values, whichever way it is written."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from batchtab.declarations.fields import Limit
from batchtab.declarations.table import Hidden


class Kind(NamedTuple):
    """An annotation without `None` and `Annotated`, with the metadata of both."""

    type: Any
    metadata: tuple[Any, ...]
    nullable: bool

    @property
    def limits(self) -> Iterator[Any]:
        """The limits of its values."""
        return (item.limit for item in self.metadata if isinstance(item, Limit))

    @property
    def is_scalar(self) -> bool:
        """Whether it is a text, a number or a boolean."""
        return self.type in (str, int, float, bool)

    @property
    def is_hidden(self) -> bool:
        """Whether no message shows its value."""
        return any(isinstance(item, Hidden) for item in self.metadata)


def kind_of(annotation: Any, metadata: tuple[Any, ...]) -> Kind:
    """The kind of an annotation, with further metadata."""
    nullable = False
    while True:
        if hasattr(annotation, "__metadata__"):
            metadata = (*metadata, *annotation.__metadata__)
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation):
            nullable = True
            (annotation,) = (each for each in get_args(annotation) if each is not NoneType)
        else:
            return Kind(annotation, metadata, nullable)
