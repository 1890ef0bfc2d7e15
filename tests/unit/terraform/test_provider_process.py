"""A provider that runs by itself: found by what it prints, and gone with its socket."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from batchtab.terraform.provider_process import VARIABLE, ProviderProcess

PROGRAM = """#!/bin/sh
[ "$*" = -debug ] || exit 1
touch socket
echo "Provider started."
address='{"Network": "unix", "String": "'$(pwd)'/socket"}'
echo "TF_REATTACH_PROVIDERS='{\\"registry.terraform.io/hashicorp/aws\\": {\\"Addr\\": $address}}'"
exec sleep 60
"""


def program(folder: Path, text: str) -> Path:
    path = folder / "provider"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_provider_is_found_and_leaves_nothing_behind(tmp_path: Path) -> None:
    # GIVEN a provider that runs
    process = ProviderProcess.start(program(tmp_path, PROGRAM), tmp_path, os.environ)
    socket = tmp_path / "socket"
    assert json.loads(process.variables[VARIABLE])["registry.terraform.io/hashicorp/aws"]["Addr"]["String"] == str(
        socket
    )
    # WHEN it is stopped
    process.stop()
    # THEN it is gone, and so is its socket
    with pytest.raises(ProcessLookupError):
        os.kill(process.process.pid, 0)
    assert not socket.exists()


def test_a_program_that_ends_at_once_is_no_running_provider(tmp_path: Path) -> None:
    process = ProviderProcess.start(program(tmp_path, "#!/bin/sh\nexit 1\n"), tmp_path, os.environ)
    assert process.variables == {}
    process.stop()
