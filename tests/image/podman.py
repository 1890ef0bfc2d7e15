"""Podman on a store and with settings of one's own, and a small image made of this machine's programs."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TINY = "localhost/tiny:1"
_PROGRAMS = ("sh", "cat", "env", "head", "id", "seq", "sleep", "touch")
_SECONDS = 120


class Podman:
    """A Podman whose images and containers are in one folder, which `environment` names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = folder / "containers.conf"
        self.environment = {
            "CONTAINERS_CONF": str(settings),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }
        settings.write_text(_settings())
        for driver in ("overlay", "vfs"):
            (folder / "storage.conf").write_text(
                f'[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
            )
            if self.call("info", check=False).returncode == 0:
                break

    def call(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run podman."""
        environment = {**os.environ, **self.environment}
        environment.pop("STORAGE_DRIVER", None)
        done = subprocess.run(
            ["podman", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"podman {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def make_tiny(self) -> None:
        """Make a small image: a shell and a few programs, with what they load, and a /tmp for all."""
        root = self.folder / "tiny"
        for program in _PROGRAMS:
            found = Path(shutil.which(program) or f"/bin/{program}").resolve()
            _copy(found, root / "bin" / program)
            for library in re.findall(r"(/\S+)", subprocess.check_output(["ldd", found], text=True)):
                _copy(Path(library), root / library[1:])
        (root / "tmp").mkdir()
        (root / "tmp").chmod(0o1777)
        archive = self.folder / "tiny.tar"
        subprocess.run(["tar", "--create", f"--file={archive}", f"--directory={root}", "."], check=True)
        self.call("import", "--quiet", "--change", 'CMD ["sh", "-c", "echo the images own"]', str(archive), TINY)

    def containers(self, label: str = "batchtab.local-aws") -> list[str]:
        """The ids of the containers with a label, running or not."""
        return self.call("ps", "--all", "--quiet", "--filter", f"label={label}").stdout.split()

    @contextmanager
    def service(self) -> Iterator[dict[str, str]]:
        """Serve Docker's API; yields what leads a docker client there."""
        socket = self.folder / "docker.sock"
        process = subprocess.Popen(
            ["podman", "system", "service", "--time", "0", f"unix://{socket}"],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 120
            while not socket.exists():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield {"DOCKER_HOST": f"unix://{socket}"}
        finally:
            process.terminate()
            process.wait()

    def close(self) -> None:
        """Remove all containers."""
        self.call("rm", "--all", "--force", "--time", "0", check=False)
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in sorted((path for path in mounts if path.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", mount], check=False)


@contextmanager
def temporary_podman() -> Iterator[Podman]:
    """A Podman with a small image, which is gone afterwards; skips the test where it runs no container."""
    folder = Path(tempfile.mkdtemp(prefix="batchtab-podman-"))
    podman = Podman(folder)
    try:
        podman.make_tiny()
        done = podman.call("run", "--network", "host", "--memory", "64m", TINY, "sh", "-c", "exit 0", check=False)
        if done.returncode:
            pytest.skip(f"Podman runs no container here: {done.stderr.strip()[-300:]}")
        yield podman
    finally:
        podman.close()
        shutil.rmtree(folder, ignore_errors=True)


def missing() -> str | None:
    """What is not there that Podman needs here; None if all is."""
    if os.geteuid() != 0:
        return "Podman without root has no memory limits here"
    absent = [name for name in ("podman", "runc", "ldd") if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)} (apt-get install podman runc)" if absent else None


def _settings() -> str:
    """What Podman needs where it has neither systemd nor the right to raise limits."""
    limits = {
        name: min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted
        for name, number, wanted in (
            ("nofile", resource.RLIMIT_NOFILE, 20_000),
            ("nproc", resource.RLIMIT_NPROC, 10_000),
        )
        for hard in (resource.getrlimit(number)[1],)
    }
    ulimits = ", ".join(f'"{name}={limit}:{limit}"' for name, limit in limits.items())
    init = f'init_path = "{found}"\n' if (found := shutil.which("tini-static")) else ""
    return (
        f'[containers]\ndefault_ulimits = [{ulimits}]\nnetns = "host"\n{init}'
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n'
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
