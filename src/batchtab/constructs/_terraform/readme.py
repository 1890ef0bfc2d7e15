"""A module's README: what is written manually, and tables of inputs and outputs from the module's own files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from batchtab.constructs._terraform import package

BEGIN = "<!-- BEGIN: written by `make modules`; change src/batchtab/constructs/*/module.py instead -->"
END = "<!-- END -->"
_REQUIRED = "*required*"
_REF = re.compile(r"(?<=\?ref=)v[0-9][\w.-]*")
#: Where the provider describes a type.
_DOCUMENTED = "https://registry.terraform.io/providers/hashicorp/aws/latest/docs"


def render(path: Path, files: Mapping[str, bytes], notes: str = "") -> bytes:
    """The README with its tables made again.

    Args:
        path: The committed README; without one, or without the two marks in it, the tables come last.
        files: The module's files by name, as they are committed.
        notes: What comes before the tables.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else f"# {path.parent.name}\n"
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, _, rest = with_tag(text).partition(BEGIN)
    after = rest.partition(END)[2]
    notes = f"{notes}\n\n" if notes else ""
    return f"{before}{BEGIN}\n\n{notes}{tables(files)}\n\n{END}{after}".encode()


def tag() -> str:
    """The tag that a release of this version has."""
    project = tomllib.loads((package.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"v{project['version']}"


def with_tag(text: str) -> str:
    """A text whose git addresses name this version."""
    return _REF.sub(tag(), text)


def catalogue(path: Path, modules: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """The catalogue of all modules with its table made again, and the number of a job's inputs in the text.

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
    before, _, rest = with_tag(text).partition(BEGIN)
    return f"{before}{BEGIN}\n\n{chr(10).join(lines)}\n\n{END}{rest.partition(END)[2]}".encode()


def _first_paragraph(readme: bytes) -> str:
    """What a README says right below its title."""
    return " ".join(readme.decode().split("\n\n")[1].split())


def tables(files: Mapping[str, bytes]) -> str:
    """The generated part: requirements, inputs (what must be given first), outputs."""
    variables = json.loads(files["variables.tf.json"])["variable"]
    outputs = json.loads(files["outputs.tf.json"])["output"]
    terraform = json.loads(files["versions.tf.json"])["terraform"]
    main = json.loads(files["main.tf.json"])
    required = sum("default" not in body for body in variables.values())
    lines = [
        "## Requirements",
        "",
        "| name | version |",
        "|---|---|",
        f"| terraform | `{terraform['required_version']}` |",
        *(f"| {name} | `{body['version']}` |" for name, body in sorted(terraform["required_providers"].items())),
        "",
        *_modules(main.get("module", {})),
        *_resources(main),
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


def _modules(calls: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The modules that it calls."""
    if not calls:
        return
    yield from (f"## Modules ({len(calls)})", "", "| name | source |", "|---|---|")
    for name, call in sorted(calls.items()):
        source = call["source"]
        yield f"| `{name}` | [`{source}`]({source}/README.md) |" if source[0] == "." else f"| `{name}` | `{source}` |"
    yield ""


def _resources(main: Mapping[str, Any]) -> Iterator[str]:
    """The resources and data sources that it has, with what the provider says of them."""
    rows = []
    for kind, folder in (("resource", "resources"), ("data", "data-sources")):
        for type_, named in sorted(main.get(kind, {}).items()):
            address = f"{_DOCUMENTED}/{folder}/{type_.removeprefix('aws_')}"
            prefix = "data." if kind == "data" else ""
            rows += [
                f"| [`{prefix}{type_}.{label}`]({address}) | {_number(body)} |" for label, body in sorted(named.items())
            ]
    if rows:
        yield from (f"## Resources ({len(rows)})", "", "| address | how many |", "|---|---|", *rows, "")


def _number(body: Mapping[str, Any]) -> str:
    return "one each" if "for_each" in body else "none or one" if "count" in body else "one"


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
