"""A job on one page: its declaration, what is deployed of it, what it may do, and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchtab.aws.client import Aws
from batchtab.aws.deployed_job import DeployedJob, deployed_job
from batchtab.aws.run_history import Run
from batchtab.aws.triggers import Trigger, Triggers
from batchtab.cli.jobs import history, run_table
from batchtab.cli.page import Section, print_page, table_lines
from batchtab.declarations.image_registry import image_uri
from batchtab.declarations.named_jobs import NamedJob
from batchtab.masking import mask_arguments
from batchtab.run_story.wording import localized
from batchtab.schedules.timestamps import utc_text
from batchtab.schedules.words import in_words
from batchtab.terraform.session import Session

_NEXT, _LAST = 10, 5


@dataclass(frozen=True)
class JobPage:
    """All that is said of a job."""

    session: Session
    job: NamedJob
    deployed: DeployedJob
    triggers: Sequence[Trigger]
    next_runs: Sequence[datetime]
    last_runs: Sequence[Run]
    paused: str

    @classmethod
    def of(cls, session: Session, aws: Aws, job: NamedJob, last: int = _LAST) -> JobPage:
        """Reads what AWS knows of it, with its `last` runs."""
        catalog, now = session.catalog, datetime.now(UTC)
        found = history.gathered(session, aws, [job], last, None, now)
        timing = None if job.spec.suspend or found.paused else job.spec.timing
        return cls(
            session,
            job,
            deployed_job(aws, catalog.stage, job.service, catalog.job_definition_name(job.service, job.name)),
            Triggers(aws, catalog.stage.prefix).of_job(job.service, job.name),
            timing.next_runs(now, _NEXT) if timing else [],
            found.runs[:last],
            found.paused.get(job.full, ""),
        )

    def print(self) -> None:
        """As text."""
        zone = self.job.zone(self.session.catalog)
        last = [
            ("scheduled", "status", "started", "took", "tries", "run"),
            *((*run_table.cells(run, zone), run.job_id[:8] or localized(run.reason, zone)) for run in self.last_runs),
        ]
        sections: list[Section] = [
            *self.sections(),
            ("next runs", self.next_words() or "none"),
            ("last runs", table_lines(last) if self.last_runs else "none"),
        ]
        print_page(f"{self.job.full}  stage {self.session.catalog.stage.name}, times of {zone}", sections)

    def next_words(self) -> list[str]:
        """The next runs on the job's wall clock."""
        zone = self.job.zone(self.session.catalog)
        return [f"{each.astimezone(zone):%a %Y-%m-%d %H:%M}" for each in self.next_runs]

    def sections(self) -> list[Section]:
        """All but its runs; a label without a line is not shown."""
        spec = self.job.spec
        return [
            ("", spec.description or ""),
            ("declared", declared_at(self.session, self.job)),
            ("schedule", self._schedule()),
            ("policy", self._policy()),
            ("paused", self.paused or ("suspend: true in its file" if spec.suspend else "")),
            ("command", " ".join(self._command())),
            ("image", self._image()),
            ("size", self._size()),
            ("queue", spec.queue),
            ("deployed", self._deployed()),
            ("role", self._role()),
            ("triggers", self._triggers()),
        ]

    def as_dict(self) -> dict[str, Any]:
        """For other programs."""
        spec, its = self.job.spec, self.deployed
        return {
            "job": self.job.full,
            "description": spec.description,
            "declared": declared_at(self.session, self.job),
            "schedule": spec.schedule,
            "schedule_in_words": (in_words(spec.schedule) or None) if spec.schedule else None,
            "timezone": spec.timezone or "UTC" if spec.schedule else None,
            "start": spec.start,
            "end": spec.end,
            "except": list(spec.except_) or None,
            "after": list(spec.upstream) or None,
            "concurrency_policy": spec.concurrency_policy,
            "pause_on_failure": spec.pause_on_failure,
            "suspended": spec.suspend,
            "paused": self.paused or None,
            "command": self._command(),
            "image": self._image(),
            "vcpus": spec.task_vcpus,
            "memory_mib": spec.task_memory_mib,
            "timeout_seconds": spec.timeout_seconds,
            "attempts": spec.attempts,
            "array_size": spec.array_size,
            "queue": spec.queue,
            "job_definition": its.name,
            "revision": its.runs,
            "deployed_revision": its.deployed,
            "role": its.role or None,
            "role_actions": list(its.actions) if its.actions is not None else None,
            "role_policies_of_aws": list(its.policies_of_aws),
            "unknown": list(its.unknown),
            "triggers": [{"kind": each.kind, "name": each.name, "enabled": each.is_enabled} for each in self.triggers],
            "next_runs": [utc_text(each) for each in self.next_runs],
            "last_runs": [run_table.as_dict(run) for run in self.last_runs],
        }

    def _schedule(self) -> list[str]:
        spec = self.job.spec
        lines = []
        if spec.schedule is not None:
            words = in_words(spec.schedule)
            lines.append(f"{words}: {spec.schedule}" if words else spec.schedule)
            lines[0] += f", in {spec.timezone or 'UTC'}"
            lines += [f"{name} {value}" for name, value in (("from", spec.start), ("until", spec.end)) if value]
            lines += [f"except {', '.join(spec.except_)}"] if spec.except_ else []
            window = spec.flexible_window_minutes
            lines += [f"within {window} minutes of its time"] if window else []
        if spec.origin:
            lines.append(f"{spec.origin} (after_status: {spec.after_status})")
        return lines or ["manual: no schedule, and after no other job"]

    def _policy(self) -> list[str]:
        spec = self.job.spec
        limit = f", at most {spec.queue_limit} wait" if spec.concurrency_policy == "queue" else ""
        deadline = spec.starting_deadline_seconds
        return [
            f"concurrency_policy: {spec.concurrency_policy}{limit}",
            f"starting_deadline_seconds: {deadline}" if deadline else "",
            "pause_on_failure: true" if spec.pause_on_failure else "",
        ]

    def _command(self) -> list[str]:
        spec = self.job.spec
        return mask_arguments(list(spec.command or ()), spec.environment)

    def _image(self) -> str:
        return self.deployed.image or image_uri(self.session.catalog, self.job.spec.image)

    def _size(self) -> str:
        spec = self.job.spec
        words = [f"{spec.task_vcpus:g} vCPU, {spec.task_memory_mib:,} MiB", f"timeout {spec.timeout_seconds} s"]
        words += [f"{spec.attempts} attempts"] if spec.attempts > 1 else []
        words += [f"array of {spec.array_size}"] if spec.array_size else []
        words += [f"{spec.nodes} nodes"] if spec.nodes else []
        return ", ".join(words)

    def _deployed(self) -> list[str]:
        its = self.deployed
        if its.runs is None:
            return [f"no ACTIVE revision of {its.name}", *its.unknown]
        words = f"{its.name}:{its.runs}"
        if its.deployed is not None and its.deployed != its.runs:
            words += f"; Terraform deployed revision {its.deployed} [hint: batchtab status {self.job.full}]"
        return [words, *its.unknown]

    def _role(self) -> list[str]:
        its = self.deployed
        if not its.role:
            return ["none: the job's code has no permissions"] if its.runs is not None else []
        lines = [its.role.rpartition("/")[2]]
        if its.actions is not None:
            lines.append(f"allows {', '.join(its.actions)}" if its.actions else "allows nothing")
        return [*lines, *its.policies_of_aws]

    def _triggers(self) -> list[str]:
        lines = [f"{each.kind} {each.name}: {'enabled' if each.is_enabled else 'DISABLED'}" for each in self.triggers]
        wants = self.job.spec.schedule is not None or bool(self.job.spec.upstream)
        return lines or ["none: not deployed" if wants else "none"]


def declared_at(session: Session, job: NamedJob, field: str = "") -> str:
    """Where a job's file says so, or a field of it that is there: `jobs/reports/jobs.yaml:12`."""
    where = ("jobs", job.name, field) if field else ("jobs", job.name)
    for source in session.catalog.sources:
        if source.spec.service == job.service:
            path = Path(source.document.file)
            inside = path.relative_to(session.root) if path.is_relative_to(session.root) else path
            return f"{inside.as_posix()}:{source.document.line(where) or 1}"
    return ""
