"""The next steps: what a user does after `batchtab init`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from batchtab.errors import how_many
from batchtab.project.new_project import NewProject

_COMMENT_COLUMN = 40


def next_steps(project: NewProject) -> str:
    """The steps from a new project to its first deployment, for a terminal of 80 columns."""
    return "\n".join((*_created(project), *_on_this_machine(project), *_on_aws(project)))


def _created(project: NewProject) -> Iterator[str]:
    count = len(project.written)
    if not count:
        yield f"{project.folder}: all {len(project.present)} files are there already."
    else:
        yield f"{project.folder}: created {how_many(count, 'file')}."
    yield f"Names in AWS begin with {project.answers.name}-{project.answers.stages[0]}."
    repository = project.repository
    if repository is not None and repository != project.folder.resolve():
        yield ""
        yield "This folder is part of another Git repository. GitHub runs workflows only from"
        yield "the top folder of a repository: to use those of .github/workflows, give this"
        yield "project a repository of its own."
    yield ""


def _on_this_machine(project: NewProject) -> Iterator[str]:
    yield "On this machine:"
    yield ""
    if project.folder.resolve() != Path.cwd():
        yield f"  cd {shlex.quote(str(project.folder))}"
    yield "  python3 -m venv .venv && . .venv/bin/activate"
    yield _command("pip install .", "or: uv sync")
    yield _command("batchtab setup", "once")
    yield _command("batchtab check && batchtab next", "when does which job run?")
    yield _command("batchtab up", "deploy to local AWS")
    yield ""


def _on_aws(project: NewProject) -> Iterator[str]:
    stages = project.answers.stages
    repository = project.answers.github or "OWNER/REPO"
    yield "On AWS, with credentials of an administrator:"
    yield ""
    yield "1. Create the repository and a branch."
    if project.repository is None:
        yield "     git init --initial-branch main"
    yield "     git add --all && git commit --message 'A Batchtab project'"
    if project.repository is None:
        yield f"     gh repo create {repository} --private --source . --push"
    else:
        yield "     git push origin HEAD"
    yield "     git switch --create first-deployment"
    yield "2. Replace what is marked FILL IN, and check it."
    for stage in stages:
        yield f"     ${{EDITOR:-vi}} config/{stage}.yaml"
    yield "     batchtab check && batchtab lock"
    yield "3. Create the state bucket and the roles for GitHub Actions."
    for stage in stages:
        yield f"     batchtab bootstrap --stage {stage}"
        yield f"     batchtab ci roles --stage {stage} --repository {repository}"
    yield "   Teams that do not administer the account: add --make-boundary, and write the"
    file = stages[0] if len(stages) == 1 else "<stage>"
    yield f"   line permissions_boundary_arn that it says into config/{file}.yaml."
    yield "4. Name the stages, and protect their environments: who approves deployments?"
    yield f"     gh variable set BATCHTAB_STAGES --body '{json.dumps(stages)}'"
    for stage in stages:
        yield f"     batchtab ci environment --stage {stage} --repository {repository} \\"
        yield "       --reviewer LOGIN"
    yield "5. Open a pull request: its comment shows what will be created. Merge it to"
    yield "   deploy."
    yield "     git add --all && git commit --message 'First deployment'"
    yield "     git push --set-upstream origin first-deployment && gh pr create --fill"
    yield ""
    yield "README.md has the commands, and how to upgrade."


def _command(command: str, comment: str) -> str:
    return f"  {command:<{_COMMENT_COLUMN - 2}}# {comment}"
