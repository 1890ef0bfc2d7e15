"""What checkov found, from its JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchtab.errors import UsageError
from batchtab.plan_review import masking


@dataclass(frozen=True)
class Finding:
    """One failed check."""

    check: str
    name: str
    resource: str
    file: str
    guideline: str


@dataclass(frozen=True)
class Findings:
    """A scan. `is_blind` is true for one that scanned nothing, which checkov itself calls a success.

    Attributes:
        tallied: Whether it says how much was scanned; `tools/scan.py` does not, because it fails if it saw nothing.
    """

    failed: tuple[Finding, ...]
    passed: int
    skipped: int
    parsing_errors: int
    tallied: bool = True

    @property
    def is_blind(self) -> bool:
        """Whether files could not be read, or no check ran at all."""
        return self.tallied and (self.parsing_errors > 0 or self.passed + len(self.failed) + self.skipped == 0)

    @classmethod
    def load(cls, path: Path) -> Findings:
        """Reads what `tools/scan.py --json` writes, or `checkov --output json`: one report or a list of them.

        Raises:
            UsageError: the file is not there or something else.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}", "make scan writes it") from None
        except ValueError:
            raise UsageError(f"{path}: is not JSON", "checkov --output json") from None
        reports: list[dict[str, Any]] = content if isinstance(content, list) else [content]
        if isinstance(content, dict) and isinstance(content.get("failed"), list):
            rows = [_finding(row) for row in content["failed"]]
            faults = content.get("faults", [])
            return cls(_unique(rows), int(content.get("passed", 0)), int(content.get("skipped", 0)), len(faults))
        if isinstance(content, list) and all(isinstance(row, dict) and "check_id" in row for row in content):
            return cls(_unique([_finding(row) for row in content]), 0, 0, 0, tallied=False)
        failed: list[Finding] = []
        passed = skipped = errors = 0
        for report in reports:
            summary = report.get("summary", report)  # with nothing to scan, the summary alone
            passed += int(summary.get("passed", 0))
            skipped += int(summary.get("skipped", 0))
            errors += int(summary.get("parsing_errors", 0))
            failed += [_finding(check) for check in report.get("results", {}).get("failed_checks", [])]
        return cls(_unique(failed), passed, skipped, errors)


def _unique(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(set(findings), key=lambda found: (found.check, found.file, found.resource)))


def _finding(check: dict[str, Any]) -> Finding:
    return Finding(
        check=str(check.get("check_id", "?")),
        name=masking.text(str(check.get("check_name", ""))),
        resource=str(check.get("resource", "")),
        file=str(check.get("file_path", "")).lstrip("/"),
        guideline=str(check.get("guideline") or ""),
    )
