"""What GitHub calls a repository's workflows in the tokens that it signs for them.

Repositories since July 15, 2026, and those renamed or transferred since, have their numbers in the subject; older ones
may choose. https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
"""

from __future__ import annotations

from dataclasses import dataclass

from batchtab.errors import UsageError
from batchtab.github.api import repository_path
from batchtab.github.gh import Gh

_DEFAULT_KEYS = ["repo", "context"]


@dataclass(frozen=True)
class Subjects:
    """How a repository's subjects begin.

    Attributes:
        repository: `owner/name`, as GitHub spells it: subjects are compared letter by letter.
        repository_id: Its number.
        owner_id: Its owner's.
        immutable: Whether the numbers are in the subjects.
    """

    repository: str
    repository_id: str
    owner_id: str
    immutable: bool

    @property
    def prefix(self) -> str:
        """What all of them begin with."""
        owner, name = self.repository.split("/")
        return f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}" if self.immutable else f"repo:{owner}/{name}"

    @property
    def setting(self) -> str:
        """Where GitHub keeps their form."""
        return f"repos/{self.repository}/actions/oidc/customization/sub"


def subjects_of(repository: str, gh: Gh) -> Subjects:
    """Asks GitHub for the form that is in force.

    `sub_claim_prefix` decides: `use_immutable_subject` was seen to be false where the subjects have the numbers.

    Raises:
        GitHubError: GitHub refuses, or cannot be asked.
        UsageError: the repository's subjects are of a form of its own, or that is no name of a repository.
    """
    found = gh.ask(repository_path(repository))
    names = Subjects(str(found["full_name"]), str(found["id"]), str(found["owner"]["id"]), immutable=False)
    numbers = Subjects(names.repository, names.repository_id, names.owner_id, immutable=True)
    form = gh.ask(names.setting)
    hint = f"gh api --method PUT {names.setting} -F use_default=true"
    if form.get("use_default") is False and form.get("include_claim_keys") != _DEFAULT_KEYS:
        keys = ", ".join(form.get("include_claim_keys") or ["those of its organization"])
        raise UsageError(f"the subjects of {names.repository} are made of {keys}; the roles trust GitHub's own", hint)
    prefix = form.get("sub_claim_prefix")
    if prefix is None:  # GitHub Enterprise Server has names only
        return numbers if form.get("use_immutable_subject") else names
    for one in (names, numbers):
        if prefix == one.prefix:
            return one
    raise UsageError(f"the subjects of {names.repository} begin with '{prefix}', not with '{numbers.prefix}'", hint)
