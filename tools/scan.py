"""Scans Terraform, the image's Dockerfile and the workflows with checkov, and checks the checker.

checkov ends with 0 when it could not read a file, so its word alone is not taken: the scan fails as well when checkov
reports a parsing error, when it warns that a block could not be read, when nothing was checked, or when a file that
declares resources has no check. Two things that checkov 3.3 cannot read in JSON are put into a form that it can, in a
copy: `dynamic` blocks (their content once, as checkov itself would do) and `required_version`. Skips stand in
`.checkov.yaml`, each with its reason.

    python3 tools/scan.py                       # what `make scan` scans
    python3 tools/scan.py modules examples      # these folders
    python3 tools/scan.py --sarif scan.sarif    # for a code-scanning service
    python3 tools/scan.py --json scan.json      # the findings, for a summary
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CHECKOV = ROOT / ".batchtab" / "checkov-venv" / "bin" / "checkov"
CONFIG = ROOT / ".checkov.yaml"
DEFAULT = (".batchtab/scan/cdktf.out/stacks", "modules", "examples", "jobs", ".github/workflows")
_FRAMEWORKS = ("terraform", "terraform_json", "dockerfile", "github_actions")
_UNREAD = "Failed to add block"  # checkov's warning, at which it goes on without the file


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


def scan(folder: Path, outputs: Path) -> Scan:
    """Runs checkov on a copy of one folder; its own output files go to `outputs`."""
    name = folder.relative_to(ROOT).as_posix() if folder.is_relative_to(ROOT) else folder.name
    found = Scan(name)
    work = outputs.with_name(outputs.name + "-copy")
    copy(folder, work / name)
    folder = work / name
    done = subprocess.run(
        [
            *(CHECKOV, "-d", folder, "--config-file", CONFIG, "--framework", *_FRAMEWORKS),
            *("-o", "json", "-o", "sarif", "--output-file-path", outputs),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=work,
    )
    report = outputs / "results_json.json"
    if not report.exists():
        found.faults.append(f"checkov wrote no report: {(done.stderr or done.stdout).strip()[-300:]}")
        return found
    found.faults += [line[:160] for line in done.stderr.splitlines() if _UNREAD in line]
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
        f"{path.relative_to(folder)} declares resources, and nothing in it was checked"
        for path in sorted(folder.rglob("*.tf.json"))
        if _declares(path) and path.resolve() not in found.files
    ]
    if not found.passed and not found.failed:
        found.faults.append("nothing was checked")
    return found


def _declares(path: Path) -> bool:
    return bool(json.loads(path.read_text(encoding="utf-8")).get("resource"))


def merge_sarif(reports: list[Path], target: Path) -> None:
    """Puts the runs of several reports into one."""
    runs = [run for path in reports if path.exists() for run in json.loads(path.read_text())["runs"]]
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    target.write_text(json.dumps({"$schema": schema, "version": "2.1.0", "runs": runs}, indent=2) + "\n")


def main() -> int:
    """Scans and prints; exit status 1 for a failed check or a faulty scan, 2 for a folder that isn't there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="*", help=f"what to scan; by default {', '.join(DEFAULT)}")
    parser.add_argument("--sarif", type=Path, help="write all findings as SARIF")
    parser.add_argument("--json", type=Path, help="write what was found as JSON")
    options = parser.parse_args()
    folders = [Path(name).resolve() for name in options.folders] or [ROOT / name for name in DEFAULT]
    if options.folders and (missing := [folder for folder in folders if not folder.is_dir()]):
        print(f"scan: {missing[0]} is not a folder", file=sys.stderr)
        return 2
    folders = [folder for folder in folders if folder.is_dir()]
    for path in filter(None, (options.sarif, options.json)):
        path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        outputs = [Path(temporary) / str(number) for number in range(len(folders))]
        scans = [scan(folder, output) for folder, output in zip(folders, outputs, strict=True)]
        if options.sarif:
            merge_sarif([output / "results_sarif.sarif" for output in outputs], options.sarif)
    if options.json:
        rows = [
            {key: check[key] for key in ("check_id", "check_name", "resource", "file_path", "guideline")}
            for found in scans
            for check in found.failed
        ]
        whole = {
            "passed": sum(found.passed for found in scans),
            "skipped": sum(found.skipped for found in scans),
            "failed": rows,
            "faults": [f"{found.folder}: {fault}" for found in scans for fault in found.faults],
        }
        options.json.write_text(json.dumps(whole, indent=2) + "\n")
    for found in scans:
        print(f"{found.folder:<22} passed {found.passed:>4}  failed {len(found.failed):>3}  skipped {found.skipped:>3}")
        for check in found.failed:
            print(f"  {check['check_id']} {check['resource']} ({check['file_path']}): {check['check_name']}")
        for fault in found.faults:
            print(f"  scan: {fault}")
    return 1 if any(found.failed or found.faults for found in scans) else 0


if __name__ == "__main__":
    sys.exit(main())
