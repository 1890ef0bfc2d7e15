"""A small GitHub: comments, issues, pulls, runs, artifacts and releases of one repository, and failures on demand."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_" + "x" * 36
REPOSITORY = "my-company/jobs"
BOT = "github-actions[bot]"
PAGE = 100


@dataclass
class FakeGitHub:
    """What is in the repository, and each request that came."""

    url: str = ""
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    events: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    releases: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[tuple[str, str | None]] = field(default_factory=list)
    #: The next answers: a status, headers, and whether the request is carried out before.
    failures: list[tuple[int, dict[str, str], bool]] = field(default_factory=list)
    largest: int = 65_536

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _ in self.requests)

    def add_artifact(self, run: int, name: str, **files: bytes) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for file, content in files.items():
                archive.writestr(file.replace("_json", ".json"), content)
        number = 1000 + sum(map(len, self.artifacts.values()))
        self.artifacts.setdefault(run, []).append({"id": number, "name": name, "zip": buffer.getvalue()})

    def add_pull(self, number: int, commit: str = "", base: str = "main", **changed: Any) -> dict[str, Any]:
        """A pull request of the branch `feature`, merged if it brought a commit."""
        pull = {
            "number": number,
            "created_at": "2026-11-24T09:00:00Z",
            "closed_at": "2026-11-24T10:00:00Z" if commit else None,
            "merged_at": "2026-11-24T10:00:00Z" if commit else None,
            "head": {"sha": "f00d", "ref": "feature", "repo": {"full_name": REPOSITORY}},
            "base": {"ref": base},
            **changed,
        }
        self.pulls.setdefault(commit, []).append(pull)
        return pull

    def add_run(self, run: int, head: str = "f00d", repository: str = REPOSITORY, **changed: Any) -> None:
        """A successful run of the plan. Its list of pull requests has open ones only, as GitHub's has."""
        self.runs.append(
            {
                "id": run,
                "head_sha": head,
                "head_branch": "feature",
                "head_repository": {"full_name": repository},
                "created_at": "2026-11-24T09:30:00Z",
                "pull_requests": [],
                **changed,
            }
        )

    # --- what is asked

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        base = f"/repos/{REPOSITORY}"
        if not path.startswith(base):
            return 404, {"message": "Not Found"}
        rest = path.removeprefix(base)
        content = json.loads(body) if body and rest[:9] != "/uploads/" else {}
        if len(content.get("body", "")) > self.largest:
            return 422, {"message": "Validation Failed: body is too long"}
        if match := re.fullmatch(r"/issues/(\d+)/comments", rest):
            return self._comments(method, int(match[1]), content)
        if match := re.fullmatch(r"/issues/comments/(\d+)", rest):
            return self._change(
                method, [c for many in self.comments.values() for c in many], "id", int(match[1]), content
            )
        if rest == "/issues":
            return self._issues(method, query, content)
        if match := re.fullmatch(r"/issues/(\d+)", rest):
            return self._change(method, self.issues, "number", int(match[1]), content)
        if rest == "":
            return 200, {"default_branch": "main"}
        if match := re.fullmatch(r"/commits/(\w+)/pulls", rest):
            return 200, self.pulls.get(match[1], [])
        if rest == "/pulls":
            every = [pull for many in self.pulls.values() for pull in many]
            branch = query["head"][0].removeprefix(f"{REPOSITORY.partition('/')[0]}:")
            return 200, [pull for pull in every if pull["head"]["ref"] == branch]
        if match := re.fullmatch(r"/issues/(\d+)/events", rest):
            return 200, self.events.get(int(match[1]), [])
        if re.fullmatch(r"/actions/workflows/plan\.yml/runs", rest):
            found = [run for run in self.runs if run["head_sha"] == query["head_sha"][0]]
            return 200, {"workflow_runs": found}
        if match := re.fullmatch(r"/actions/runs/(\d+)/artifacts", rest):
            many = [a for a in self.artifacts.get(int(match[1]), []) if a["name"] == query["name"][0]]
            return 200, {"artifacts": [{k: v for k, v in a.items() if k != "zip"} for a in many]}
        if match := re.fullmatch(r"/actions/artifacts/(\d+)/zip", rest):
            return 302, f"{self.url.replace('127.0.0.1', 'localhost')}/blobs/{match[1]}"
        return self._releases(method, rest, query, content, body)

    def _comments(self, method: str, number: int, content: dict[str, Any]) -> tuple[int, Any]:
        found = self.comments.setdefault(number, [])
        if method == "GET":
            return 200, found
        number_of_all = sum(map(len, self.comments.values()))
        made = {
            "id": 1000 + number_of_all,
            "body": content["body"],
            "user": {"login": BOT},
            "html_url": f"u/{len(found)}",
        }
        found.append(made)
        return 201, made

    def _change(self, method: str, items: list[dict[str, Any]], key: str, number: int, content: Any) -> tuple[int, Any]:
        assert method == "PATCH"
        for item in items:
            if item[key] == number:
                item.update(content)
                return 200, item
        return 404, {"message": "Not Found"}

    def _issues(self, method: str, query: dict[str, list[str]], content: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET":
            label = query["labels"][0]
            return 200, [i for i in self.issues if i["state"] == "open" and label in i["labels"]]
        made = {**content, "number": 1 + len(self.issues), "state": "open", "user": {"login": BOT}}
        self.issues.append(made)
        return 201, made

    def _releases(self, method: str, rest: str, query: Any, content: dict[str, Any], body: bytes) -> tuple[int, Any]:
        if rest == "/releases" and method == "GET":
            return 200, self.releases
        if rest == "/releases":
            upload = f"{self.url}/repos/{REPOSITORY}/uploads/{len(self.releases)}{{?name,label}}"
            made = {**content, "id": len(self.releases), "upload_url": upload, "assets": []}
            self.releases.append(made)
            return 201, made
        if match := re.fullmatch(r"/uploads/(\d+)", rest):
            name = query["name"][0]
            self.releases[int(match[1])]["assets"].append({"name": name})
            self.uploads[name] = body
            return 201, {"name": name}
        return 404, {"message": "Not Found"}


@contextmanager
def running() -> Iterator[FakeGitHub]:
    fake = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

        def _serve(self) -> None:
            target = urlsplit(self.path)
            query = parse_qs(target.query)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fake.requests.append((self.command, target.path))
            fake.tokens.append((self.headers["Host"], self.headers.get("Authorization")))
            if fake.failures:
                status, headers, carried_out = fake.failures.pop(0)
                if carried_out:
                    fake.answer(self.command, target.path, query, body)
                self._send(status, json.dumps({"message": "try later"}).encode(), headers)
                return
            if target.path.startswith("/blobs/"):
                number = int(target.path.rpartition("/")[2])
                found = next(a for many in fake.artifacts.values() for a in many if a["id"] == number)
                self._send(200, found["zip"], {})
                return
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, b'{"message": "Bad credentials"}', {})
                return
            status, content = fake.answer(self.command, target.path, query, body)
            if status == 302:
                self._send(302, b"", {"Location": content})
                return
            headers = {}
            if isinstance(content, list):
                page = int(query.get("page", ["1"])[0])
                if len(content) > page * PAGE:
                    more = f"{fake.url}{target.path}?per_page=100&page={page + 1}"
                    headers["Link"] = f'<{more}>; rel="next", <{more}>; rel="last"'
                content = content[(page - 1) * PAGE : page * PAGE]
            self._send(status, json.dumps(content).encode(), headers)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
