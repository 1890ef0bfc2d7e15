"""The environment of a repository, whose rules say which runs may deploy a stage, and who approves.

https://docs.github.com/en/rest/deployments/environments
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from batchtab.github.api import repository_path
from batchtab.github.gh import Gh, GhError

NOT_FOR_PRIVATE = (
    "GitHub has branch rules of environments in private repositories with Pro, Team and Enterprise, and required"
    " reviewers with Enterprise only"
)


@dataclass(frozen=True)
class Environment:
    """An environment's rules.

    Attributes:
        name: The stage's.
        exists: Whether it is there.
        branches: Patterns of branches that may deploy; None is any.
        tags: Patterns of tags that may deploy too.
        only_protected: Whether GitHub asks for branches with protection instead, and lets each in while none has any.
        reviewers: Whose approval a deployment needs, one of them.
        approves_own: Whether who starts a deployment may approve it.
    """

    name: str
    exists: bool
    branches: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    only_protected: bool = False
    reviewers: tuple[str, ...] = ()
    approves_own: bool = False

    def gaps(self, branch: str) -> list[str]:
        """What these rules leave open.

        Args:
            branch: The one that deploys.
        """
        if not self.exists:
            return [f"there is no environment {self.name}: its first deployment creates it, without any rule"]
        name, found = f"environment {self.name}", []
        if self.only_protected:
            found.append(
                f"{name}: every protected branch may deploy, and every branch while none is, not only {branch}"
            )
        elif self.branches is None:
            found.append(f"{name}: every branch may deploy, not only {branch}")
        elif set(self.branches) - {branch}:
            found.append(f"{name}: {', '.join(self.branches)} may deploy, not only {branch}")
        elif not self.branches:
            found.append(f"{name}: no branch may deploy, not even {branch}")
        if self.tags:
            found.append(f"{name}: tags {', '.join(self.tags)} may deploy, not only the branch {branch}")
        if not self.reviewers:
            found.append(f"{name}: no approval is required; merging or starting a deployment deploys")
        elif self.approves_own:
            found.append(f"{name}: who starts a deployment may approve it: --prevent-self-review")
        return found


_NO_SUCH = 404
_REFUSED = {403, 404, 422}


class Environments:
    """The environments of one repository."""

    def __init__(self, gh: Gh, repository: str) -> None:
        self._gh = gh
        self._path = f"{repository_path(repository)}/environments"

    def read(self, name: str) -> Environment:
        """An environment as it is.

        Raises:
            GitHubError: GitHub refuses, or cannot be asked.
        """
        found = self._find(name)
        if found is None:
            return Environment(name, exists=False)
        policy = found.get("deployment_branch_policy")
        patterns = self._policies(name) if policy and policy.get("custom_branch_policies") else []
        rules = [rule for rule in found.get("protection_rules", []) if rule["type"] == "required_reviewers"]
        people = [str(_name(one["reviewer"])) for rule in rules for one in rule.get("reviewers", [])]
        return Environment(
            name,
            exists=True,
            branches=tuple(str(one["name"]) for one in patterns if not _is_tag(one)) if policy else None,
            tags=tuple(str(one["name"]) for one in patterns if _is_tag(one)),
            only_protected=bool(policy and policy.get("protected_branches")),
            reviewers=tuple(people),
            approves_own=not any(rule.get("prevent_self_review") for rule in rules),
        )

    def protect(
        self, name: str, branch: str, reviewers: Sequence[str], *, prevent_self_review: bool = False
    ) -> list[str]:
        """Lets only one branch deploy, after an approval; makes the environment where there is none.

        What there is stays: reviewers, a timer, other branches and tags.

        Args:
            name: The stage's.
            branch: The one that deploys.
            reviewers: Users, or teams as `organization/team`.
            prevent_self_review: Whether who starts a deployment may not approve it; if not, that rule stays as it is.

        Returns:
            What GitHub refused; empty if it did all.

        Raises:
            GitHubError: GitHub cannot be asked, or does not know a reviewer.
        """
        kept = _kept(self._find(name) or {})
        people = [*kept.pop("reviewers", []), *map(self._reviewer, reviewers)]
        if prevent_self_review:
            kept["prevent_self_review"] = True
        people = [one for number, one in enumerate(people) if one not in people[:number]]
        only = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
        refused = []
        try:
            self._put(name, {**kept, **only, **({"reviewers": people} if people else {})})
        except GhError as error:
            if error.status not in _REFUSED:
                raise
            refused.append(str(error))
            if not people:
                return refused
            try:
                self._put(name, {**_without_approval(kept), **only})
            except GhError as second:
                return [*refused, str(second)]
        if branch not in {policy["name"] for policy in self._policies(name) if not _is_tag(policy)}:
            self._gh.ask(f"{self._at(name)}/deployment-branch-policies", "POST", {"name": branch, "type": "branch"})
        return refused

    def _find(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._gh.ask(self._at(name))
        except GhError as error:
            if error.status == _NO_SUCH:
                return None
            raise
        return found

    def _policies(self, name: str) -> list[dict[str, Any]]:
        path = f"{self._at(name)}/deployment-branch-policies?per_page=100"
        found: list[dict[str, Any]] = self._gh.ask(path)["branch_policies"]
        return found

    def _put(self, name: str, content: dict[str, Any]) -> None:
        self._gh.ask(self._at(name), "PUT", content)

    def _reviewer(self, name: str) -> dict[str, Any]:
        organization, _, team = name.rpartition("/")
        path = f"orgs/{quote(organization)}/teams/{quote(team)}" if organization else f"users/{quote(name)}"
        return {"type": "Team" if organization else "User", "id": self._gh.ask(path)["id"]}

    def _at(self, name: str) -> str:
        return f"{self._path}/{quote(name, safe='')}"


def _is_tag(policy: dict[str, Any]) -> bool:
    return bool(policy.get("type") == "tag")


def _without_approval(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "prevent_self_review"}


def _kept(found: dict[str, Any]) -> dict[str, Any]:
    """What a change of an environment has to repeat, since it replaces all rules."""
    kept: dict[str, Any] = {}
    for rule in found.get("protection_rules", []):
        if rule["type"] == "wait_timer":
            kept["wait_timer"] = rule["wait_timer"]
        elif rule["type"] == "required_reviewers":
            kept["prevent_self_review"] = bool(rule.get("prevent_self_review"))
            kept["reviewers"] = [{"type": one["type"], "id": one["reviewer"]["id"]} for one in rule["reviewers"]]
    return kept


def _name(reviewer: dict[str, Any]) -> str:
    return str(reviewer.get("login") or reviewer.get("slug") or reviewer.get("id"))
