"""Where a command's output goes: a machine keeps it in files and logs, and Batch sends it to CloudWatch Logs."""

from __future__ import annotations

import re
from dataclasses import replace

from batchtab.importers.findings import Recorder
from batchtab.importers.kinds.shell import known
from batchtab.importers.kinds.shell.words import Item

_HOW = "output goes to CloudWatch Logs"
_STATUS = f"{_HOW}, and the command's own exit status counts"
_PIPE = re.compile(r"(?<!\|)\|\s*(?P<program>[\w./-]+)(?:[^|&;()<>\"'`#]|\"[^\"`$]*\"|'[^']*')*$")
_COPY = r"[0-9]?>&[0-9]"
_FILE = r"(?:[0-9]?>>?|&>>?)\s*([^\s\"'()|;&<>$`]+)"
_TAIL = re.compile(rf"(?<!\s)(?:\s*(?:{_COPY}|{_FILE}))+$")
#: How much of a text's end is looked at, so that the time grows with the text and no faster.
_LONGEST_END = 1000
_COMMENT = re.compile(r"(?:^|\s)#")


def without_logs(item: Item, recorder: Recorder) -> Item:
    """The pipeline without what only stores its output."""
    pipeline = [*item.pipeline]
    while len(pipeline) > 1 and known.is_logger(pipeline[-1]):
        recorder.changed("output", f"| {pipeline.pop().text}", _STATUS)
    last = pipeline[-1]
    kept = [each for each in last.redirections if not known.is_log(each) or known.is_copy(each)]
    if all(known.is_copy(each) for each in kept):
        kept = []
    dropped = [each for each in last.redirections if each not in kept]
    if dropped:
        recorder.changed("output", " ".join(each.text for each in dropped), _HOW)
    pipeline[-1] = replace(last, redirections=tuple(kept))
    return replace(item, pipeline=tuple(pipeline))


def without_logs_at_end(text: str, recorder: Recorder) -> str:
    """The same for a text that is not taken apart, such as `( … ) | logger`."""
    text = text.rstrip()
    if _COMMENT.search(text):
        return text
    begin = max(0, len(text) - _LONGEST_END)
    pipe = _PIPE.search(text, begin)
    if pipe and pipe["program"].rpartition("/")[2] in known.LOGGERS:
        recorder.changed("output", pipe[0], _STATUS)
        return _without_copies(text[: pipe.start()].rstrip())
    tail = _TAIL.search(text, begin)
    files = re.findall(_FILE, tail[0]) if tail else []
    if tail and files and all(known.LOG.fullmatch(each) for each in files):
        recorder.changed("output", tail[0].strip(), _HOW)
        return text[: tail.start()]
    return text


def _without_copies(text: str) -> str:
    """Without the redirections at the end, if they name no file."""
    tail = _TAIL.search(text, max(0, len(text) - _LONGEST_END))
    return text[: tail.start()] if tail and not re.search(_FILE, tail[0]) else text
