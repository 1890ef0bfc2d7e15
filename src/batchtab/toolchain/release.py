"""The pinned Terraform, as its publisher offers it for download."""

from __future__ import annotations

import hashlib
import http
import os
import platform
import shutil
import tempfile
import urllib.parse
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batchtab.toolchain import signature
from batchtab.toolchain.download import DownloadError, download, without_password
from batchtab.toolchain.errors import ToolchainError

PUBLISHER = "https://releases.hashicorp.com"
VARIABLE = "BATCHTAB_TERRAFORM_URL"
VERSION = "1.11.4"
# Of terraform_1.11.4_SHA256SUMS, by system and architecture.
SHA256 = {
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
}
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_MEMBER = "terraform"
_LIST_BYTES = 1_000_000
_ARCHIVE_BYTES = 300_000_000
_PROGRAM_BYTES = 1_000_000_000
_ADVICE = (
    "put Terraform 1.10 or newer on PATH, name one with TERRAFORM_BINARY_NAME=/path/to/terraform,"
    f" or name a mirror of {PUBLISHER} with {VARIABLE}"
)


@dataclass(frozen=True)
class Release:
    """One version for one system.

    Attributes:
        version: Such as `1.11.4`.
        system: Such as `linux_amd64`.
        sha256: The checksum of its archive.
        address: What comes before `/terraform/<version>/` in the addresses of its files.
    """

    version: str
    system: str
    sha256: str
    address: str

    @classmethod
    def pinned(cls) -> Release:
        """The pinned version for this machine.

        Raises:
            ToolchainError: there is none for it, or the mirror's address is none.
        """
        machine = platform.machine()
        system = f"{platform.system().lower()}_{_ARCHITECTURES.get(machine.lower(), machine)}"
        if system not in SHA256:
            known = ", ".join(SHA256)
            raise _fault(f"version {VERSION} is not pinned for {system}, only for {known}")
        address = os.environ.get(VARIABLE, "").rstrip("/") or PUBLISHER
        if not is_web_address(address):
            shown = without_password(address)
            raise ToolchainError([f"{VARIABLE}='{shown}' is not an address; http://host or https://host is allowed"])
        return cls(VERSION, system, SHA256[system], address)

    @property
    def source(self) -> str:
        """The address, as it may be shown."""
        return without_password(self.address)

    def check(self, say: Callable[[str], None]) -> None:
        """Compares the publisher's signed list of checksums with the pinned one, before anything large is fetched.

        The signature is checked where gpgv or gpg is on PATH. A mirror without it is no fault: the pinned checksum
        decides.

        Raises:
            ToolchainError: the list cannot be had, names another checksum, or has a wrong signature.
        """
        with tempfile.TemporaryDirectory(prefix="batchtab-") as temporary:
            sums, signed = Path(temporary, "sums"), Path(temporary, "sums.sig")
            self._fetch(f"terraform_{self.version}_SHA256SUMS", sums, _LIST_BYTES)
            if (offered := checksum(sums.read_text("ascii", "replace"), self._archive)) != self.sha256:
                raise _fault(
                    f"{self.source} lists {self._archive} with the checksum {offered}; {self.sha256} is pinned"
                )
            try:
                self._fetch(f"terraform_{self.version}_SHA256SUMS.sig", signed, _LIST_BYTES)
            except _MissingError:
                say(f"  {self.source} has no signature; the pinned checksum decides")
                return
            if signature.verify(sums, signed) is False:
                raise _fault(f"the signature of the checksums at {self.source} is not HashiCorp's")

    def install(self, target: Path, folder: Path, runs: Callable[[Path], bool]) -> None:
        """Downloads the program; `target` appears whole and checked, or not at all.

        Args:
            target: Where it is wanted.
            folder: For what is on its way; on the same file system as `target`.
            runs: Whether a program can be run here.

        Raises:
            ToolchainError: it cannot be had, is not what is pinned, or does not run here.
        """
        with tempfile.TemporaryDirectory(prefix="download-", dir=folder) as temporary:
            archive, program = Path(temporary, "archive.zip"), Path(temporary, _MEMBER)
            self._fetch(self._archive, archive, _ARCHIVE_BYTES)
            with archive.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != self.sha256:
                raise _fault(f"{self.source} sent {self._archive} with the checksum {found}; {self.sha256} is pinned")
            extract(archive, program)
            program.chmod(0o755)
            if not runs(program):
                raise _fault(f"the program of {self._archive} does not run in '{folder}'")
            program.replace(target)

    @property
    def _archive(self) -> str:
        return f"terraform_{self.version}_{self.system}.zip"

    def _fetch(self, name: str, target: Path, limit: int) -> None:
        try:
            download(f"{self.address}/terraform/{self.version}/{name}", target, limit)
        except DownloadError as error:
            if error.status == http.HTTPStatus.NOT_FOUND:
                raise _MissingError([str(_fault(str(error)))]) from error
            raise _fault(str(error)) from error


class _MissingError(ToolchainError):
    """The server does not have the file."""


def extract(archive: Path, target: Path) -> None:
    """Takes the one program out of an archive; the names of other members are never used as paths.

    Raises:
        ToolchainError: the archive is damaged, too large, or has no such program.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            member = opened.getinfo(_MEMBER)
            if member.file_size > _PROGRAM_BYTES:
                raise _fault(f"the program has {member.file_size} bytes; {_PROGRAM_BYTES} are allowed")
            with opened.open(member) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    except KeyError as error:
        raise _fault(f"the archive has no program '{_MEMBER}'") from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise _fault(f"the archive cannot be read ({error})") from error


def checksum(listed: str, name: str) -> str | None:
    """The checksum of a file in a list as `sha256sum` writes it."""
    lines = (line.split() for line in listed.splitlines())
    return next((words[0] for words in lines if len(words) == 2 and words[1] == name), None)


def is_web_address(text: str) -> bool:
    """Whether a text is the address of a web server."""
    try:
        parts = urllib.parse.urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _fault(text: str) -> ToolchainError:
    return ToolchainError([f"terraform: {text}; {_ADVICE}"])
