"""The modules' READMEs and catalogue are current, their examples are accepted, their figures counted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.hcl.terraform import MODULES, Terraform, copy_modules

from batchtab.constructs._terraform import export

GIT = re.compile(r'"git::https://github\.com/my-company/batchtab\.git//modules/(\w+)\?ref=v1"')
READMES = {path.parent.name: path.read_text(encoding="utf-8") for path in sorted(MODULES.glob("[!_]*/README.md"))}
CATALOGUE = (MODULES / "README.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[str]:
    return re.findall(r"^```hcl\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_generated_tables_are_current() -> None:
    # WHEN all is generated THEN the committed READMEs and the catalogue are the same
    rendered = {file: content for file, content in export.render_all().items() if file.endswith("README.md")}
    stale = sorted(file for file, content in rendered.items() if (MODULES / file).read_bytes() != content)
    assert stale == [], f"run `make modules` and commit: {', '.join(stale)}"
    assert sorted(rendered) == sorted(["README.md", *(f"{name}/README.md" for name in export.names())])


@pytest.mark.parametrize("name", export.names())
def test_each_readme_lists_each_input_and_output(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", READMES[name], re.MULTILINE)
    for file, kind in (("variables.tf.json", "variable"), ("outputs.tf.json", "output")):
        content: dict[str, Any] = json.loads((MODULES / name / file).read_text(encoding="utf-8"))[kind]
        assert content.keys() <= set(rows)


@pytest.mark.slow
def test_the_examples_of_the_readmes_are_accepted(tmp_path: Path) -> None:
    # GIVEN all examples in one root, with the modules of this commit
    copy_modules(tmp_path)
    text = "\n".join(block for readme in [*READMES.values(), CATALOGUE] for block in blocks(readme))
    assert set(GIT.findall(text)) == set(export.names())
    (tmp_path / "main.tf").write_text(GIT.sub(r'"./modules/\1"', text), encoding="utf-8")
    terraform = Terraform(tmp_path)
    terraform.init()
    # THEN Terraform has no objection, and they are formatted as it would
    assert json.loads(terraform.run("validate", "-json").stdout)["diagnostics"] == []
    for name, readme in {**READMES, "the catalogue": CATALOGUE}.items():
        for block in blocks(readme):
            (tmp_path / "block.tf").write_text(block, encoding="utf-8")
            assert terraform.run("fmt", "-check", "block.tf").returncode == 0, name


def test_the_catalogues_figures_are_counted() -> None:
    # GIVEN the example of one job, and the row that tells of it
    (block,) = blocks(CATALOGUE)
    inputs, lines = re.findall(r"^\| `scheduled_job` \| (\d+) \| (\d+) \|$", CATALOGUE, re.MULTILINE)[0]
    # THEN both figures are true
    assert int(lines) == len([line for line in block.splitlines() if line.strip()])
    assert int(inputs) == len(json.loads((MODULES / "scheduled_job/variables.tf.json").read_text())["variable"])
