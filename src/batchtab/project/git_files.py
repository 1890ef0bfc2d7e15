"""The files of a project as a git ref has them: config/*.yaml and jobs/*/jobs.yaml, and nothing else.

They are read with `git ls-tree` and `git cat-file --batch` into another folder, so that no working tree, no index and
no filter is touched. Each call of git has a time limit: for a ref there are three, and one for each folder of a local
stage's images.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from batchtab.errors import UsageError, one_line

_SECONDS = 60
_MAIN = ("origin/main", "main", "origin/master", "master")
_READ = re.compile(r"config/[^/]+\.ya?ml|jobs/[^/]+/jobs\.ya?ml")
_PLACES = re.compile(r"config|jobs|jobs/[^/]+")
_BLOB, _LINK, _SUBMODULE = "100", "120", "160"
_LARGEST = 5 * 2**20  # bytes of one file


@dataclass(frozen=True)
class Ref:
    """A commit.

    Attributes:
        name: As it was written.
        commit: Its hash.
    """

    name: str
    commit: str

    @property
    def label(self) -> str:
        """For people: the name and the first digits of its hash."""
        short = self.commit[:10]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


class GitFiles:
    """A project in a git repository."""

    def __init__(self, root: Path) -> None:
        """Makes it.

        Raises:
            UsageError: there is no git, or the folder is in no repository.
        """
        self._root = root
        self._git("rev-parse", "--show-prefix")

    def ref(self, name: str, option: str) -> Ref:
        """The commit that a ref names.

        Raises:
            UsageError: it names none.
        """
        hint = "a branch, a tag or a commit, such as origin/main or HEAD~1"
        if not name or name.startswith("-") or not name.isprintable():
            raise UsageError(f"diff: {option} '{one_line(name)}' is not a git ref", hint)
        found = self._run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found.returncode:
            raise UsageError(f"diff: {option} '{name}' is not a commit of this repository", f"{hint}; git fetch")
        return Ref(name, found.stdout.decode().strip())

    def fork(self, head: str = "HEAD") -> Ref:
        """Where the work on a head began: its merge-base with the main branch.

        Raises:
            UsageError: there is no main branch, or they have no commit in common.
        """
        for name in _MAIN:
            if self._run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").returncode:
                continue
            found = self._run("merge-base", name, head)
            if found.returncode:
                hint = "--base REF, or git fetch --unshallow"
                raise UsageError(f"diff: {head} and {name} have no commit in common", hint)
            return Ref(f"merge-base with {name}", found.stdout.decode().strip())
        raise UsageError(f"diff: there is no branch {', '.join(_MAIN[:2])}", "--base REF")

    def write(self, ref: Ref, folder: Path) -> None:
        """Writes the files of a commit into an empty folder.

        Raises:
            UsageError: a file is a link or a submodule, or too large to be one of ours.
        """
        for name in ("config", "jobs"):
            (folder / name).mkdir()
        listed = self._git("ls-tree", "-r", "-z", "--long", ref.commit, "config", "jobs").split(b"\0")
        blobs: dict[str, str] = {}
        for line in filter(None, listed):
            meta, _, raw = line.partition(b"\t")
            mode, _, digest, size = meta.decode().split()
            path = raw.decode("utf-8", "surrogateescape")
            if mode[:3] in (_LINK, _SUBMODULE) and (_READ.fullmatch(path) or _PLACES.fullmatch(path)):
                what = "a symbolic link" if mode[:3] == _LINK else "a submodule"
                text = f"diff: {ref.name}:{one_line(path)} is {what}, which is not followed in a git ref"
                raise UsageError(text, "compare two checkouts")
            if mode[:3] == _BLOB and _READ.fullmatch(path):
                if int(size) > _LARGEST:
                    raise UsageError(f"diff: {ref.name}:{one_line(path)} has {int(size):,} bytes: at most {_LARGEST:,}")
                blobs[path] = digest
        for path, content in zip(blobs, self._contents([*blobs.values()]), strict=True):
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        self._make_folders(ref, folder)

    def _make_folders(self, ref: Ref, folder: Path) -> None:
        """Makes the folders, empty, in which a local stage's jobs run: whether they are there is checked."""
        named: set[str] = set()
        for path in (folder / "config").glob("*.yaml"):
            named |= _local_folders(path)
        for name in sorted(named):
            place = PurePosixPath(name)
            if place.is_absolute() or ".." in place.parts:
                continue
            found = self._run("cat-file", "-t", f"{ref.commit}:./{place}")
            if found.stdout.strip() in (b"tree", b"commit"):
                (folder / place).mkdir(parents=True, exist_ok=True)

    def _contents(self, digests: list[str]) -> list[bytes]:
        answer = self._git("cat-file", "--batch", given="".join(f"{each}\n" for each in digests).encode())
        contents, at = [], 0
        for _ in digests:
            end = answer.index(b"\n", at)
            size = int(answer[at:end].split()[2])
            contents.append(answer[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        return contents

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._run(*arguments, given=given)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {done.returncode}"]
            raise UsageError(f"diff: git {arguments[0]}: {said[0].removeprefix('fatal: ')}", "run it in a git checkout")
        return done.stdout

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        try:
            return subprocess.run(
                ["git", "-C", str(self._root), *arguments],
                input=given,
                capture_output=True,
                check=False,
                timeout=_SECONDS,
                env=environment,
            )
        except FileNotFoundError:
            raise UsageError("diff: git is not installed, or not on PATH") from None
        except subprocess.TimeoutExpired:
            raise UsageError(f"diff: git {arguments[0]} has not ended in {_SECONDS} s") from None


def _local_folders(path: Path) -> set[str]:
    """The folders of `local.images` in a stage's file; none of one that cannot be read, which has its own line."""
    try:
        images = yaml.safe_load(path.read_bytes())["local"]["images"].values()
        return {each if isinstance(each, str) else str(each["folder"]) for each in images}
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        return set()
