"""Scans Terraform, the image's Dockerfile and the workflows with checkov, and checks the checker.

checkov ends with 0 when it could not read a file, so its word alone is not taken: the scan fails as well when checkov
reports a parsing error, when it warns that a block could not be read, when nothing was checked, or when a file that
declares resources has no check. Two things that checkov 3.3 cannot read in JSON are put into a form that it can, in a
copy: `dynamic` blocks (their content once, as checkov itself would do) and `required_version`. What is skipped is in
`checkov.yaml`, each check with its reason; a project's own `.checkov.yaml` takes its place.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError

_CONFIG = Path(__file__).resolve().with_name("checkov.yaml")
_RUNS = Path(__file__).resolve().with_name("checkov_runs.py")
_OWN_CONFIG = ".checkov.yaml"
_FRAMEWORKS = ("terraform", "terraform_json", "dockerfile", "github_actions")
_UNREAD = "Failed to add block"  # checkov's warning, at which it goes on without the file
#: Types of resources that no policy of checkov's is about.
_WITHOUT_POLICIES = {"aws_scheduler_schedule_group"}


@dataclass
class Scan:
    """What a scan of one folder found."""

    folder: str
    passed: int = 0
    skipped: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # of the scan itself
    files: set[Path] = field(default_factory=set)


def readable(content: Any) -> Any:
    """Terraform's JSON with each dynamic block replaced by its content."""
    if isinstance(content, list):
        return [readable(item) for item in content]
    if not isinstance(content, dict):
        return content
    made = {key: readable(value) for key, value in content.items() if key != "dynamic"}
    for block, parts in content.get("dynamic", {}).items():
        made[block] = [readable(parts["content"])]
    return made


def copy(folder: Path, target: Path) -> None:
    """Copies a folder for checkov to read."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(".terraform", "node_modules", "__pycache__"))
    for path in target.rglob("*.tf.json"):
        content = readable(json.loads(path.read_text(encoding="utf-8")))
        if isinstance(content.get("terraform"), dict):
            content["terraform"].pop("required_version", None)
        path.write_text(json.dumps(content, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class Folder:
    """A folder of a project on its way through checkov.

    Attributes:
        copied: The copy that checkov reads.
        work: A folder of its own for the copy, and for checkov's reports.
    """

    name: str
    copied: Path
    work: Path

    @classmethod
    def prepare(cls, project: Path, name: str, work: Path) -> Folder:
        """Copies a folder of a project below `work`."""
        copied = work / "copy" / (name if not Path(name).is_absolute() else Path(name).name)
        copy(project / name, copied)
        (work / "outputs").mkdir()
        return cls(name, copied, work)

    @property
    def outputs(self) -> Path:
        """Where checkov's reports are."""
        return self.work / "outputs"

    def call(self, project: Path) -> dict[str, Any]:
        """What `checkov_runs` is to do."""
        own = project / _OWN_CONFIG
        arguments = (
            *("-d", self.copied, "--config-file", own if own.exists() else _CONFIG),
            *("--framework", *_FRAMEWORKS),
            *("-o", "json", "-o", "sarif", "--output-file-path", self.outputs),
        )
        return {
            "arguments": [str(argument) for argument in arguments],
            "folder": str(self.work / "copy"),  # SARIF names files by their paths from there
            "output": str(self.said),
        }

    @property
    def said(self) -> Path:
        """What checkov printed."""
        return self.outputs / "said.txt"

    @property
    def sarif(self) -> Path:
        """Its report as SARIF."""
        return self.outputs / "results_sarif.sarif"


def _found(folder: Folder) -> Scan:
    """What checkov found in a folder."""
    found = Scan(folder.name)
    said = folder.said.read_text(errors="replace") if folder.said.exists() else ""
    report = folder.outputs / "results_json.json"
    if not report.exists():
        found.faults.append(f"checkov wrote no report: {said.strip()[-300:]}")
        return found
    found.faults += [line[:160] for line in said.splitlines() if _UNREAD in line]
    whole = json.loads(report.read_text())
    for part in whole if isinstance(whole, list) else [whole]:
        if "results" not in part:
            continue
        results = part["results"]
        found.passed += part["summary"]["passed"]
        found.skipped += part["summary"]["skipped"]
        found.failed += results["failed_checks"]
        found.faults += [f"could not be read: {path}" for path in results["parsing_errors"]]
        for check in results["passed_checks"] + results["failed_checks"] + results["skipped_checks"]:
            found.files.add(Path(check["file_abs_path"]).resolve())
    found.faults += [
        f"{path.relative_to(folder.copied)} declares resources, and nothing in it was checked"
        for path in sorted(folder.copied.rglob("*.tf.json"))
        if _declares(path) and path.resolve() not in found.files
    ]
    if not found.passed and not found.failed:
        found.faults.append("nothing was checked")
    if not folder.sarif.exists():
        found.faults.append(f"checkov wrote no SARIF: {said.strip()[-300:]}")
    return found


def _declares(path: Path) -> bool:
    """Whether a file has resources that checkov has policies for."""
    return bool(json.loads(path.read_text(encoding="utf-8")).get("resource", {}).keys() - _WITHOUT_POLICIES)


def merged(reports: Sequence[Path]) -> dict[str, Any]:
    """The runs of several SARIF reports in one."""
    runs = [run for path in reports if path.exists() for run in json.loads(path.read_text())["runs"]]
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": runs}


def scan_all(project: Path, folders: Sequence[str]) -> tuple[list[Scan], dict[str, Any]]:
    """Scans folders of a project; returns what was found and all of it as SARIF.

    Raises:
        UsageError: checkov is not installed in the project.
    """
    python = project / ".batchtab" / "checkov-venv" / "bin" / "python"
    if not python.exists():
        raise UsageError("checkov is not installed in this project", "batchtab setup checkov")
    with tempfile.TemporaryDirectory() as temporary:
        found = [
            Folder.prepare(project, folder, Path(temporary) / str(number)) for number, folder in enumerate(folders)
        ]
        calls = "".join(f"{json.dumps(each.call(project))}\n" for each in found)
        subprocess.run([python, _RUNS], input=calls, text=True, check=False, stdout=subprocess.DEVNULL)
        return [_found(each) for each in found], merged([each.sarif for each in found])


def report(scans: Sequence[Scan]) -> dict[str, Any]:
    """What scans found, for a summary."""
    rows = [
        {key: check[key] for key in ("check_id", "check_name", "resource", "file_path", "guideline")}
        for found in scans
        for check in found.failed
    ]
    return {
        "passed": sum(found.passed for found in scans),
        "skipped": sum(found.skipped for found in scans),
        "failed": rows,
        "faults": [f"{found.folder}: {fault}" for found in scans for fault in found.faults],
    }
