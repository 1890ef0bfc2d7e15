"""GitHub's token service, as a test has it: an RSA key, and tokens about a workflow's run that it signs."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.local_helpers import LocalAws

GITHUB = "https://token.actions.githubusercontent.com"
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_EXPONENT = 65_537
_SMALL = [n for n in range(3, 1000, 2) if all(n % m for m in range(3, int(n**0.5) + 1, 2))]


@dataclass
class TokenService:
    """A token service with a key of its own, made anew for each: it protects nothing."""

    issuer: str = GITHUB
    key_id: str = "test"
    modulus: int = field(init=False)
    _private: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        numbers = random.Random(self.key_id)  # noqa: S311 - the same key at each run of a test
        one, other = _prime(numbers, 512), _prime(numbers, 512)
        self.modulus = one * other
        self._private = pow(_EXPONENT, -1, (one - 1) * (other - 1))

    def register(self, local: LocalAws) -> None:
        """Have local AWS know its keys, as STS fetches them from the issuer's address."""
        keys = [{"kid": self.key_id, "n": _text(_bytes(self.modulus)), "e": _text(_bytes(_EXPONENT))}]
        local.post("issuers", issuer=self.issuer, jwks={"keys": keys})

    def token(self, repository: str = "my-company/jobs", environment: str | None = "prod", **claims: Any) -> str:
        """Sign a token of a run, with GitHub's claims; `claims` replace them."""
        workflow = f"{repository}/.github/workflows/deploy.yml@refs/heads/main"
        content = {
            "iss": self.issuer,
            "aud": "sts.amazonaws.com",
            "sub": f"repo:{repository}:" + (f"environment:{environment}" if environment else "ref:refs/heads/main"),
            "exp": int(time.time()) + 300,
            "iat": int(time.time()),
            "repository": repository,
            "repository_id": "456789",
            "ref": "refs/heads/main",
            "job_workflow_ref": workflow,
            "workflow_ref": workflow,
            "workflow": "deploy",
            "actor": "somebody",
            "actor_id": "1",
            **({"environment": environment} if environment else {}),
            **claims,
        }
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, content))
        length = len(_bytes(self.modulus))
        digest = _SHA256 + hashlib.sha256(signed.encode()).digest()
        encoded = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
        signature = pow(int.from_bytes(encoded, "big"), self._private, self.modulus)
        return f"{signed}.{_text(signature.to_bytes(length, 'big'))}"


def _prime(numbers: random.Random, bits: int) -> int:
    while True:
        found = numbers.getrandbits(bits) | 1 | 3 << (bits - 2)
        if found % _EXPONENT == 1 or any(found % small == 0 for small in _SMALL):
            continue
        if all(pow(base, found - 1, found) == 1 for base in (2, 3, 5, 7, 11)):
            return found


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
