"""Handlers of Lambda as jobs: event, context, result, errors."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runner.harness import ROOT, environment

from batchtab.runner.lambda_event import Place, made

BATCH = {"AWS_BATCH_JOB_ID": "b9a5-1", "AWS_BATCH_JOB_ATTEMPT": "2", "BATCHTAB_SCHEDULED_TIME": "2026-11-24T00:00:00Z"}


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a handler of a folder as a job does."""
    command = [sys.executable, "-m", "batchtab.runner.lambda_handler", "--root", str(folder), *arguments]
    env = environment(PYTHONPATH=str(ROOT / "src"), **more)
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=env)


def write(folder: Path, code: str, name: str = "app.py") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code)


def printed(result: subprocess.CompletedProcess[str]) -> Any:
    """The result that was printed."""
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_a_handler_gets_the_event_of_its_rule(tmp_path: Path) -> None:
    # GIVEN a handler that returns its event
    write(tmp_path, "def handler(event, context): return event")
    # WHEN it runs for a scheduled time in a region
    trigger = ("--trigger", "rule/nightly")
    event = printed(run(tmp_path, *trigger, "app.handler", AWS_REGION="ap-northeast-2", **BATCH))
    # THEN it is what EventBridge sends
    event_id = event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "",
        "time": "2026-11-24T00:00:00Z",
        "region": "ap-northeast-2",
        "resources": ["arn:aws:events:ap-northeast-2::rule/nightly"],
        "detail": {},
    }
    # AND its id is the same at another attempt, and another one at another time
    again = BATCH | {"AWS_BATCH_JOB_ATTEMPT": "3"}
    later = BATCH | {"BATCHTAB_SCHEDULED_TIME": "2026-11-25T00:00:00Z"}
    ids = [
        printed(run(tmp_path, *trigger, "app.handler", AWS_REGION="ap-northeast-2", **each))["id"]
        for each in (again, later)
    ]
    assert ids[0] == event_id != ids[1]


def test_a_handler_gets_the_event_of_its_schedule() -> None:
    # GIVEN a schedule of EventBridge Scheduler WHEN its event is made
    place = Place({"AWS_REGION": "eu-west-1"})
    event = made(None, "schedule/default/hourly", place, BATCH)
    # THEN its source and detail are those of Scheduler
    assert (event["source"], event["detail"]) == ("aws.scheduler", "{}")
    assert event["resources"] == ["arn:aws:scheduler:eu-west-1::schedule/default/hourly"]


def test_the_sources_own_event_comes_with_the_keywords_of_scheduler() -> None:
    # GIVEN an input with two of them
    text = '{"at": "<aws.scheduler.scheduled-time>", "attempt": "<aws.scheduler.attempt-number>"}'
    # WHEN the event is made THEN they are replaced
    event = made(text, "schedule/default/hourly", Place({}), BATCH)
    assert event == {"at": "2026-11-24T00:00:00Z", "attempt": "2"}


def test_a_variable_takes_the_place_of_the_event(tmp_path: Path) -> None:
    # GIVEN a job with an event WHEN a single run has another one
    write(tmp_path, "def handler(event, context): return event")
    result = run(tmp_path, "--event", '{"day": 1}', "app.handler", BATCHTAB_LAMBDA_EVENT='{"day": 2}')
    # THEN the handler gets that
    assert printed(result) == {"day": 2}


class _Metadata(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(
            {
                "ContainerARN": "arn:aws:ecs:us-west-2:123456789012:container/abc",
                "LogOptions": {"awslogs-group": "/aws/batch/job", "awslogs-stream": "nightly/default/abc"},
            }
        ).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def metadata() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Metadata)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v4/abc"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_context_says_what_ecs_and_batch_say(tmp_path: Path, metadata: str) -> None:
    # GIVEN a handler that returns its context, its environment and its folder
    write(
        tmp_path,
        "import os\n"
        "def handler(event, context):\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    assert 540_000 < left <= 600_000, left\n"
        "    names = ['function_name', 'function_version', 'memory_limit_in_mb', 'aws_request_id',\n"
        "             'invoked_function_arn', 'log_group_name', 'log_stream_name']\n"
        "    return [*(getattr(context, n) for n in names), os.environ['AWS_LAMBDA_FUNCTION_NAME'], os.getcwd()]\n",
    )
    # WHEN it runs in ECS
    flags = ("--function-name", "report", "--memory-mib", "512", "--timeout-seconds", "600")
    result = run(tmp_path, *flags, "app.handler", ECS_CONTAINER_METADATA_URI_V4=metadata, **BATCH)
    # THEN region, account and log stream are those of the container, and the request is this attempt
    assert printed(result) == [
        *("report", "$LATEST", "512", "b9a5-1-2", "arn:aws:lambda:us-west-2:123456789012:function:report"),
        *("/aws/batch/job", "nightly/default/abc", "report", str(tmp_path)),
    ]


