"""A publisher of Terraform on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ARCHIVE = "terraform_1.11.4_linux_amd64.zip"
SUMS = "terraform_1.11.4_SHA256SUMS"


@dataclass
class Answer:
    """What the publisher answers once."""

    body: bytes = b""
    status: int = 200
    length: int | None = None  # what Content-Length says, where it is not true
    headers: dict[str, str] = field(default_factory=dict)


class Publisher:
    """A server of files. Each file has answers in turn; the last one repeats."""

    def __init__(self) -> None:
        self.files: dict[str, list[Answer]] = {}
        self.requests: list[str] = []
        self.logins: list[str | None] = []
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.requests.append(name := self.path.rpartition("/")[2])
                publisher.logins.append(self.headers.get("Authorization"))
                answers = publisher.files.get(name, [Answer(status=404)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def publish(self, archive: bytes, *, listed: str | None = None) -> str:
        """Offers an archive and the list with its checksum, or with another one; returns its checksum."""
        checksum = hashlib.sha256(archive).hexdigest()
        self.files[ARCHIVE] = [Answer(archive)]
        self.files[SUMS] = [Answer(f"{'0' * 64}  other.zip\n{listed or checksum}  {ARCHIVE}\n".encode())]
        return checksum

    def count(self, name: str) -> int:
        return self.requests.count(name)
