"""Synthesizes with both frameworks and fails on differences that are not the provider's: `make same-synth`.

    python -m tools.same_synth                 # every stage of the tests' project, and every module
    python -m tools.same_synth --stage local   # one stage

The fork gets an environment of its own, `.batchtab/cdktn-venv`, because it needs an older `constructs`.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.own_environment import prepare

ROOT = Path(__file__).resolve().parent.parent
FRAMEWORKS = {"cdktf": ROOT / ".venv", "cdktn": ROOT / ".batchtab" / "cdktn-venv"}
PROJECT = ROOT / "tests" / "fixtures" / "project"

_MODULES = """
import sys
from pathlib import Path
from batchtab.constructs._terraform.export import render_all
for name, content in render_all().items():
    path = Path(sys.argv[1], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
"""


def stages(project: Path) -> list[str]:
    """The stages of a project."""
    return sorted(path.stem for path in (project / "config").glob("*.yaml"))


def synthesize(framework: str, project: Path, stage_names: list[str], folder: Path) -> None:
    """Writes every stage and every module with one framework."""
    python = FRAMEWORKS[framework] / "bin" / "python"
    node = ROOT / ".batchtab" / "bin" / "node"
    environment = {
        **os.environ,
        "BATCHTAB_FRAMEWORK": framework,
        "PYTHONPATH": str(ROOT / "src"),
        "JSII_NODE": str(node),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / ".batchtab" / f"jsii-{framework}"),
        "NODE_OPTIONS": "--no-deprecation",
    }
    for stage in stage_names:
        stack_folder = str(folder / "stages" / stage)
        (folder / "stages").mkdir(parents=True, exist_ok=True)  # the framework makes the last folder only
        run([python, "main.py"], project, {**environment, "BATCHTAB_STAGE": stage, "CDKTF_OUTDIR": stack_folder})
    run([python, "-c", _MODULES, folder / "modules"], ROOT, environment)


def run(command: list[Any], folder: Path, environment: dict[str, str]) -> None:
    """Runs a program; exits with its output if it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} {command[1]} failed:\n{done.stdout}{done.stderr}")


def facts(path: Path) -> str:
    """A file's content without allowed differences; a stack and a manifest as sorted JSON, any other file as it is."""
    if path.name not in {"cdk.tf.json", "manifest.json"}:
        return path.read_bytes().decode("latin-1")
    content = json.loads(path.read_text(encoding="utf-8"))
    if path.name == "manifest.json":
        content.pop("version")
    else:
        content["//"]["metadata"].pop("version")  # the framework's
        aws = content["terraform"]["required_providers"]["aws"]
        if aws["source"] not in {"aws", "hashicorp/aws"}:  # both name the same provider
            raise SystemExit(f"{path}: the provider is {aws['source']!r}")
        del aws["source"], aws["version"]
    renamed = json.dumps(content).replace('"compute_environment_name_prefix"', '"name_prefix"')  # by provider 6
    return json.dumps(json.loads(renamed), indent=1, sort_keys=True)


def differences(one: Path, other: Path) -> list[str]:
    """The files that are not the same, each with its first lines of difference."""
    names = {path.relative_to(folder) for folder in (one, other) for path in folder.rglob("*") if path.is_file()}
    found = []
    for name in sorted(names):
        missing = [folder.name for folder in (one, other) if not (folder / name).is_file()]
        if missing:
            found.append(f"{name}: not written by {missing[0]}")
            continue
        before, after = (facts(folder / name).splitlines() for folder in (one, other))
        lines = list(difflib.unified_diff(before, after, one.name, other.name, lineterm="", n=1))
        if lines:
            found.append("\n".join([f"{name}:", *lines[:20]]))
    if not names:
        found.append("nothing was written")
    return found


def main() -> int:
    """Compares; exit status 1 if something differs."""
    parser = argparse.ArgumentParser(description="Synthesize on both frameworks and compare.")
    parser.add_argument("--project", type=Path, default=PROJECT, help="a folder with main.py, config/ and jobs/")
    parser.add_argument("--stage", action="append", help="one stage; may be given again; all by default")
    options = parser.parse_args()
    stage_names = options.stage or stages(options.project)
    prepare("cdktn")
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary, framework) for framework in FRAMEWORKS]
        for framework, folder in zip(FRAMEWORKS, folders, strict=True):
            synthesize(framework, options.project, stage_names, folder)
        found = differences(*folders)
        files = sum(path.is_file() for path in folders[0].rglob("*"))
    print("\n".join(found) or f"cdktf and cdktn write the same {files} files ({', '.join(stage_names)}; modules)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
