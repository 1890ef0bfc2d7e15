"""A `gh` that answers from a file, and remembers what it was asked."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = """#!{python}
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
method, path = sys.argv[3], sys.argv[4]
with (folder / "asked.jsonl").open("a") as log:
    log.write(json.dumps([method, path, json.loads(sys.stdin.read() or "null")]) + "\\n")
answers = json.loads((folder / "answers.json").read_text()).get(f"{{method}} {{path}}")
if answers is None:
    print("gh: Not Found (HTTP 404)", file=sys.stderr)
    sys.exit(1)
answer = answers.pop(0) if isinstance(answers, list) else answers
if isinstance(answers, list):
    everything = json.loads((folder / "answers.json").read_text())
    everything[f"{{method}} {{path}}"] = answers
    (folder / "answers.json").write_text(json.dumps(everything))
if isinstance(answer, str):
    print("gh: " + answer, file=sys.stderr)
    sys.exit(4 if "auth login" in answer else 1)
if answer:
    print(json.dumps(answer))
"""


@dataclass
class FakeGh:
    """What it answers: `METHOD path` to an answer, a text that it fails with, or a list of them, one a call."""

    folder: Path
    answers: dict[str, Any] = field(default_factory=dict)

    def install(self) -> None:
        """Writes the program `gh` to its folder."""
        program = self.folder / "gh"
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(0o755)

    def answer(self, **answers: Any) -> None:
        """Sets answers by their method and path."""
        self.answers |= answers
        (self.folder / "answers.json").write_text(json.dumps(self.answers))

    def asked(self, method: str = "") -> list[list[Any]]:
        """What it was asked: method, path, content."""
        path = self.folder / "asked.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [one for one in map(json.loads, lines) if method in {"", one[0]}]
