"""A small network of its own for a stage that has none; internal, not a module."""

from .construct import Network

__all__ = ["Network"]
