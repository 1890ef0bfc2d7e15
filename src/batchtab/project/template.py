"""The files of a project, each rendered from a template of this package.

A placeholder is a name between double square brackets, which mean nothing in workflows, shells and Dockerfiles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files

from batchtab.project.answers import Answers

PLACEHOLDER = re.compile(r"\[\[([a-z_]+)\]\]")


class Owner(Enum):
    """Who changes a file after `batchtab init`."""

    BATCHTAB = "batchtab"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Template:
    """A file to render.

    Attributes:
        path: Where the file is in a project; may have placeholders.
        source: The template's name in `templates/`.
        owner: Who changes the file later.
    """

    path: str
    source: str
    owner: Owner

    def text(self) -> str:
        """The template as it is in the package."""
        return (files(__package__) / "templates" / self.source).read_text(encoding="utf-8")


TEMPLATES = (
    Template("main.py", "main.py.tmpl", Owner.BATCHTAB),
    Template("cdktf.json", "cdktf.json.tmpl", Owner.BATCHTAB),
    Template("pyproject.toml", "pyproject.toml.tmpl", Owner.PERSON),  # `batchtab upgrade` changes its pin only
    Template("config/local.yaml", "local.yaml.tmpl", Owner.PERSON),
    Template("config/[[stage]].yaml", "stage.yaml.tmpl", Owner.PERSON),
    Template("jobs/[[service]]/jobs.yaml", "jobs.yaml.tmpl", Owner.PERSON),
    Template("jobs/[[service]]/hello.py", "hello.py.tmpl", Owner.PERSON),
    Template("jobs/Dockerfile", "Dockerfile.tmpl", Owner.BATCHTAB),
    Template(".github/workflows/plan.yml", "workflows/plan.yml.tmpl", Owner.BATCHTAB),
    Template(".github/workflows/deploy.yml", "workflows/deploy.yml.tmpl", Owner.BATCHTAB),
    Template(".github/workflows/drift.yml", "workflows/drift.yml.tmpl", Owner.BATCHTAB),
    Template(".github/requirements.txt", "requirements.txt.tmpl", Owner.BATCHTAB),
    Template(".github/batchtab.txt", "batchtab.txt.tmpl", Owner.BATCHTAB),
    Template(".github/CODEOWNERS", "CODEOWNERS.tmpl", Owner.PERSON),
    Template(".github/dependabot.yml", "dependabot.yml.tmpl", Owner.PERSON),
    Template(".gitignore", "gitignore.tmpl", Owner.BATCHTAB),
    Template("README.md", "README.md.tmpl", Owner.PERSON),
)


def render(text: str, values: Mapping[str, str]) -> str:
    """Replaces each placeholder by its value.

    Raises:
        KeyError: A placeholder has no value.
    """
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)


def project_files(answers: Answers, version: str, owner: Owner | None = None) -> dict[str, str]:
    """The files of a project as they are written again: path to text.

    Args:
        answers: What the user said.
        version: The version of Batchtab that the project uses.
        owner: Only this owner's files.
    """
    return {
        render(template.path, values): render(template.text(), values)
        for template in TEMPLATES
        if owner in {None, template.owner}
        for values in _values(template, answers, version)
    }


def _values(template: Template, answers: Answers, version: str) -> Iterator[dict[str, str]]:
    """The values of a template's placeholders, once per file that it makes."""
    stages = answers.stages if "[[stage]]" in template.path else answers.stages[:1]
    for stage in stages:
        yield {
            "name": answers.name,
            "service": answers.service,
            "stage": stage,
            "stages": json.dumps(answers.stages),
            "repository": answers.github or "OWNER/REPO",
            "version": version,
        }
