"""The repository of the registry's module: laid out as a registry wants it, and Terraform takes its example."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.hcl.terraform import MOCKS, ROOT, Terraform, copy

from batchtab.cli.ci import registry
from batchtab.cli.main import main
from batchtab.errors import UsageError


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, written over one of a release before."""
    out = tmp_path_factory.mktemp("terraform-aws-batchtab")
    (out / "modules" / "gone").mkdir(parents=True)
    (out / "modules" / "gone" / "main.tf.json").write_text("{}")
    (out / ".git").mkdir()
    (out / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert main(["ci", "registry-files", "--root", str(ROOT), "--out", str(out)]) == 0
    return out


def test_the_make_target_is_this_command() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = text.partition("\nterraform-aws-batchtab:")[2].partition("\n\n")[0]
    assert "$(BIN)/batchtab ci registry-files --out $(or $(OUT),dist/terraform-aws-batchtab)" in target


def test_the_layout_is_that_of_a_registry(repository: Path) -> None:
    # GIVEN the repository THEN its root is a module with a README and a licence
    assert {"README.md", "LICENSE", "main.tf.json", "variables.tf.json", "outputs.tf.json", "versions.tf.json"} <= {
        path.name for path in repository.iterdir()
    }
    # AND the modules that it calls are below it, and nothing of an earlier release, but for git's own
    calls: dict[str, Any] = json.loads((repository / "main.tf.json").read_text())["module"]
    sources = {call["source"] for call in calls.values()}
    below = {f"./modules/{path.name}" for path in (repository / "modules").iterdir() if any(path.iterdir())}
    assert below == {*sources, "./modules/compute_environment"}
    assert (repository / ".git" / "HEAD").is_file()
    # AND no file names this repository's folders or a version that is none
    for path in (path for path in repository.rglob("*") if path.suffix in {".md", ".json", ".tf"}):
        text = path.read_text(encoding="utf-8")
        assert "ref=v1" not in text, path
        assert "../../modules" not in text, path
    # AND each link of the README leads to a file that is there, or away
    readme = (repository / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", readme):
        assert link.startswith("https://") or (repository / link).exists(), link


@pytest.mark.slow
def test_terraform_plans_the_example(repository: Path, tmp_path: Path) -> None:
    # GIVEN a copy of the repository, with what the example in the checkout is tested by
    for path in (path for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts):
        target = tmp_path / path.relative_to(repository)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    example = tmp_path / "examples" / "jobs-yaml"
    copy(ROOT / "tests" / "hcl" / "examples", example, ["hcl-jobs-yaml.tftest.hcl"])
    copy(MOCKS, example / "mocks", ["*.tfmock.hcl"])
    terraform = Terraform(example)
    terraform.init()
    # THEN Terraform has no objection, and makes its jobs
    assert json.loads(terraform.run("validate", "-json").stdout)["diagnostics"] == []
    assert "0 failed" in terraform.do("test")


@pytest.mark.parametrize(
    ("version", "tag"),
    [
        ("0.2.0", "v0.2.0"),
        ("1.2", "v1.2.0"),
        ("1.2.0rc1", "v1.2.0-rc.1"),
        ("1.2.0b2", "v1.2.0-beta.2"),
        ("1.2.0.dev3", "v1.2.0-dev.3"),
    ],
)
def test_a_version_has_a_semantic_tag(version: str, tag: str) -> None:
    assert registry.semver_tag(version) == tag


def test_a_version_without_a_semantic_one_is_refused() -> None:
    with pytest.raises(UsageError, match="has no tag that a registry takes"):
        registry.semver_tag("1.2.0.post1")


def test_the_tag_is_that_of_the_packages_version(repository: Path, tmp_path: Path, capsys: Any) -> None:
    version = registry.version_of(ROOT)
    assert main(["ci", "registry-files", "--root", str(ROOT), "--out", str(tmp_path)]) == 0
    assert f"terraform-aws-batchtab v{version}: " in capsys.readouterr().out
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert f'version = "{version}"' in readme
