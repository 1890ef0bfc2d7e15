"""What Terraform evaluates in a text: the functions that it calls, the data that it reads, and what cannot be judged.

The grammar is that of templates: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#templates
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEGIN = re.compile(r"(?<!\$)(?:\$\$)*\$\{|(?<!%)(?:%%)*%\{")  # `$${` and `%%{` are text
_TEXT = re.compile(r'\\[\\"]|"|' + _BEGIN.pattern)
_CODE = re.compile(
    r"""
    (?P<comment> /\*|//|\# )
    | (?P<heredoc> << )
    | (?P<attribute> \.\s*[^\W\d][\w-]* )
    | (?P<call> [^\W\d][\w-]* (?:\s*::\s*[\w-]+)* (?=\s*\() )
    | (?P<data> data(?![\w-]) (?:\.[\w-]+)* )
    | (?P<word> [^\W\d][\w-]* )
    | [{}"]
    """,
    re.VERBOSE,
)
_KINDS = {"call", "data", "comment", "heredoc"}
_WORDS = {"if", "in", "else"}  # which may have a parenthesis after them


@dataclass(frozen=True)
class Found:
    """Something that a text has Terraform evaluate.

    Attributes:
        kind: `call`, `data`, `comment` or `heredoc`.
        text: The function's name, the path that is read, such as `data.aws_region.current.id`, or the token.
    """

    kind: str
    text: str


def is_live(text: str) -> bool:
    """Whether Terraform evaluates anything in a text."""
    return bool(_BEGIN.search(text))


def found_in(text: str) -> Iterator[Found]:
    """What Terraform evaluates in a text of its JSON.

    Where a template's begin is read in two ways, it counts as one: nothing that Terraform runs is missed.
    """
    at, nested = 0, ["text"]  # of texts and codes, the innermost last; each brace in code opens one more
    while True:
        in_code = nested[-1] == "code"
        match = (_CODE if in_code else _TEXT).search(text, at)
        if match is None:
            return
        at = match.end()
        found = match[0]
        if in_code:
            kind = match.lastgroup
            if kind in _KINDS and found not in _WORDS:
                yield Found(kind, found)
            if found == "}":
                nested.pop()
            elif found in ("{", '"'):
                nested.append("code" if found == "{" else "quoted")
        elif found == '"':
            if nested[-1] == "quoted":
                nested.pop()
        elif not found.startswith("\\"):
            nested.append("code")
