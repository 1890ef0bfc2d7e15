"""HashiCorp's signature of the checksums."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.toolchain.publisher import ARCHIVE, SUMS, Answer, Publisher

from batchtab.toolchain import ToolchainError, signature

GPG = shutil.which("gpg")
GPGV = shutil.which("gpgv")
pytestmark = pytest.mark.skipif(not GPG, reason="gpg is not installed")


class Signer:
    """A key of a test."""

    def __init__(self, home: Path, name: str) -> None:
        self.home = home
        self.name = name
        self.gpg("--quick-generate-key", "--passphrase", "", name, "ed25519", "sign", "never")
        listed = self.gpg("--list-keys", "--with-colons", name).decode()
        self.fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def gpg(self, *arguments: str, text: bytes = b"") -> bytes:
        command = [str(GPG), "--homedir", str(self.home), "--batch", "--pinentry-mode", "loopback", *arguments]
        environment = {**os.environ, "PATH": os.defpath}
        return subprocess.run(command, input=text, capture_output=True, check=True, env=environment).stdout

    def sign(self, text: bytes) -> bytes:
        return self.gpg("--local-user", self.fingerprint, "--passphrase", "", "--detach-sign", text=text)


@pytest.fixture(scope="module")
def signers() -> Iterator[tuple[Signer, Signer]]:
    """Two keys, in a folder with a short name: the name of gpg's socket has a limit."""
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    environment = {**os.environ, "GNUPGHOME": str(home), "PATH": os.defpath}
    yield Signer(home, "ours@example.com"), Signer(home, "another@example.com")
    subprocess.run(
        [shutil.which("gpgconf", path=os.defpath) or "gpgconf", "--kill", "all"], env=environment, check=False
    )
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def trusted(signers: tuple[Signer, Signer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signer:
    """The first key in HashiCorp's place."""
    signer = signers[0]
    key = tmp_path / "key.asc"
    key.write_bytes(signer.gpg("--armor", "--export", signer.fingerprint))
    monkeypatch.setattr(signature, "KEY", key)
    monkeypatch.setattr(signature, "FINGERPRINT", signer.fingerprint)
    return signer


@pytest.fixture(params=[GPG, GPGV], ids=["gpg", "gpgv"])
def checker(request: pytest.FixtureRequest, programs: Path) -> None:
    """One of the two programs on PATH."""
    if not request.param:
        pytest.skip("not installed")
    (programs / Path(request.param).name).symlink_to(request.param)


def test_the_key_is_hashicorps(tmp_path: Path) -> None:
    # GIVEN the key in the package
    # WHEN gpg reads it and checks its own signatures
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    listing = ["--no-default-keyring", "--keyring", str(tmp_path / "key.gpg"), "--with-colons", "--check-sigs"]
    (tmp_path / "key.gpg").write_bytes(signature.binary(signature.KEY.read_text()))
    command = [str(GPG), "--homedir", str(home), "--batch", "--no-autostart", *listing]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    shutil.rmtree(home)

    # THEN it is the key that HashiCorp publishes: https://www.hashicorp.com/trust/security
    fingerprints = [line.split(":")[9] for line in lines if line.startswith("fpr")]
    assert fingerprints[0] == signature.FINGERPRINT == "C874011F0AB405110D02105534365D9472D7468F"
    assert [line.split(":")[1] for line in lines if line.startswith("sig")] == ["!", "!"]


@pytest.mark.usefixtures("checker")
def test_a_list_that_the_key_signed_is_accepted(
    publisher: Publisher, release_of: Callable[..., bytes], prepared: Callable[..., list[str]], trusted: Signer
) -> None:
    # GIVEN a list with its signature
    release_of()
    publisher.files[f"{SUMS}.sig"] = [Answer(trusted.sign(publisher.files[SUMS][0].body))]

    # WHEN the project is prepared THEN nothing is said of the signature
    assert "signature" not in " ".join(prepared("terraform"))


@pytest.mark.usefixtures("checker")
@pytest.mark.parametrize("kind", ["another text", "another key", "no signature at all"])
def test_any_other_signature_is_refused(
    publisher: Publisher,
    release_of: Callable[..., bytes],
    prepared: Callable[..., list[str]],
    signers: tuple[Signer, Signer],
    trusted: Signer,
    kind: str,
) -> None:
    # GIVEN a list with a signature that is not the key's
    release_of()
    listed = publisher.files[SUMS][0].body
    made = {
        "another text": lambda: trusted.sign(listed + b"x"),
        "another key": lambda: signers[1].sign(listed),
        "no signature at all": lambda: b"<html>sign in first</html>",
    }
    publisher.files[f"{SUMS}.sig"] = [Answer(made[kind]())]

    # WHEN the project is prepared THEN it is refused, and the archive is not fetched
    with pytest.raises(ToolchainError, match="is not HashiCorp's"):
        prepared("terraform")
    assert publisher.count(ARCHIVE) == 0


@pytest.mark.usefixtures("checker")
def test_a_mirror_without_signatures_is_no_fault(
    release_of: Callable[..., bytes], prepared: Callable[..., list[str]]
) -> None:
    # GIVEN a mirror that has no signature
    release_of()

    # WHEN the project is prepared THEN the pinned checksum decides, and that is said
    assert "the pinned checksum decides" in " ".join(prepared("terraform"))


def test_a_program_that_cannot_say_is_no_verdict(tmp_path: Path, program: Callable[..., Path]) -> None:
    # GIVEN a gpgv that does not work
    program("gpgv", script="exit 1")

    # WHEN it is asked THEN there is no verdict
    assert signature.verify(tmp_path, tmp_path) is None
