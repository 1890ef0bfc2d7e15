"""The runner's own lines on stderr."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runner.harness import end_line, environment, lines, run

from batchtab.runner.lines import encode


def test_start_and_end_say_which_job_and_how_it_went() -> None:
    # GIVEN the variables of a job on Batch
    env = environment(
        AWS_BATCH_JOB_ID="b9a5-1:3",
        AWS_BATCH_JOB_ATTEMPT="2",
        AWS_BATCH_JQ_NAME="default",
        AWS_BATCH_JOB_ARRAY_INDEX="3",
        BATCHTAB_JOB_NAME="my-service-do-something",
    )
    # WHEN it runs a command that takes a while and some memory
    result = run("python3", "-c", "import time; data = bytearray(40_000_000); time.sleep(0.3)", env=env)
    # THEN both lines say which job
    first, last = lines(result.stderr)
    for line in (first, last):
        assert line["job_name"] == "my-service-do-something"
        assert (line["job_id"], line["attempt"], line["queue"], line["array_index"]) == ("b9a5-1:3", 2, "default", 3)
        assert line["command"][0] == "python3"
        assert line["time"].endswith("Z")
    # AND the last one how it went
    assert (first["batchtab"], last["batchtab"]) == ("start", "end")
    assert (last["exit_code"], last["skipped"], last["signal"], last["stopped_by"]) == (0, False, None, None)
    assert 0.3 <= last["seconds"] < 20
    assert 40 < last["peak_memory_mib"] < 400


def test_outside_batch_the_fields_are_null() -> None:
    # WHEN a command is run on a developer's machine
    line = end_line(run("true").stderr)
    # THEN nothing is made up
    assert [line[key] for key in ("job_name", "job_id", "attempt", "queue")] == [None] * 4


def test_secrets_in_arguments_are_masked() -> None:
    # GIVEN a secret in the environment
    env = environment(DB_PASSWORD="hunter2hunter2")
    command = [
        "true",
        "--token=abcdef",
        "--api-key",
        "s3cr3t-value",
        "https://user:pass-word@example.com/path",
        "psql --url hunter2hunter2",
        "Authorization: Bearer abc",
        "--verbose",
        "plain",
    ]
    # WHEN the command holds it, or other things that look like secrets
    result = run("--", *command, env=env)
    # THEN none of them is in a line, and the rest is
    text = result.stderr.decode()
    for secret in ("hunter2", "abcdef", "s3cr3t", "pass-word", "Bearer"):
        assert secret not in text
    shown = lines(result.stderr)[0]["command"]
    assert shown[-2:] == ["--verbose", "plain"]
    assert shown[4] == "https://***@example.com/path"


def test_the_arguments_can_be_left_out() -> None:
    # WHEN the job's owner asks for it
    result = run("--log-arguments", "none", "--", "echo", "a", "b")
    # THEN only the program is named
    assert lines(result.stderr)[0]["command"] == ["echo", "… 2 arguments"]
    assert result.stdout == b"a b\n"


def test_a_long_command_is_shortened() -> None:
    # WHEN a whole program stands on the command line
    result = run("--", "true", "x" * 5000, *["y"] * 100)
    # THEN the line stays readable
    assert len(result.stderr.splitlines()[0]) < 2000
    assert "4800 more characters" in result.stderr.decode()


def test_the_heartbeat_url_stands_in_no_line() -> None:
    # GIVEN a monitor that is not there
    env = environment(BATCHTAB_HEARTBEAT_URL="http://127.0.0.1:9/ping/a-secret-id")
    # WHEN its pings fail
    result = run("true", env=env)
    # THEN the warning does not give the address away
    assert b"a-secret-id" not in result.stderr
    assert [line["batchtab"] for line in lines(result.stderr)].count("warning") == 2
    assert result.returncode == 0


@pytest.mark.parametrize("closed", [(2,), (1, 2), (0, 2), (0, 1), (0, 1, 2)])
def test_closed_streams_do_not_fail_the_job(closed: tuple[int, ...], tmp_path: Path) -> None:
    # GIVEN streams that are closed, as by a program like cron
    def close() -> None:
        for stream in closed:
            os.close(stream)

    # WHEN the command runs long enough to be sent signals by mistake
    seen = tmp_path / "seen"
    seen.touch()
    script = f"for n in 0 1 2; do [ -e /proc/$$/fd/$n ] && echo $n >> {seen}; done; sleep 0.3; exit 5"
    result = run("sh", "-c", script, stdin=None, capture_output=False, preexec_fn=close)
    # THEN its exit code is the run's, and it found the streams as they were
    assert result.returncode == 5
    assert [int(line) for line in seen.read_text().split()] == [n for n in range(3) if n not in closed]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(st.text()) | inner))
def test_every_line_is_json(value: object) -> None:
    # WHEN any value is encoded
    text = encode(value)  # type: ignore[arg-type]
    # THEN a JSON parser reads it back, and it is one line
    assert json.loads(text) == value
    assert "\n" not in text


def test_bytes_that_are_no_text_still_give_json() -> None:
    # WHEN an argument is not UTF-8, as Python passes it on
    # THEN the line can be parsed
    assert json.loads(encode("a\udcffb")) == "a\udcffb"
