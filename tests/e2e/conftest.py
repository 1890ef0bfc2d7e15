"""The one deployment of a run, and local AWS alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.deployed import Deployed
from tests.e2e.local_helpers import Batch, LocalAws, make_batch, running


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Deployed:
    """The stage `local` as one `batchtab up` deployed it."""
    return Deployed.get(tmp_path_factory, worker_id)


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
