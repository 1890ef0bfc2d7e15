"""What a command does once: it initialises a stack's folder, and starts a provider for each stack worked on at a time.

Terraform is a script here, which notes what it is asked and installs a provider that is one, too.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchtab.terraform import providers as module
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.providers import Providers
from batchtab.terraform.session import Session

CALLS = "calls"
PROVIDER = """#!/bin/sh
echo provider >> "{calls}"
echo "TF_REATTACH_PROVIDERS='{{\\"a\\": {{\\"Addr\\": {{\\"Network\\": \\"tcp\\", \\"String\\": \\"\\"}}}}}}'"
exec sleep 60
"""
TERRAFORM = """#!/bin/sh
echo "$1 $(basename "$PWD")" >> "{calls}"
mkdir -p .terraform && touch .terraform.lock.hcl
case "$*" in
*-backend=false*)
  folder=.terraform/providers/registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64
  mkdir -p "$folder" && cp "{provider}" "$folder/terraform-provider-aws_v5.100.0_x5" ;;
esac
"""


@pytest.fixture
def session(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The stage `local`, with a Terraform of this test's."""
    names = {"calls": tmp_path / CALLS, "provider": tmp_path / "provider"}
    for name, text in (("provider", PROVIDER), ("terraform", TERRAFORM)):
        (tmp_path / name).write_text(text.format(**names))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(tmp_path / "terraform"))
    monkeypatch.setattr(module, "slots", lambda: 2)
    return Session.open("local", project)


@pytest.fixture
def providers(session: Session) -> Iterator[Providers]:
    made = Providers(session, session.state / "terraform.log")
    yield made
    made.close()


@pytest.fixture
def stacks(session: Session) -> list[Configuration]:
    return [synthesize(session, name) for name in ("one", "two")]


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[str], int]:
    """How often something was called."""
    return lambda what: (tmp_path / CALLS).read_text().splitlines().count(what)


def synthesize(session: Session, name: str) -> Configuration:
    folder = session.root / "cdktf.out" / "stacks" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "cdk.tf.json").write_text(json.dumps({"terraform": {"required_providers": {}}}))
    return Configuration(folder)


def use(providers: Providers, stack: Configuration) -> None:
    with providers.slot(stack, stack.folder):
        pass


def test_a_folder_is_initialised_once_for_plan_show_and_apply(
    providers: Providers, stacks: list[Configuration], calls: Callable[[str], int]
) -> None:
    # WHEN Terraform is called in a folder again and again
    providers.prepare(stacks)
    for stack in (*stacks, *stacks):
        use(providers, stack)
    # THEN each folder was initialised once
    assert (calls("init one"), calls("init two")) == (1, 1)


def test_a_folder_that_is_synthesized_anew_is_initialised_anew(
    session: Session, providers: Providers, stacks: list[Configuration], calls: Callable[[str], int]
) -> None:
    providers.prepare(stacks)
    use(providers, stacks[0])
    use(providers, synthesize(session, "one"))
    assert calls("init one") == 2


def test_after_the_end_of_the_providers_all_begins_anew(
    providers: Providers, stacks: list[Configuration], calls: Callable[[str], int]
) -> None:
    # GIVEN local AWS that starts anew, on another port
    for _ in range(2):
        providers.prepare(stacks)
        use(providers, stacks[0])
        providers.close()
    assert calls("init one") == 2


def test_no_provider_is_started_to_read_plans_beside_the_one_that_made_them(
    providers: Providers, stacks: list[Configuration], calls: Callable[[str], int]
) -> None:
    # GIVEN a plan
    providers.prepare(stacks[:1])
    use(providers, stacks[0])
    # WHEN several are read THEN the one provider does it
    providers.prepare(stacks, to_read=True)
    use(providers, stacks[1])
    assert providers.at_once == 1
    # WHEN several are made THEN there is one for each
    providers.prepare(stacks)
    assert providers.at_once == 2
    for stack in stacks:
        use(providers, stack)
    providers.close()
    assert calls("provider") == 2
