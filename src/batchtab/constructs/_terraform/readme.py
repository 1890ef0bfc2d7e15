"""A module's README: what is written by hand, and tables of inputs and outputs from the module's own files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BEGIN = "<!-- BEGIN: written by `make modules`; change src/batchtab/constructs/*/module.py instead -->"
END = "<!-- END -->"
_REQUIRED = "*required*"


def render(path: Path, files: Mapping[str, bytes]) -> bytes:
    """The README with its tables made anew.

    Args:
        path: The committed README; without one, or without the two marks in it, the tables come last.
        files: The module's files by name, as they are committed.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else f"# {path.parent.name}\n"
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{tables(files)}\n\n{END}{after}".encode()


def catalogue(path: Path, modules: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """The catalogue of all modules with its table made anew, and the number of a job's inputs in the text.

    Args:
        path: The committed catalogue, with the two marks in it.
        modules: Each module's files by name, its README among them.
    """
    lines = ["| module | what it makes | inputs | required | outputs |", "|---|---|---|---|---|"]
    for name, files in sorted(modules.items()):
        variables = json.loads(files["variables.tf.json"])["variable"]
        outputs = json.loads(files["outputs.tf.json"])["output"]
        required = [f"`{key}`" for key, body in sorted(variables.items()) if "default" not in body]
        lines.append(
            f"| [`{name}`]({name}/README.md) | {_first_paragraph(files['README.md'])} | {len(variables)}"
            f" | {', '.join(required)} | {len(outputs)} |"
        )
    inputs = len(json.loads(modules["scheduled_job"]["variables.tf.json"])["variable"])
    text = re.sub(r"(?<=\n\| `scheduled_job` \| )\d+(?= \| \d+ \|\n)", str(inputs), path.read_text(encoding="utf-8"))
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{chr(10).join(lines)}\n\n{END}{rest.partition(END)[2]}".encode()


def _first_paragraph(readme: bytes) -> str:
    """What a README says right below its title."""
    return " ".join(readme.decode().split("\n\n")[1].split())


def tables(files: Mapping[str, bytes]) -> str:
    """The generated part: requirements, inputs (what must be given first), outputs."""
    variables = json.loads(files["variables.tf.json"])["variable"]
    outputs = json.loads(files["outputs.tf.json"])["output"]
    terraform = json.loads(files["versions.tf.json"])["terraform"]
    provider = terraform["required_providers"]["aws"]["version"]
    required = sum("default" not in body for body in variables.values())
    lines = [
        f"Terraform `{terraform['required_version']}`, AWS provider `{provider}`.",
        "",
        f"## Inputs ({len(variables)}, of which {required} required)",
        "",
        "| name | type | default | what it is |",
        "|---|---|---|---|",
        *_inputs(variables),
        "",
        f"## Outputs ({len(outputs)})",
        "",
        "| name | what it is |",
        "|---|---|",
        *(f"| `{name}` | {_cell(body['description'])} |" for name, body in sorted(outputs.items())),
    ]
    return "\n".join(lines)


def _inputs(variables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, body in sorted(variables.items(), key=lambda item: ("default" in item[1], item[0])):
        default = f"`{_literal(body['default'])}`" if "default" in body else _REQUIRED
        yield f"| `{name}` | `{body['type']}` | {default} | {_cell(body['description'])} |"


def _literal(value: Any) -> str:
    """A default as one writes it in HCL."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_literal(item)}" for key, item in value.items()) + " }" if value else "{}"
    return json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
