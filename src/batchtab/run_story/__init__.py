"""The story of a run, and its cause: facts in, sentences out. Nothing here calls AWS."""

from __future__ import annotations

from batchtab.run_story.facts import Facts
from batchtab.run_story.story import Cause, Line, Story
from batchtab.run_story.writer import story_of

__all__ = ["Cause", "Facts", "Line", "Story", "story_of"]
