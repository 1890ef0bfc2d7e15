"""An image store in a folder of its own, a base image made without a registry, and a way to run an image for real."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "nodejs", "python3", "python3-pip")
# Buildah keeps a small cache outside every store, where root cannot move it.
SHARED_CACHE = Path("/var/lib/containers")
PROGRAMS = ("buildah", "debootstrap", "unshare", "chroot")
STEP_SECONDS = 1200  # installing a base system takes minutes of CPU, beside other tests
KEPT = Path(__file__).resolve().parents[2] / ".batchtab" / "test-images"
KEPT_SECONDS = 30 * 24 * 3600


def missing() -> str | None:
    """What keeps this machine from building images; None if nothing does."""
    if os.geteuid() != 0:
        return "building a base image takes root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)} (apt-get install buildah debootstrap)" if absent else None


@dataclass(frozen=True)
class Config:
    """What an image says about how it wants to be run."""

    user: str
    entrypoint: list[str]
    command: list[str]
    environment: dict[str, str]
    folder: str
    labels: dict[str, str]


class Store:
    """Images and containers under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._containers: dict[str, tuple[str, Path]] = {}
        for name in ("root", "run", "tmp"):
            (folder / name).mkdir()
        self.environment = dict(
            os.environ,
            CONTAINERS_STORAGE_CONF=str(folder / "storage.conf"),
            BUILDAH_ISOLATION="chroot",
            TMPDIR=str(folder / "tmp"),
        )
        self.environment.pop("STORAGE_DRIVER", None)
        for driver in ("overlay", "vfs"):
            (folder / "storage.conf").write_text(
                f'[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
            )
            if self._call("buildah", "info", check=False).returncode == 0:
                break

    def buildah(self, *arguments: str) -> str:
        """Run buildah on this store; what it printed."""
        return self._call("buildah", *arguments).stdout.decode().strip()

    def make_base(self, *names: str) -> None:
        """Make a Debian with Python, pip and Node from Debian's packages, and give it the names of the real bases."""
        image = self._debian()
        for name in names:
            self.buildah("tag", image, f"localhost/{name}")

    def _debian(self) -> str:
        """The base's id. Making it takes a minute, so it is kept for a month, and made by one worker for all."""
        digest = hashlib.sha256(repr((SUITE, PACKAGES)).encode()).hexdigest()[:16]
        kept = KEPT / f"image-{digest}.tar"
        KEPT.mkdir(exist_ok=True)
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists() or time.time() - kept.stat().st_mtime > KEPT_SECONDS:
                return self._make_debian(kept)
        return self.buildah("pull", "--quiet", f"docker-archive:{kept}")  # half the time of adding the files

    def _make_debian(self, kept: Path) -> str:
        root, files = self.folder / "debian", self.folder / "debian.tar"
        self._call("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root))
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        for path in ("var/cache/apt", "var/lib/apt/lists"):
            shutil.rmtree(root / path)
            (root / path).mkdir()
        self._call("tar", "--create", "--numeric-owner", f"--file={files}", f"--directory={root}", ".")
        shutil.rmtree(root)
        container = self.buildah("from", "--pull-never", "scratch")
        self.buildah("add", "--quiet", container, str(files), "/")
        files.unlink()
        image = self.buildah("commit", "--quiet", "--rm", container)
        fresh = kept.with_suffix(f".{os.getpid()}")
        self.buildah("push", "--quiet", image, f"docker-archive:{fresh}")
        fresh.rename(kept)
        return image

    def config(self, image: str) -> Config:
        """How an image wants to be run."""
        found: dict[str, Any] = json.loads(self.buildah("inspect", "--type", "image", image))["Docker"]["config"]
        return Config(
            user=found.get("User", ""),
            entrypoint=found.get("Entrypoint") or [],
            command=found.get("Cmd") or [],
            environment=dict(entry.split("=", 1) for entry in found.get("Env") or []),
            folder=found.get("WorkingDir") or "/",
            labels=found.get("Labels") or {},
        )

    def root_of(self, image: str) -> Path:
        """The image's files, mounted."""
        if image not in self._containers:
            container = self.buildah("from", "--pull-never", image)
            self._containers[image] = (container, Path(self.buildah("mount", container)))
        return self._containers[image][1]

    def command(self, image: str, *arguments: str, **environment: str) -> list[str]:
        """The command line that runs an image as Batch would.

        The entrypoint is process 1 of a process namespace of its own, runs as the image's user in the image's folder
        with the image's environment, and cannot write anywhere. Arguments take the place of the image's CMD.
        """
        root, config = str(self.root_of(image)), self.config(image)
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin"} | config.environment | environment
        mounts = (
            "mount --bind $0 $0 && mount -o remount,bind,ro $0 && mount -t proc proc $0/proc"
            ' && mount --rbind /dev $0/dev && exec chroot --userspec=$USERSPEC $0 "$@"'
        )
        user, _, group = config.user.partition(":")
        return [
            *("env", f"USERSPEC={user or 0}:{group or user or 0}"),
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", mounts, root),
            *("/usr/bin/env", "-i", f"--chdir={config.folder}"),
            *(f"{name}={value}" for name, value in variables.items()),
            *config.entrypoint,
            *(arguments or config.command),
        ]

    def close(self) -> None:
        """Unmount everything of this store."""
        for arguments in (("umount", "--all"), ("rm", "--all")):
            self._call("buildah", *arguments, check=False)
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in sorted((path for path in mounts if path.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", mount], check=True)

    def _call(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        result = subprocess.run(
            command, env=self.environment, capture_output=True, timeout=STEP_SECONDS, check=False, cwd="/"
        )
        if check and result.returncode != 0:
            output = (result.stdout + result.stderr).decode("utf-8", "replace")[-3000:]
            raise RuntimeError(f"{' '.join(command)} ended with {result.returncode}:\n{output}")
        return result


@contextmanager
def temporary_store() -> Iterator[Store]:
    """A store that is gone afterwards, with its mounts and with what buildah puts elsewhere."""
    had_cache = SHARED_CACHE.exists()
    folder = Path(tempfile.mkdtemp(prefix="batchtab-store-"))
    store = None
    try:
        store = Store(folder)
        yield store
    finally:
        if store is not None:
            store.close()
        shutil.rmtree(folder)
        if not had_cache:
            shutil.rmtree(SHARED_CACHE, ignore_errors=True)


def main() -> int:
    """Show that a base image can be made here, and how large it is."""
    reason = missing()
    if reason:
        print(f"store: {reason}", file=sys.stderr)
        return 2
    with temporary_store() as store:
        store.make_base("base:latest")
        print(store.buildah("images"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
