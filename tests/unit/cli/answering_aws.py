"""An AWS that answers as a stage's may: whole, denied, empty. In the forms of each service's protocol."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "123456789012"
_SERVICE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/")
_IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{0}</Account><UserId>x</UserId>"
    "<Arn>arn:aws:iam::{0}:user/x</Arn></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>"
)
_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
#: What services say where nothing is deployed; what is not here lists nothing.
_MISSING = {
    "batch": (400, "ClientException", "Job queue batchtab-example-default does not exist."),
    "dynamodb": (400, "ResourceNotFoundException", "Requested resource not found"),
    "iam": (404, "NoSuchEntity", "The role does not exist."),
    "servicequotas": (400, "NoSuchResourceException", "The quota does not exist."),
    "ecr": (400, "RepositoryNotFoundException", "The repository does not exist in the registry"),
    "lambda": (404, "ResourceNotFoundException", "Function not found"),
    "scheduler": (404, "ResourceNotFoundException", "Schedule group does not exist."),
    "sqs": (400, "QueueDoesNotExist", "The specified queue does not exist."),
}
#: What each service says of credentials that are over.
_EXPIRED = {"dynamodb": "ExpiredTokenException", "s3": "ExpiredToken", "sts": "ExpiredToken"}


@dataclass
class AnsweringAws:
    """What it answers, and the services that were called.

    Attributes:
        account: Whose the credentials are; None if they have expired.
        then: What all services but STS say: missing, denied or expired.
        has_bucket: Whether the state bucket is there, empty.
    """

    account: str | None = ACCOUNT
    then: str = "missing"
    has_bucket: bool = True
    called: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, service: str, path: str, target: str) -> tuple[int, str, str]:
        """A status with a code and a message, or 200 with a body."""
        if service == "sts":
            return (200, "", _IDENTITY.format(self.account)) if self.account else (403, "ExpiredToken", "It is over.")
        if self.then == "denied":
            return 403, "AccessDenied" if service == "s3" else "AccessDeniedException", "User x is not authorized"
        if self.then == "expired":
            return 400, _EXPIRED.get(service, "ExpiredTokenException"), "It is over."
        if service == "s3":
            if not self.has_bucket:
                return 404, "NoSuchBucket", "The specified bucket does not exist"
            if path.endswith("?policy"):
                return 404, "NoSuchBucketPolicy", "The bucket policy does not exist"
            is_key = len(path.partition("?")[0].strip("/").split("/")) > 1
            return (404, "NoSuchKey", "It does not exist.") if is_key else (200, "", "<ListBucketResult/>")
        if service == "ec2":
            return 200, "", "<Response><subnetSet/></Response>"
        if service == "events" and target.endswith("ListRules"):
            return 200, "", '{"Rules": []}'
        return _MISSING.get(service, (400, "ResourceNotFoundException", "Rule x does not exist."))


@contextmanager
def answering() -> Iterator[AnsweringAws]:
    """Such an AWS on a port of this machine."""
    aws = AnsweringAws()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            signed = _SERVICE.search(self.headers.get("Authorization", ""))
            service = signed[1] if signed else "?"
            aws.called.append(service)
            status, code, text = aws.answer(service, self.path, self.headers.get("X-Amz-Target", ""))
            body = text if status == 200 else _fault(service, code, text)
            self.send_response(status)
            if status != 200 and service not in ("ec2", "iam", "s3", "sts"):
                self.send_header("x-amzn-errortype", code)
                if service == "sqs" and code == "QueueDoesNotExist":
                    self.send_header("x-amzn-query-error", f"{_QUEUE};Sender")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body.encode())

        do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _fault(service: str, code: str, message: str) -> str:
    if service == "s3":
        return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    if service == "ec2":
        return f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
    if service in ("iam", "sts"):
        return f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return json.dumps({"__type": code, "message": message})
