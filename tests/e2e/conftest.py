"""One deployment for the whole session (the provider itself waits half a minute a queue), and local AWS alone."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.e2e.checkout import Checkout
from tests.e2e.local_helpers import Batch, LocalAws, make_batch, running


@dataclass
class Deployment:
    """A checkout after `batchtab up`."""

    checkout: Checkout
    up: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The stage `local`, deployed by `batchtab up` and, when all is done, removed by `batchtab down`."""
    checkout = Checkout.make(tmp_path_factory.mktemp("checkout"))
    before = {path.name for path in checkout.root.iterdir()}
    done = checkout.run("up")
    assert done.returncode == 0, done.stderr + done.stdout
    pid = checkout.local_pid()
    yield Deployment(checkout, done)
    down = checkout.run("down")
    assert down.returncode == 0, down.stderr + down.stdout
    log = (checkout.root / ".batchtab" / "terraform.log").read_text(errors="replace")
    destroyed = [int(number) for number in re.findall(r"Destroy complete! Resources: (\d+) destroyed", log)]
    assert len(destroyed) == 4, destroyed
    assert sum(destroyed) > 40, destroyed
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert {path.name for path in checkout.root.iterdir()} - before == set()


@pytest.fixture(scope="module")
def local(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """Local AWS without a deployment, one for a file, with the arguments that the file's `LOCAL_ARGUMENTS` names."""
    arguments: tuple[str, ...] = getattr(request.module, "LOCAL_ARGUMENTS", ())
    with running(tmp_path_factory.mktemp("local"), *arguments) as started:
        yield started


@pytest.fixture
def batch(local: LocalAws) -> Batch:
    """An environment and a queue of its own in it."""
    return make_batch(local)
