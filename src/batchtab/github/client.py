"""GitHub: one comment per pull request, an issue for drift, and releases.

https://docs.github.com/en/rest
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from batchtab.github.api import Api, repository_path
from batchtab.github.reviews import Reviews

# The author of comments that use a workflow's own token.
ACTIONS_BOT = "github-actions[bot]"


@dataclass(frozen=True)
class Posted:
    """A comment or issue of ours."""

    id: int
    url: str
    did: str


class GitHub:
    """One repository, as a token may see it.

    Args:
        api_url: `https://api.github.com`, or a company's own.
        repository: `owner/name`.
        token: Never written anywhere.
        author: The author of our comments; another author's comment with our marker is left alone.
    """

    def __init__(
        self, api_url: str, repository: str, token: str, *, author: str = ACTIONS_BOT, pause: float = 1.0
    ) -> None:
        self._api = Api(api_url, token, pause=pause)
        self._repository = f"/{repository_path(repository)}"
        self._author = author
        #: What its pull requests' plans left behind.
        self.reviews = Reviews(self._api, repository)

    # --- comments

    def upsert_comment(self, pull_request: int, marker: str, body: str) -> Posted:
        """Makes our comment on a pull request, or changes the one that is there.

        A try that got no answer may have been carried out all the same, so the next looks first.

        Raises:
            GitHubError: GitHub refuses, or does not answer.
        """
        text = f"{marker}\n{body}"

        def once() -> Posted:
            ours = self._find_comment(pull_request, marker)
            if ours is None:
                path = f"{self._repository}/issues/{pull_request}/comments"
                made = self._api.ask("POST", path, {"body": text})
                return Posted(made["id"], made.get("html_url", ""), "created")
            if ours.get("body") == text:
                return Posted(ours["id"], ours.get("html_url", ""), "unchanged")
            changed = self._api.ask("PATCH", f"{self._repository}/issues/comments/{ours['id']}", {"body": text})
            return Posted(changed["id"], changed.get("html_url", ""), "updated")

        return self._api.persist(once)

    def _find_comment(self, pull_request: int, marker: str) -> dict[str, Any] | None:
        for comment in self._api.pages(f"{self._repository}/issues/{pull_request}/comments?per_page=100"):
            if self._is_ours(comment, marker):
                return comment
        return None

    def _is_ours(self, item: dict[str, Any], marker: str) -> bool:
        body = item.get("body") or ""
        return body.startswith(marker) and (item.get("user") or {}).get("login") == self._author

    # --- issues

    def open_issue(self, marker: str, title: str, body: str, label: str) -> Posted:
        """Opens our issue, or changes the one that is open.

        Raises:
            GitHubError: as above.
        """
        text = f"{marker}\n{body}"

        def once() -> Posted:
            ours = self._find_issue(marker, label)
            content = {"title": title, "body": text}
            if ours is None:
                made = self._api.ask("POST", f"{self._repository}/issues", {**content, "labels": [label]})
                return Posted(made["number"], made.get("html_url", ""), "opened")
            self._api.ask("PATCH", f"{self._repository}/issues/{ours['number']}", content)
            return Posted(ours["number"], ours.get("html_url", ""), "updated")

        return self._api.persist(once)

    def close_issue(self, marker: str, reason: str, label: str) -> Posted | None:
        """Closes our issue with a word why; None if none is open.

        Raises:
            GitHubError: as above.
        """

        def once() -> Posted | None:
            ours = self._find_issue(marker, label)
            if ours is None:
                return None
            number = ours["number"]
            self._api.ask(
                "PATCH", f"{self._repository}/issues/{number}", {"state": "closed", "state_reason": "completed"}
            )
            self._api.ask("POST", f"{self._repository}/issues/{number}/comments", {"body": reason})
            return Posted(number, ours.get("html_url", ""), "closed")

        return self._api.persist(once)

    def _find_issue(self, marker: str, label: str) -> dict[str, Any] | None:
        for issue in self._api.pages(f"{self._repository}/issues?state=open&labels={quote(label)}&per_page=100"):
            if "pull_request" not in issue and self._is_ours(issue, marker):
                return issue
        return None

    # --- releases

    def release(self, tag: str, body: str, files: dict[str, bytes]) -> Posted:
        """Publishes a tag's release with these files; one that is there gets what it lacks.

        Raises:
            GitHubError: as above; among others, if the tag is not there.
        """
        found = self._api.persist(lambda: self._release(tag))
        did = "completed" if found else "published"
        if found is None:
            wanted = {"tag_name": tag, "name": tag, "body": body, "prerelease": "-" in tag}
            found = self._api.ask("POST", f"{self._repository}/releases", wanted)
        there = {asset["name"] for asset in found.get("assets", [])}
        upload = str(found["upload_url"]).partition("{")[0]
        for name, content in files.items():
            if name not in there:
                self._api.upload(f"{upload}?name={quote(name)}", content)
        return Posted(found["id"], found.get("html_url", ""), did)

    def _release(self, tag: str) -> dict[str, Any] | None:
        releases = self._api.pages(f"{self._repository}/releases?per_page=100")
        return next((release for release in releases if release["tag_name"] == tag), None)
