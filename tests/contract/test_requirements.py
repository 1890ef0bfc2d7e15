"""What the workflows install where credentials are is a part of the lock, as its tool writes it."""

from __future__ import annotations

import pytest
import tools.cli_requirements as tool
from tests.e2e.checkout import ROOT
from tools.cli_requirements import contents


@pytest.mark.parametrize("path", tool.FILES)
def test_the_file_is_what_the_tool_writes(path: str) -> None:
    assert (ROOT / path).read_text() == contents()[path], "run python tools/cli_requirements.py"


def test_nothing_of_it_synthesizes_or_tests() -> None:
    for path, text in contents().items():
        names = {line.partition("==")[0] for line in text.splitlines() if "==" in line}
        assert {"boto3", "pydantic", "typer"} <= names, path
        assert not {"cdktf", "jsii", "constructs", "pytest", "zizmor", "uv"} & names, path
