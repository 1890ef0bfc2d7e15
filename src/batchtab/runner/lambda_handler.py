"""Runs a Python handler of Lambda as a job: `python -m batchtab.runner.lambda_handler [FLAGS] app.handler`.

The handler gets the event and the context that Lambda gives a scheduled function. Its result is printed as JSON; an
exception is printed with its traceback and ends the job with 1, so that Batch retries it as Lambda does.
"""

from __future__ import annotations

import argparse
import asyncio
import decimal
import faulthandler
import importlib
import inspect
import json
import logging
import os
import sys
import time
import traceback

from batchtab.runner import lambda_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

FAILED, USAGE = 1, 2
#: Takes the event's place in a single run: `batchtab run JOB --env BATCHTAB_LAMBDA_EVENT='{"day": "2026-11-24"}'`.
EVENT_VARIABLE = "BATCHTAB_LAMBDA_EVENT"
_LAMBDA_MOST_SECONDS = 900.0


class HandlerError(Exception):
    """The handler cannot be found; the message says why."""


class Context:
    """What Lambda passes as `context`.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    function_version = "$LATEST"
    client_context = None
    identity = None
    tenant_id = None

    def __init__(self, name: str, memory_mib: str, place: lambda_event.Place, environment: Mapping[str, str]) -> None:
        self.function_name = name
        self.memory_limit_in_mb = memory_mib  # a text there, too
        job, attempt = environment.get("AWS_BATCH_JOB_ID") or "local", environment.get("AWS_BATCH_JOB_ATTEMPT") or "1"
        self.aws_request_id = f"{job}-{attempt}"
        self.invoked_function_arn = f"arn:{place.partition}:lambda:{place.region}:{place.account}:function:{name}"
        self.log_group_name = place.log_group
        self.log_stream_name = place.log_stream
        self._ends = 0.0

    def start(self, seconds: float) -> None:
        """Count from now on: on Lambda, importing the handler does not count."""
        self._ends = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the handler is ended."""
        return max(0, int((self._ends - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Print a message."""
        sys.stdout.write(str(message))


def main(arguments: Sequence[str]) -> int:
    """Run a handler; return the exit status."""
    options = _options(arguments)
    place = lambda_event.Place(os.environ)
    try:
        text = os.environ.get(EVENT_VARIABLE) or options.event
        event = lambda_event.made(text, options.trigger, place, os.environ)
    except ValueError as error:
        return _refused(f"the event is not JSON: {error}")
    if not os.path.isdir(options.root):  # noqa: PTH112 the runner does without pathlib
        return _refused(f"--root {options.root} is not a folder of the image")
    context = Context(options.function_name, options.memory_mib, place, os.environ)
    _be_like_lambda(options, context, place)
    try:
        handler = _found(options.handler, options.root)
        # Ends the process with 1, and prints where each thread is.
        faulthandler.dump_traceback_later(options.timeout_seconds, exit=True)
        context.start(options.timeout_seconds)
        result = handler(event, context)
        if inspect.isawaitable(result):
            result = asyncio.run(_awaited(result))
        if result is not None:
            print(json.dumps(result, ensure_ascii=False, default=_plain))
    except HandlerError as error:
        return _refused(str(error))
    except (Exception, SystemExit):  # on Lambda leaving by sys.exit is a failure, too
        traceback.print_exc()
        return FAILED
    finally:
        faulthandler.cancel_dump_traceback_later()
    return 0


def _found(text: str, root: str) -> Any:
    """The function of `app.handler`, `pkg.app.handler` or `pkg/app.handler`."""
    path, dot, name = text.rpartition(".")
    module_name = path.replace("/", ".").strip(".")
    if not dot or not module_name:
        raise HandlerError(f"'{text}' is not MODULE.FUNCTION, such as app.handler")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise HandlerError(
                f"there is no module {error.name} in {root}, where the function's code must be"
            ) from None
        raise
    found = getattr(module, name, None)
    if not callable(found):
        raise HandlerError(f"module {module_name} has no function {name}")
    return found


def _be_like_lambda(options: argparse.Namespace, context: Context, place: lambda_event.Place) -> None:
    """Set what handlers rely on: folder, module path, variables and a logger that prints."""
    root = os.path.abspath(options.root)  # noqa: PTH100
    os.chdir(root)
    sys.path.insert(0, root)
    values = {
        "AWS_REGION": place.region,
        "AWS_DEFAULT_REGION": place.region,
        "AWS_LAMBDA_FUNCTION_NAME": context.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": context.function_version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": context.memory_limit_in_mb,
        "AWS_LAMBDA_LOG_GROUP_NAME": context.log_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": context.log_stream_name,
        "LAMBDA_TASK_ROOT": root,
        "_HANDLER": options.handler,
        # No X-Ray daemon runs beside a job.
        "AWS_XRAY_SDK_ENABLED": "false",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }
    for name, value in values.items():
        if value:
            os.environ.setdefault(name, value)
    # Without a handler of the root logger, Python drops what is below a warning.
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stdout,
        format=f"[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t{context.aws_request_id}\t%(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )


async def _awaited(result: Any) -> Any:
    return await result


def _plain(value: object) -> object:
    """Numbers of DynamoDB, as Lambda writes them.

    Raises:
        TypeError: JSON has no such value.
    """
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"the handler's result has a {type(value).__name__}, which JSON does not have")


def _refused(message: str) -> int:
    print(f"batchtab.runner.lambda_handler: {message}", file=sys.stderr)
    return USAGE


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m batchtab.runner.lambda_handler", description="Run a Python handler of Lambda as a job."
    )
    parser.add_argument("--root", default=".", metavar="FOLDER", help="the code. Default: the current folder")
    parser.add_argument("--event", metavar="JSON", help=f"the event; {EVENT_VARIABLE} replaces it. Default: as sent")
    parser.add_argument(
        "--trigger", default="rule/scheduled", metavar="NAME", help="rule/NAME or schedule/GROUP/NAME, for the event"
    )
    parser.add_argument(
        "--timeout-seconds", type=_seconds, default=_LAMBDA_MOST_SECONDS, metavar="N", help="Default: %(default)g"
    )
    parser.add_argument("--function-name", default="function", metavar="NAME", help="for the context")
    parser.add_argument("--memory-mib", default="128", metavar="N", help="for the context")
    parser.add_argument("handler", metavar="MODULE.FUNCTION", help="such as app.handler")
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e8:
        raise ValueError
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