@pytest.mark.parametrize("handler", ["pkg.mod.handler", "pkg/mod.handler"])
def test_a_handler_may_be_in_a_package(tmp_path: Path, handler: str) -> None:
    # GIVEN a package that imports a module beside it
    write(tmp_path, "NAME = 'beside'", "beside.py")
    write(tmp_path, "", "pkg/__init__.py")
    write(tmp_path, "import beside\ndef handler(event, context): return beside.NAME", "pkg/mod.py")
    # WHEN its handler runs THEN both are found
    assert printed(run(tmp_path, handler)) == "beside"


def test_an_asynchronous_handler_is_awaited(tmp_path: Path) -> None:
    write(tmp_path, "import asyncio\nasync def handler(event, context):\n    await asyncio.sleep(0)\n    return 'done'")
    assert printed(run(tmp_path, "app.handler")) == "done"


def test_a_result_may_have_numbers_of_dynamodb_and_other_letters(tmp_path: Path) -> None:
    write(tmp_path, "from decimal import Decimal as D\ndef handler(event, context): return [D('2'), D('0.5'), '날']")
    assert run(tmp_path, "app.handler").stdout == '[2, 0.5, "날"]\n'


def test_nothing_is_printed_for_no_result_and_log_lines_below_a_warning_are(tmp_path: Path) -> None:
    # GIVEN a handler that logs, as most do, by the root logger
    write(
        tmp_path,
        "import logging\nlog = logging.getLogger()\nlog.setLevel('INFO')\n"
        "def handler(event, context): log.info('three orders')",
    )
    # WHEN it runs THEN its line is printed with the request, and nothing else
    lines = run(tmp_path, "app.handler", **BATCH).stdout.splitlines()
    assert len(lines) == 1
    level, at, request, message = lines[0].split("\t")
    assert (level, request, message) == ("[INFO]", "b9a5-1-2", "three orders")
    assert at.endswith("Z")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def handler(event, context): raise ValueError('no orders')", "ValueError: no orders"),
        ("import sys\ndef handler(event, context): sys.exit(0)", "SystemExit: 0"),
        ("async def handler(event, context): raise KeyError('a')", "KeyError: 'a'"),
        ("def handler(event, context): return {1, 2}", "has a set, which JSON does not have"),
        ("import nothing_like_it\ndef handler(event, context): pass", "No module named 'nothing_like_it'"),
    ],
)
def test_an_exception_is_status_1_with_its_traceback(tmp_path: Path, code: str, said: str) -> None:
    write(tmp_path, code)
    result = run(tmp_path, "app.handler")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Traceback")
    assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["app"], "'app' is not MODULE.FUNCTION, such as app.handler"),
        (["other.handler"], "there is no module other in"),
        (["app.other"], "module app has no function other"),
        (["app.NUMBER"], "module app has no function NUMBER"),
        (["--event", "{", "app.handler"], "the event is not JSON"),
    ],
)
def test_what_a_user_can_fix_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    write(tmp_path, "NUMBER = 1\ndef handler(event, context): pass")
    result = run(tmp_path, *arguments)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert said in result.stderr


def test_a_folder_that_is_not_in_the_image_is_named(tmp_path: Path) -> None:
    result = run(tmp_path / "none", "app.handler")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert f"--root {tmp_path / 'none'} is not a folder of the image" in result.stderr


@pytest.mark.parametrize("number", ["0", "-1", "soon", "nan"])
def test_a_timeout_is_a_positive_number(tmp_path: Path, number: str) -> None:
    result = run(tmp_path, f"--timeout-seconds={number}", "app.handler")
    assert result.returncode == 2
    assert "--timeout-seconds" in result.stderr


def test_a_handler_that_takes_too_long_ends_with_1_and_says_where_it_was(tmp_path: Path) -> None:
    # GIVEN a handler that would wait for a minute, and another thread that would, too
    write(
        tmp_path,
        "import threading, time\n"
        "def handler(event, context):\n"
        "    print(context.get_remaining_time_in_millis() < 6000, flush=True)\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "    time.sleep(60)\n",
    )
    # WHEN it may take less
    result = run(tmp_path, "--timeout-seconds", "5", "app.handler")
    # THEN it ends
    assert (result.returncode, result.stdout) == (1, "True\n")
    assert "Timeout" in result.stderr
    assert "in handler" in result.stderr
