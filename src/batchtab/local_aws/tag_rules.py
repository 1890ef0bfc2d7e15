"""Which tags AWS takes: at most 50 of a resource, of certain characters, and none whose keys are AWS's own.

https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

TAGS_MAXIMUM = 50
PATTERN = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]"
_KEY, _VALUE = 128, 256


def fault(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first tag that AWS does not take, and what is wrong with it; None if it takes all."""
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            return key, "must not start with aws:"
        if not 1 <= len(key) <= _KEY or len(value) > _VALUE:
            return key, f"must have 1 to {_KEY} characters and a value of at most {_VALUE}"
        if not (_is_written(key) and _is_written(value)):
            return key, f"and its value must satisfy the regular expression {PATTERN}*"
    return None


def _is_written(text: str) -> bool:
    """Whether a text has letters, separators and numbers of any language, and few other characters."""
    return all(unicodedata.category(one)[0] in "LZN" or one in "_.:/=+-@" for one in text)
