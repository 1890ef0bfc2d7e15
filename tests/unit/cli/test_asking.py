"""Questions: the answers yes and no, Ctrl-C and Ctrl-D at one, and nobody to answer it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

# A shell has what it runs in the background ignore Ctrl-C, also these tests and what they start.
HEEDS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
PROGRAM = f"""{HEEDS_CTRL_C}
import sys
import typer
from batchtab.cli import main as cli
from batchtab.cli.asking import confirm

app = typer.Typer()

@app.command()
def remove():
    confirm("Remove it?", "remove")
    typer.echo("removed")

cli.app = app
sys.exit(cli.main([]))
"""


def asked(answer: bytes) -> tuple[int, str]:
    """What a command does and says on a terminal whose user types an answer to its question."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=other,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said = ""
    while "?" not in said:
        said += process.stderr.read(1)
    if answer == b"\x03":
        time.sleep(0.2)  # it is at its question
        process.send_signal(signal.SIGINT)
    else:
        os.write(main, answer)
    out, err = process.communicate(timeout=120)
    os.close(main)
    os.close(other)
    return process.returncode, out + said + err


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (b"y\n", 0, "removed"),
        (b"n\n", 130, "batchtab: remove: nothing was changed"),
        (b"\x04", 130, "batchtab: interrupted"),
        (b"\x03", 130, "batchtab: interrupted"),
    ],
    ids=["yes", "no", "Ctrl-D", "Ctrl-C"],
)
def test_each_answer_is_a_line_and_a_status(answer: bytes, status: int, words: str) -> None:
    found, said = asked(answer)
    assert (found, words in said, "Traceback" in said) == (status, True, False), said
    assert ("removed" in said) == (status == 0)


def test_where_nobody_can_be_asked_nothing_is_done() -> None:
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr == "batchtab: remove: nobody can be asked: Remove it? [hint: --yes]\n"


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("input()", 2, "batchtab: there is a question, and nobody to answer it"),
        ("[print('x' * 100) for _ in range(5000)]", 2, "batchtab: cannot write: No space left on device"),
    ],
    ids=["a code of a second factor", "a full disk"],
)
def test_what_fails_beyond_a_command_is_a_line(code: str, status: int, words: str) -> None:
    program = PROGRAM.replace('confirm("Remove it?", "remove")', code)
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        process = subprocess.run(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == status
    assert process.stderr.strip().startswith(words)  # Typer ends the line of the question
    assert len(process.stderr.strip().splitlines()) == 1
