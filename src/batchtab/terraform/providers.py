"""Terraform's providers: installed once for all stacks, and on local AWS kept running for all of a command."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from batchtab.errors import UsageError
from batchtab.terraform import provider_lock
from batchtab.terraform.command import terraform
from batchtab.terraform.configuration import Configuration
from batchtab.terraform.provider_process import VARIABLE, ProviderProcess, find
from batchtab.terraform.session import Session

_LOCK = provider_lock.FILE
_BYTES_OF_ONE = 1.2 * 2**30  # Terraform and the AWS provider, measured
_CONTAINER = Path("/sys/fs/cgroup")
_MOST = 4  # stacks at once; each of them makes ten calls to AWS at a time

#: The provider that a stack's folder is initialised with.
Slot = dict[str, str]


def slots() -> int:
    """How many stacks may be planned or applied at once: as memory allows, and at most two for each processor."""
    return max(1, min(_MOST, 2 * (os.cpu_count() or 1), int(_available_bytes() / _BYTES_OF_ONE)))


def _available_bytes() -> float:
    """Of the machine, or of the container where that has a limit; where neither says, enough."""
    found = _MOST * _BYTES_OF_ONE
    with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    with contextlib.suppress(OSError, ValueError):  # `max` is no number, and no limit
        limit, used = (float((_CONTAINER / name).read_text()) for name in ("memory.max", "memory.current"))
        found = min(found, limit - used)
    return found


@dataclass(frozen=True)
class _Installed:
    """What one `terraform init` installed.

    Attributes:
        address: The AWS provider's, such as `registry.terraform.io/hashicorp/aws`; None if there is no such provider.
        program: Its program.
    """

    folder: Path
    address: str | None
    program: Path | None


class Providers:
    """The providers of a stage's stacks. Each command has one of these, and closes it.

    A folder `.batchtab/providers/<hash>` for a set of providers has what one `terraform init` installs; stacks link to
    it. Terraform compares each provider with the checksum that this `init` wrote, and this `init` with the project's
    own `.terraform.lock.hcl`, if there is one.

    On local AWS a running provider serves one stack after another, which halves Terraform's time. On AWS each
    Terraform starts its own.
    """

    def __init__(self, session: Session, log: Path) -> None:
        self._session = session
        self._log = log
        self._folder = session.state / "providers" / "running"
        self._processes: list[ProviderProcess] = []
        self._free: Queue[Slot] = Queue()
        self._slots = 0
        self._installed: dict[str, _Installed] = {}
        self._initialised: set[Path] = set()

    def prepare(self, stacks: Sequence[Configuration], *, to_read: bool = False) -> None:
        """Installs the stacks' providers and, on local AWS, starts one for each stack that is worked on at a time.

        Has to be called by the thread that lives longest: the system ends what a thread started when that thread ends.

        Args:
            stacks: The stacks.
            to_read: Whether only plans are read. One provider does then: others take longer to start than it to read.

        Raises:
            UsageError: `terraform init` failed.
        """
        for stack in stacks:
            self._install(stack)
        self._share_assets(stacks)
        most = 1 if to_read and self._session.endpoint_url else slots()
        for _ in range(self._slots, min(most, len(stacks))):
            self._free.put(self._start(self._install(stacks[0])))
            self._slots += 1

    @property
    def at_once(self) -> int:
        """How many stacks are worked on at a time."""
        return max(1, self._slots)

    @contextlib.contextmanager
    def slot(self, stack: Configuration, folder: Path) -> Iterator[dict[str, str]]:
        """Initialises a stack's folder once, and gives the environment for Terraform in it; waits for a free provider.

        Args:
            stack: A prepared stack.
            folder: Its folder, or a copy of it.

        Raises:
            UsageError: `terraform init` failed.
        """
        slot = self._free.get()
        try:
            environment = {**self._session.environment(), **slot}
            # A folder that was synthesized or copied again since then has lost what `init` put there.
            if folder not in self._initialised or not (folder / ".terraform").is_dir():
                self._initialise(self._install(stack), folder, environment)
                self._initialised.add(folder)
            yield environment
        finally:
            self._free.put(slot)

    def _share_assets(self, stacks: Sequence[Configuration]) -> None:
        """A provider opens a stack's files by their paths below its own folder, so that folder has those of all."""
        if not self._session.endpoint_url:
            return
        for stack in stacks:
            if (assets := stack.folder / "assets").is_dir():
                shutil.copytree(assets, self._folder / "assets", dirs_exist_ok=True)

    def close(self) -> None:
        """Ends what was started; what is prepared afterwards starts again."""
        while self._processes:
            self._processes.pop().stop()
        self._free, self._slots = Queue(), 0
        self._initialised.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _initialise(self, installed: _Installed, folder: Path, environment: dict[str, str]) -> None:
        running = VARIABLE in environment
        # Terraform installs no provider that it is to find running: `init` then sets up the backend alone.
        nowhere = {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": 1, "Test": True}
        address = {"Network": "unix", "String": "/nowhere"}
        absent = json.dumps({installed.address: {**nowhere, "Addr": address}}) if installed.address else ""
        self._terraform_init(folder, {VARIABLE: absent, **environment}, "-reconfigure")
        if running or not installed.address:
            return
        link = folder / ".terraform" / "providers"
        if link.is_dir() and not link.is_symlink():  # a `cdktf deploy` was here
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.symlink_to(installed.folder / ".terraform" / "providers", target_is_directory=True)
        shutil.copyfile(installed.folder / _LOCK, folder / _LOCK)

    def _install(self, stack: Configuration) -> _Installed:
        required = json.dumps(stack.content.get("terraform", {}).get("required_providers", {}), sort_keys=True)
        if required not in self._installed:
            lock = provider_lock.path(self._session)
            locked = lock.read_text(encoding="utf-8") if lock else ""
            digest = hashlib.sha256(f"{self._session.terraform}\0{required}\0{locked}".encode()).hexdigest()[:16]
            folder = self._session.state / "providers" / digest
            if not (found := _find(folder)).program:
                self._make(folder, required)
                found = _find(folder)
            self._installed[required] = found
        return self._installed[required]

    def _make(self, folder: Path, required: str) -> None:
        """Installs into a folder of its own first, so that one that is killed leaves nothing that looks ready."""
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            fresh = Path(temporary) / "fresh"
            fresh.mkdir()
            content = {"terraform": {"required_providers": json.loads(required)}}
            (fresh / "main.tf.json").write_text(json.dumps(content))
            if lock := provider_lock.path(self._session):
                shutil.copyfile(lock, fresh / _LOCK)
                try:
                    self._terraform_init(fresh, self._session.environment(), "-backend=false", provider_lock.READ_ONLY)
                except UsageError as error:
                    said = f"the provider is not the one of {provider_lock.FILE}: {error.message}"
                    raise UsageError(said, provider_lock.HINT) from None
            else:
                self._terraform_init(fresh, self._session.environment(), "-backend=false")
            for other in folder.parent.iterdir():  # another version's, or one whose mirror is gone
                if other not in (Path(temporary), self._folder):
                    shutil.rmtree(other, ignore_errors=True)
            fresh.rename(folder)

    def _terraform_init(self, folder: Path, environment: dict[str, str], *options: str) -> None:
        terraform(self._session, self._log, folder, environment, "init", "-input=false", *options)

    def _start(self, installed: _Installed) -> Slot:
        if not installed.program or not self._session.endpoint_url:
            return {}
        self._folder.mkdir(parents=True, exist_ok=True)
        started = ProviderProcess.start(installed.program, self._folder, self._session.environment())
        self._processes.append(started)
        # OpenTofu looks for it under its own host, and the provider knows Terraform's only.
        return {name: json.dumps({installed.address: _only(value)}) for name, value in started.variables.items()}


def _only(value: str) -> object:
    """What the one provider of a variable says of itself."""
    (found,) = json.loads(value).values()
    return found


def _find(folder: Path) -> _Installed:
    address, program = find(folder) or (None, None)
    return _Installed(folder, address, program)
