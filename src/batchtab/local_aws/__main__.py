from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from batchtab.local_aws import config as configuration
from batchtab.local_aws.clock import MAXIMUM_SPEED, parse_time
from batchtab.local_aws.errors import UserError

_DESCRIPTION = """\
Local AWS for one machine's development and tests: one endpoint on 127.0.0.1 for Terraform, boto3 and the AWS CLI, with
a Batch service that runs jobs. Point clients at it with AWS_ENDPOINT_URL=http://127.0.0.1:<port>, a region and the
keys test and test. It stays in the foreground; Ctrl-C or SIGTERM stops it and its jobs. Nothing is kept, unless
GET /_local/snapshot is asked for: its answer, in a file, is what --snapshot starts from."""


def main(arguments: list[str] | None = None) -> int:
    """Run local AWS from the command line; returns the exit status."""
    try:
        options = _parser().parse_args(arguments)
        config = configuration.load(options.config)
        port = config.port if options.port is None else configuration.check_port(options.port, "--port")
        try:
            from batchtab.local_aws import server  # noqa: PLC0415 - needs nothing of ministack yet, but is not needed for --help
        except ImportError as error:
            raise UserError(f"{error.name} is not installed for {sys.executable}: batchtab setup local") from error
        server.run(config, port, options.time, options.speed, options.snapshot)
    except UserError as error:
        print(f"local: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m batchtab.local_aws",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="a stage's file, of which account_id, region and the section local are read (default: config/local.yaml)",
    )
    parser.add_argument("--port", type=int, metavar="N", help="port on 127.0.0.1; 0 is any free one (default: 4566)")
    parser.add_argument(
        "--time",
        type=_time,
        metavar="T",
        help="what the clock shows at the start, as 2026-03-29T00:30:00+01:00; without an offset UTC (default: now)",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="seconds of the clock per real second; 0 freezes it until it is advanced (default: 1)",
    )
    parser.add_argument(
        "--snapshot",
        type=Path,
        metavar="FILE",
        help="start from what GET /_local/snapshot answered, of the same account and region; the clock is as without"
        " it, and schedules go on from its time",
    )
    return parser


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-03-29T00:30:00+01:00") from error


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not 0 <= speed <= MAXIMUM_SPEED:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {MAXIMUM_SPEED:g}")
    return speed


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of ministack may be inside a Lambda call; everything that has to be ended is ended by now.
    os._exit(status)
