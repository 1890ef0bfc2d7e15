"""HashiCorp's signature of its lists of checksums.

The key is HashiCorp's release key, with the one subkey that signs: https://www.hashicorp.com/trust/security
"""

from __future__ import annotations

import base64
import subprocess
import tempfile
from pathlib import Path

from batchtab.toolchain.folder import PINS
from batchtab.toolchain.paths import search_path, which

KEY = PINS / "hashicorp.asc"
FINGERPRINT = "C874011F0AB405110D02105534365D9472D7468F"
_SECONDS = 60
_VERDICTS = {"GOODSIG", "BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA"}


def verify(signed: Path, signature: Path) -> bool | None:
    """Whether a detached signature of a file is HashiCorp's; None where neither gpgv nor gpg can say.

    The user's own keys and settings have no part in it. A signature from before the key expired remains good.
    """
    program = which("gpgv", search_path()) or which("gpg", search_path())
    if program is None:
        return None
    with tempfile.TemporaryDirectory(prefix="batchtab-gpg-") as home:
        keyring = Path(home, "key.gpg")
        keyring.write_bytes(binary(KEY.read_text("ascii")))
        command = [str(program), "--homedir", home, "--keyring", str(keyring), "--status-fd", "1"]
        if program.name == "gpg":
            command += ["--batch", "--no-options", "--no-default-keyring", "--no-autostart", "--trust-model", "always"]
            command += ["--verify"]
        try:
            done = subprocess.run(
                [*command, str(signature), str(signed)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("[GNUPG:] ")]
    # The last word of VALIDSIG is the fingerprint of the primary key.
    if any(words[0] == "VALIDSIG" and words[-1] == FINGERPRINT for words in lines if words):
        return not any(words[0] in ("BADSIG", "REVKEYSIG") for words in lines if words)
    return False if any(words[0] in _VERDICTS for words in lines if words) else None


def binary(armored: str) -> bytes:
    """A key block without its ASCII armor, because gpgv reads no other keyring."""
    body = armored.partition("\n\n")[2].partition("\n-----END")[0].splitlines()
    return base64.b64decode("".join(line for line in body if not line.startswith("=")))  # "=": the armor's checksum
