"""What GitHub allows as names, as `batchtab.limits` says what AWS does."""

from __future__ import annotations

from batchtab.constructs._terraform.expressions import Expression, all_of, choose, hcl, is_expression, is_set
from batchtab.limits import Text

_SUBJECT = "https://docs.github.com/en/actions/reference/security/oidc"

REPOSITORY = Text("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", 140, "a repository as 'owner/name', without any pattern", _SUBJECT)
BRANCH = Text("^[A-Za-z0-9][A-Za-z0-9._/-]*$", 244, "a branch's name, without any pattern", _SUBJECT)
# A colon would end it in the subject, and a star would match others.
ENVIRONMENT = Text("^[A-Za-z0-9][A-Za-z0-9._ -]*$", 255, "an environment's name, without any pattern", _SUBJECT)
DEFAULT_BRANCH = "main"
ID = Text("^[1-9][0-9]*$", 20, "a number that GitHub gave it, such as 123456", _SUBJECT)
WORKFLOW = Text("^[A-Za-z0-9][A-Za-z0-9._-]*\\.ya?ml$", 255, "a workflow's file in .github/workflows", _SUBJECT)
DEFAULT_WORKFLOW = "deploy.yml"


def subject(repository: str, owner_id: str | None, repository_id: str | None) -> str:
    """What the subjects of a repository's workflows begin with: its names, or names and numbers.

    See https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
    """
    if is_expression(repository):
        owner, name = (str(Expression.of(f'split("/", {hcl(repository)})[{part}]')) for part in (0, 1))
    else:
        owner, name = repository.split("/")
    immutable = f"repo:{owner}@{owner_id}/{name}@{repository_id}"
    return choose(all_of(is_set(owner_id), is_set(repository_id)), immutable, f"repo:{repository}")
