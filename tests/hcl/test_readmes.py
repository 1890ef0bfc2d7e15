"""The modules' READMEs and catalogue are current, their examples are accepted, their figures counted."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.doc_blocks import fenced
from tests.hcl.terraform import EXAMPLES, MODULES, Terraform, copy, copy_modules

from batchtab.cli.ci.release import _TAG
from batchtab.constructs._terraform import export, package, readme

GIT = re.compile(rf'"git::https://github\.com/my-company/batchtab\.git//modules/(\w+)\?ref={re.escape(readme.tag())}"')
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


def test_each_tag_in_a_text_is_one_that_a_release_makes() -> None:
    # GIVEN the tag of this version, as a release is tagged
    assert _TAG.fullmatch(readme.tag())
    # WHEN all texts are read that people copy from
    command = ["git", "grep", "-hoE", r"[?]ref=v[0-9][A-Za-z0-9.-]*", "--", ":!tests", ":!CHANGELOG.md"]
    found = subprocess.run(command, cwd=package.ROOT, capture_output=True, text=True, check=True).stdout.split()
    # THEN they name it
    assert set(found) == {f"?ref={readme.tag()}"}


@pytest.mark.parametrize("name", export.names())
def test_each_readme_has_the_sections_of_terraform_docs(name: str) -> None:
    content: dict[str, Any] = json.loads((MODULES / name / "main.tf.json").read_text(encoding="utf-8"))
    sections = re.findall(r"^## (\w+)", READMES[name], re.MULTILINE)
    wanted = ["Requirements", *(["Modules"] if "module" in content else []), "Resources", "Inputs", "Outputs"]
    assert [section for section in sections if section in wanted] == wanted
    # AND each resource, with the page that describes its type
    for type_, named in content["resource"].items():
        for label in named:
            page = f"providers/hashicorp/aws/latest/docs/resources/{type_.removeprefix('aws_')})"
            assert f"[`{type_}.{label}`](https://registry.terraform.io/{page}" in READMES[name]


def test_modules_that_call_modules_list_them() -> None:
    # GIVEN a module without resources
    files = {"variables.tf.json": b'{"variable": {}}', "outputs.tf.json": b'{"output": {}}'}
    calls = {"environment": {"source": "../batch_environment"}, "other": {"source": "hashicorp/x/aws"}}
    files["main.tf.json"] = json.dumps({"module": calls}).encode()
    files["versions.tf.json"] = (MODULES / "job_runs/versions.tf.json").read_bytes()
    # THEN its README has links to them, and no list of resources
    tables = readme.tables(files)
    assert "| `environment` | [`../batch_environment`](../batch_environment/README.md) |" in tables
    assert "| `other` | `hashicorp/x/aws` |" in tables
    assert "## Resources" not in tables


@pytest.mark.slow
def test_the_examples_of_the_readmes_are_accepted(tmp_path: Path) -> None:
    # GIVEN all examples in one root, with the modules of this commit
    copy_modules(tmp_path)
    text = "\n".join(block for each in [*READMES.values(), CATALOGUE] for block in blocks(each))
    assert set(GIT.findall(text)) == set(export.names())
    copy(EXAMPLES / "hcl-jobs-yaml", tmp_path, ["*.yaml"])
    (tmp_path / "main.tf").write_text(GIT.sub(r'"./modules/\1"', text), encoding="utf-8")
    terraform = Terraform(tmp_path)
    terraform.init()
    # THEN Terraform has no objection
    assert json.loads(terraform.run("validate", "-json").stdout)["diagnostics"] == []


def test_the_examples_of_all_pages_are_formatted_as_terraform_would(tmp_path: Path) -> None:
    for block in fenced("hcl", "terraform"):
        (tmp_path / f"{block.place.replace('/', '.')}.tf").write_text(block.text, encoding="utf-8")
    done = Terraform(tmp_path, keeps_provider=False).run("fmt", "-check", "-diff")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_catalogues_figures_are_counted() -> None:
    # GIVEN the example of one job, and the row that tells of it
    (block,) = blocks(CATALOGUE)
    inputs, lines = re.findall(r"^\| `scheduled_job` \| (\d+) \| (\d+) \|$", CATALOGUE, re.MULTILINE)[0]
    # THEN both figures are true
    assert int(lines) == len([line for line in block.splitlines() if line.strip()])
    assert int(inputs) == len(json.loads((MODULES / "scheduled_job/variables.tf.json").read_text())["variable"])
