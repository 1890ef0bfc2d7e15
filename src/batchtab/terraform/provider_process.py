"""A provider that runs by itself, so that one process serves many Terraforms instead of several for each."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue

from batchtab.terraform.processes import drain, start, stop_tree

#: The variable by which Terraform finds running providers:
#: https://developer.hashicorp.com/terraform/plugin/debugging#running-terraform-with-a-provider-in-debug-mode
VARIABLE = "TF_REATTACH_PROVIDERS"
_STARTED = re.compile(rb"TF_REATTACH_PROVIDERS='(\{.+\})'")
_START_SECONDS = 30.0
# With a bundle of certificates every use of a running provider but the first fails.
_NOT_FOR_PROVIDERS = {"AWS_CA_BUNDLE", VARIABLE}


@dataclass(frozen=True)
class ProviderProcess:
    """A running provider. It serves one Terraform at a time, with the configuration that this one gives it.

    Attributes:
        variables: What a Terraform's environment must have to use it; empty if it didn't start in time, for then
            Terraform starts a provider as ever.
    """

    process: subprocess.Popen[bytes]
    variables: dict[str, str]

    @classmethod
    def start(cls, program: Path, folder: Path, environment: Mapping[str, str]) -> ProviderProcess:
        """Starts a provider's program. The system ends it when the thread that called ends.

        Args:
            program: The provider.
            folder: Its working folder: a resource's file is opened by its path from there.
            environment: What reaches AWS.
        """
        kept = {key: value for key, value in environment.items() if key not in _NOT_FOR_PROVIDERS}
        process = start([program, "-debug"], folder, kept, errors=subprocess.DEVNULL)
        found: Queue[str] = Queue()
        threading.Thread(target=_read, args=(process, found), daemon=True).start()
        try:
            variable = found.get(timeout=_START_SECONDS)
        except Empty:
            variable = ""
        return cls(process, {VARIABLE: variable} if variable else {})

    def stop(self) -> None:
        """Ends it, and removes the socket that it leaves behind."""
        stop_tree(self.process)
        for found in json.loads(self.variables.get(VARIABLE, "{}")).values():
            if found["Addr"]["Network"] == "unix":
                Path(found["Addr"]["String"]).unlink(missing_ok=True)


def _read(process: subprocess.Popen[bytes], found: Queue[str]) -> None:
    """Waits for the line that says where a provider listens; what follows is read and dropped, for a pipe is short."""
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    for line in process.stdout:
        if match := _STARTED.search(line):
            found.put(match[1].decode())
            break
    else:
        found.put("")
    drain(process.stdout)
    process.stdout.close()


def find(folder: Path) -> tuple[str, Path] | None:
    """The AWS provider that `terraform init` installed in a folder: its address and its program."""
    providers = folder / ".terraform" / "providers"
    for program in sorted(providers.glob("*/*/aws/*/*/terraform-provider-aws*")):
        return "/".join(program.relative_to(providers).parts[:3]), program
    return None
