"""What masking costs: `python -m benchmarks.masking`.

Prints a table for benchmarks/README.md: 100 lines of 2,000 characters, of a log and of what rules look for, and the
same lines ten times.
"""

import time
from collections.abc import Iterator

from batchtab.masking import mask

_LINES = 100
_CHARACTERS = 2000
_TIMES = 10
_RUNS = 5
_LOG = "2026-03-02 09:20:31 INFO 120000 of 250000 rows of /data/orders.csv, 1.1 s per 1000\n"
_HOSTILE = {
    "a log without secrets": _LOG,
    "a log with a secret in each line": f"connect password=hunter2 to db {_LOG}",
    "`token_token_`": "token_",
    "`password=password=`": "password=",
    "`sk-sk-`": "sk-",
    "`eyJ-eyJ-`": "eyJ-",
    "`://a:://a:`": "://a:",
    "`-----BEGIN -----BEGIN `": "-----BEGIN ",
    "`curl -u a: curl -u a: `": "curl -u a: ",
    "`docker login docker login `": "docker login ",
    "`az login -paz login -p`": "az login -p",
    "`htpasswd -b a a `": "htpasswd -b a a ",
    "`token[token[`": "token[",
    "`token token `": "token ",
    "`\u0130token=\u0130token=`": "\u0130token=",
    "`<password><password>`": "<password>",
    "`token=***token=***`, references": "token=***",
    "backslashes after `password=`": "password=" + "\\" * _CHARACTERS,
    "`--token x --token x `": "--token x ",
    "`pwd=1 pwd=1 `, a secret in each 6 characters": "pwd=1 ",
}


def main() -> None:
    """Prints the table."""
    print(f"| {_LINES} lines of {_CHARACTERS:,} characters | CPU, ms | {_TIMES} times as many | MB per second |")
    print("|---|---:|---:|---:|")
    for name, once, often in measured():
        print(
            f"| {name} | {once * 1000:.0f} | {often * 1000:.0f} | {_LINES * _CHARACTERS / once / 1e6:.1f} |", flush=True
        )


def measured() -> Iterator[tuple[str, float, float]]:
    """What is masked, the CPU seconds for it, and those for more of it; the best of some runs."""
    for name, piece in _HOSTILE.items():
        line = (piece * (_CHARACTERS // len(piece) + 1))[:_CHARACTERS]
        yield name, _seconds(line, _LINES), _seconds(line, _LINES * _TIMES)


def _seconds(line: str, lines: int) -> float:
    text = "\n".join([line] * lines)
    found = []
    for _ in range(_RUNS):
        began = time.process_time()
        mask(text)
        found.append(time.process_time() - began)
    return min(found)


if __name__ == "__main__":
    main()
