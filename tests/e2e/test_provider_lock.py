"""The project's own lock file: a provider that is not in it is refused, whoever offers it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.e2e.checkout import Checkout

from batchtab.errors import UsageError
from batchtab.terraform import provider_lock
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.provider_lock import Source
from batchtab.terraform.providers import Providers
from batchtab.terraform.session import Session

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

REQUIRED = {"aws": {"source": "aws", "version": "5.100.0"}}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A stage on AWS, of a project with this checkout's Terraform and mirror."""
    checkout = Checkout.make(tmp_path)
    monkeypatch.setenv("PATH", f"{checkout.root}/.batchtab/bin", prepend=":")
    return Session.open("example", checkout.root)


@pytest.fixture
def stack(session: Session) -> Configuration:
    folder = session.root / "cdktf.out" / "stacks" / "jobs"
    folder.mkdir(parents=True)
    (folder / "cdk.tf.json").write_text(json.dumps({"terraform": {"required_providers": REQUIRED}}))
    return Configuration(folder)


def install(session: Session, stack: Configuration) -> list[Path]:
    """The lock files of what is installed."""
    Providers(session, session.state / "terraform.log").prepare([stack])
    return list((session.state / "providers").glob("*/.terraform.lock.hcl"))


def test_the_locked_provider_is_used_and_another_one_refused(session: Session, stack: Configuration) -> None:
    # GIVEN what this machine's mirror has, locked
    (unlocked,) = install(session, stack)
    file = session.root / provider_lock.FILE
    file.write_text(unlocked.read_text())
    # WHEN the provider is installed THEN it is that one, and the file stays as it is
    (locked,) = install(session, stack)
    assert locked.read_text() == file.read_text()
    # WHEN it is to be another one
    text = file.read_text()
    file.write_text(re.sub(r'"h1:[^"]{4}', '"h1:AAAA', text))
    with pytest.raises(UsageError) as caught:
        install(session, stack)
    # THEN it is refused, and nothing is installed
    assert "the provider is not the one of .terraform.lock.hcl" in str(caught.value)
    assert "batchtab lock" in str(caught.value)
    # AND so is a provider that the file does not have
    file.write_text("# nothing\n")
    with pytest.raises(UsageError, match="is not the one of"):
        install(session, stack)


def test_what_cannot_be_looked_at_leaves_the_file_and_says_what_to_do(session: Session, tmp_path: Path) -> None:
    # GIVEN a mirror that has nothing
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError) as caught:
        provider_lock.write(session, REQUIRED, ["linux_amd64"], Source(fs_mirror=tmp_path / "empty"))
    assert "--fs-mirror or --net-mirror" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert provider_lock.path(session) is None
