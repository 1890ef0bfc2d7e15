"""Imports run one way, without cycles, and what travels imports nothing that its package does not carry."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from batchtab.constructs._terraform import package
from batchtab.runner_image import context

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "batchtab"
FILES = sorted(PACKAGE.rglob("*.py"))

# What a part of the package may import of the others. What is not named here may import nothing.
ALLOWED: dict[str, set[str]] = {
    "choices": set(),
    "schedule": set(),
    "errors": set(),
    "masking": set(),
    "local_keys": set(),
    "schedules": set(),
    "main_container": set(),
    "exit_codes": set(),
    "job_overrides": set(),
    "run_record": set(),
    "frameworks": {"errors"},
    "limits": {"choices", "schedules"},
    "names": {"limits"},
    "declarations": {
        *("choices", "errors", "frameworks", "limits", "main_container", "masking", "names", "schedules"),
    },
    "constructs": {
        *("choices", "declarations", "errors", "frameworks", "limits", "main_container", "names", "schedules"),
    },
    "app": {"constructs", "declarations", "errors", "frameworks", "limits"},
    "run_story": {"declarations", "errors", "exit_codes", "limits", "main_container", "run_record", "schedules"},
    "aws": {
        *("declarations", "errors", "job_overrides", "limits", "local_keys", "main_container", "names"),
        *("run_record", "run_story", "schedules"),
    },
    "calendar": {"declarations", "errors", "schedules"},
    "costs": {"errors", "limits"},
    "file_diff": {"declarations", "errors", "limits", "plan_review", "schedules"},
    "github": {"errors"},
    "importers": {
        *("aws", "declarations", "errors", "frameworks", "limits", "main_container", "masking", "schedules"),
    },
    "plan_review": {"errors", "limits", "main_container", "masking", "schedules"},
    "terraform": {"aws", "declarations", "errors", "frameworks", "local_keys", "toolchain"},
    "runner_image": {"aws", "declarations", "errors", "terraform", "toolchain"},
    "runner": {"masking"},
    "project": {"errors", "limits"},
    "toolchain": {"errors"},
    "local_aws": set(),
}
HIGHEST = {"cli"}
#: What is imported to draw the way, and never when it runs.
PARTS = sorted({path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} - {"__init__"})


def part_of(module: str) -> str:
    """`batchtab.schedules.cron` is of `schedules`."""
    return module.split(".")[1] if "." in module else ""


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def imports_of(path: Path, package: str) -> set[str]:
    """Every module that a file imports anywhere in it, functions and type checks included.

    What the package's own first file names for type checkers alone does not count: it loads when it is asked for.
    """
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name == "__init__.py" and path.parent.name == "batchtab":
        tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                found.add(inner if inner in MODULES else module)
    return found


def ours(path: Path) -> set[str]:
    """The modules of the package that a file of it imports."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    return {name for name in imports_of(path, package) if name.split(".")[0] == "batchtab"}


@pytest.mark.parametrize("part", PARTS)
def test_imports_run_one_way(part: str) -> None:
    if part in HIGHEST:
        return
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") != part:
            continue
        # GIVEN a file of a part
        # THEN it imports its own part and those below it
        above = {part_of(name) for name in ours(path)} - ALLOWED[part] - {part, ""}
        assert above == set(), f"{path.relative_to(PACKAGE)} imports {', '.join(sorted(above))}"


def test_what_is_allowed_holds_no_circle() -> None:
    # GIVEN what each part may import
    left = dict(ALLOWED)
    # WHEN parts that need nothing more are taken away, again and again
    while ready := [part for part, needs in left.items() if not needs & left.keys()]:
        for part in ready:
            del left[part]
    # THEN none is left
    assert left == {}


def test_no_file_imports_itself_by_way_of_others() -> None:
    # GIVEN every import of the package
    graph = {name: ours(path) & MODULES.keys() - {name} for name, path in MODULES.items()}
    graph = {name: {need for need in needs if not name.startswith(f"{need}.")} for name, needs in graph.items()}
    # WHEN modules that need nothing more are taken away, again and again
    left = graph
    while ready := {name for name, needs in left.items() if not needs & left.keys()}:
        left = {name: needs for name, needs in left.items() if name not in ready}
    # THEN none is left
    assert left == {}, "a circle is among these files"


@pytest.mark.parametrize("part", ["schedules", "limits", "names", "errors", "masking"])
def test_what_everything_rests_on_needs_the_standard_library_alone(part: str) -> None:
    for name, path in MODULES.items():
        if part_of(name) == part:
            dependencies = {found.split(".")[0] for found in imports_of(path, name)} - {
                "batchtab",
                *sys.stdlib_module_names,
            }
            assert dependencies == set(), path


def test_one_file_names_the_framework() -> None:
    # GIVEN the files that import cdktf, its fork or their bindings
    frameworks = {"cdktf", "cdktn", "cdktf_cdktf_provider_aws", "cdktn_provider_aws"}
    found = {
        path.name for name, path in MODULES.items() if {n.split(".")[0] for n in imports_of(path, name)} & frameworks
    }
    # THEN it is the one that chooses
    assert found == {"framework.py"}


@pytest.mark.parametrize("part", ["cli", "aws", "calendar", "declarations", "github", "plan_review", "terraform"])
def test_no_command_loads_cdktf(part: str) -> None:
    for name, path in MODULES.items():
        if part_of(name) == part:
            assert not {found.split(".")[0] for found in imports_of(path, name)} & {"cdktf", "cdktn", "constructs"}, (
                path
            )


def test_the_runner_imports_what_its_image_carries(tmp_path: Path) -> None:
    # GIVEN the files of the package that are in the image
    carried = {name.removesuffix(".py").replace("/", ".") for name in context.files(tmp_path)}
    carried |= {name.removesuffix(".__init__") for name in carried}
    for name in sorted(carried):
        if name.startswith("batchtab.runner") and name in MODULES:
            # THEN none of them imports another of ours
            assert ours(MODULES[name]) <= carried, name


@pytest.mark.parametrize("function", sorted(path.parent.name for path in (ROOT / "lambda").glob("*/handler.py")))
def test_a_function_imports_what_its_package_carries(function: str, tmp_path: Path) -> None:
    # GIVEN a function's zip, unpacked
    with zipfile.ZipFile(io.BytesIO(package.build(function))) as archive:
        archive.extractall(tmp_path)
    paths = {path: ".".join(path.relative_to(tmp_path).with_suffix("").parts) for path in tmp_path.rglob("*.py")}
    carried = {name.removesuffix(".__init__") for name in paths.values()}
    for path, name in paths.items():
        # THEN each of its files imports others of it, the standard library, and boto3 and dateutil, which Lambda has
        dependencies = imports_of(path, name.rpartition(".")[0]) - carried
        tops = {found.split(".")[0] for found in dependencies if found}
        assert tops - sys.stdlib_module_names <= {"boto3", "botocore", "dateutil"}, name
    # AND all that they import is there, also what only some events need
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {', '.join(sorted(carried))}"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
