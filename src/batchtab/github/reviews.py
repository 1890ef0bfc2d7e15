"""What a merged pull request's plan left behind, and only that pull request's.

A run does not say which pull request started it: its list `pull_requests` has those that are *open* now with its head,
so a merged one is never in it. https://docs.github.com/en/rest/actions/workflow-runs
The proof is what cannot change later: the run's branch, and which pull requests of that branch were open then.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from batchtab.github.api import LARGEST_ANSWER, Api, GitHubError

#: A run may begin this long after what started it.
_LATE = timedelta(minutes=15)
#: Events of a pull request: https://docs.github.com/en/rest/using-the-rest-api/issue-event-types
_NEW_BASE = {"base_ref_changed", "automatic_base_change_succeeded"}


class NotReviewedError(Exception):
    """A commit has no plan that was reviewed; the message says why."""


@dataclass(frozen=True)
class Reviewed:
    """A file that a pull request's plan left.

    Attributes:
        pull_request: Its number.
        content: The file.
    """

    pull_request: int
    content: bytes


class Reviews:
    """What the pull requests of one repository left behind."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._name = repository.lower()
        self._repository = f"/repos/{repository}"

    def reviewed(self, commit: str, workflow: str, name: str, file: str) -> Reviewed:
        """A file of the artifact that the plan of the merged pull request left which brought a commit.

        Only runs of this repository's own branches count, and only those that no other pull request can have started:
        another one of the same branch, into another base, would run other code, which was not reviewed.

        Args:
            commit: What was merged to the default branch.
            workflow: The workflow's file.
            name: The artifact's name, without `-<number of the pull request>`.
            file: In the artifact.

        Raises:
            NotReviewedError: there is none.
            GitHubError: GitHub refuses, does not answer, or the artifact is not a zip with that file.
        """
        pull = self._merged(commit)
        number = int(pull["number"])
        artifact = f"{name}-{number}"
        reason = f"#{number} left no artifact {artifact} behind"
        for run in self._runs(pull, workflow):
            found = self._artifact(run, artifact)
            if found is None:
                continue
            if refusal := self._refusal(run, pull):
                reason = refusal
                continue
            path = f"{self._repository}/actions/artifacts/{found['id']}/zip"
            return Reviewed(number, _unzip(self._api.persist(partial(self._api.download, path)), file))
        raise NotReviewedError(reason)

    def _merged(self, commit: str) -> dict[str, Any]:
        """The pull request that was merged to the default branch and brought a commit."""
        main = str(self._ask(self._repository)["default_branch"])
        found = [pull for pull in self._list(f"/commits/{quote(commit)}/pulls?per_page=100") if pull.get("merged_at")]
        if not found:
            raise NotReviewedError("it came by no pull request")
        into_main = [pull for pull in found if pull["base"]["ref"] == main]
        if not into_main:
            raise NotReviewedError(f"#{found[0]['number']} was merged to {found[0]['base']['ref']}, not to {main}")
        pull = max(into_main, key=lambda pull: str(pull["merged_at"]))
        if not self._is_own(pull["head"].get("repo")):
            raise NotReviewedError(f"#{pull['number']} came from a fork, whose plans do not count")
        return pull

    def _runs(self, pull: dict[str, Any], workflow: str) -> list[dict[str, Any]]:
        """The successful runs of a pull request's last commit on its branch, the last first."""
        head = pull["head"]
        runs = self._ask(
            f"{self._repository}/actions/workflows/{quote(workflow)}/runs"
            f"?head_sha={quote(head['sha'])}&event=pull_request&status=success&per_page=100"
        )["workflow_runs"]
        own = [run for run in runs if self._is_own(run.get("head_repository")) and run["head_branch"] == head["ref"]]
        return sorted(own, key=lambda run: -int(run["id"]))

    def _refusal(self, run: dict[str, Any], pull: dict[str, Any]) -> str | None:
        """Why another pull request, or this one with another base, may have started a run; None if it did itself."""
        number, branch, began = int(pull["number"]), str(pull["head"]["ref"]), _time(run["created_at"])
        owner = self._repository.split("/")[2]
        for other in self._list(f"/pulls?state=all&head={quote(f'{owner}:{branch}')}&per_page=100"):
            open_then = _time(other["created_at"]) <= began and (
                not other.get("closed_at") or began <= _time(other["closed_at"]) + _LATE
            )
            if int(other["number"]) != number and open_then:
                return f"#{other['number']} was open too, with the branch {branch} of #{number}, when its plan was made"
        for event in self._list(f"/issues/{number}/events?per_page=100"):
            if event.get("event") in _NEW_BASE and began <= _time(event["created_at"]) + _LATE:
                return f"#{number} got another base after its plan was made, or while it began"
        return None

    def _artifact(self, run: dict[str, Any], name: str) -> dict[str, Any] | None:
        path = f"{self._repository}/actions/runs/{run['id']}/artifacts?name={quote(name)}&per_page=100"
        found: list[dict[str, Any]] = self._ask(path)["artifacts"]
        return next((one for one in found if one["name"] == name and not one.get("expired")), None)

    def _is_own(self, repository: dict[str, Any] | None) -> bool:
        return str((repository or {}).get("full_name") or "").lower() == self._name

    def _ask(self, path: str) -> Any:
        return self._api.persist(partial(self._api.ask, "GET", path))

    def _list(self, path: str) -> Iterator[dict[str, Any]]:
        return iter(self._api.persist(lambda: list(self._api.pages(self._repository + path))))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _unzip(content: bytes, file: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.getinfo(file).file_size > LARGEST_ANSWER:
                raise GitHubError(f"the artifact's {file} is too large")
            return archive.read(file)
    except (zipfile.BadZipFile, KeyError):
        raise GitHubError(f"the artifact is not a zip that contains {file}") from None
