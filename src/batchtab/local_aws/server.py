from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from typing import Any

from batchtab.local_aws import internals
from batchtab.local_aws.child_processes import ChildProcesses
from batchtab.local_aws.clock import Clock
from batchtab.local_aws.config import DEFAULT_CONFIG, Config
from batchtab.local_aws.containers import leftovers
from batchtab.local_aws.containers.choice import ChoiceOfEngine
from batchtab.local_aws.errors import UserError
from batchtab.local_aws.snapshot import file

HOST = "127.0.0.1"
# What of the caller's environment ministack and the Lambda functions that it runs may see; nothing that is a secret.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE")


def run(config: Config, port: int, start: float | None, speed: float, snapshot: Path | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, then end jobs and children and remove the temporary folder.

    Raises:
        UserError: The port is taken, ministack is missing or lacks an internal, or a snapshot is unfit.
    """
    found = None if snapshot is None else file.read(snapshot, config)
    listener = _listen(port)
    port = listener.getsockname()[1]
    caller = dict(os.environ)
    # The guard is there before the folder is, so that a kill at any moment leaves none.
    folder = Path(tempfile.gettempdir()) / f"batchtab-local-{uuid.uuid4().hex[:12]}"
    home = folder / "home"
    child_processes = ChildProcesses(folder, caller)
    try:
        folder.mkdir(mode=0o700)
        home.mkdir()
        with leftovers.lock(folder):
            _enter_environment(config, port, folder)
            containers = ChoiceOfEngine(
                config.container_engine, caller, f"{config.source or DEFAULT_CONFIG}: local.container_engine"
            )
            containers.require()
            clock = Clock(start, speed)
            application = _assemble(config, port, clock, child_processes, home, caller, containers, found)
            asyncio.run(_serve(application, listener, port, containers))
    finally:
        child_processes.close()
        shutil.rmtree(folder, ignore_errors=True)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise UserError(
            f"port {port} on {HOST} can't be used ({error.strerror}): is local AWS running already?"
            " Stop it, or give another with --port"
        ) from error
    return listener


def _enter_environment(config: Config, port: int, folder: Path) -> None:
    """Make this process's environment what ministack is to see: it reads it when it is imported, and hands it on."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    os.environ.update(
        {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_ACCOUNT_ID": config.account_id,
            "MINISTACK_REGION": config.region,
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_REGION": config.region,
            "AWS_DEFAULT_REGION": config.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": "0",
            "STATE_DIR": str(folder / "state"),
            "AUTH": str(config.enforce_iam).lower(),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            # ministack removes containers that it takes for its own; it is not to see a Docker engine at all.
            "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
            "TMPDIR": str(folder),
            "HOME": str(folder / "home"),
        }
    )
    tempfile.tempdir = str(folder)


class Application:
    """The parts of local AWS, put together."""

    def __init__(self, asgi: Any, starts: list[Any], stops: list[Any]) -> None:
        self.asgi = asgi
        self._starts = starts
        self._stops = stops
        self._stopping = threading.Lock()

    def start(self) -> None:
        """Start the threads."""
        for start in self._starts:
            start()

    def stop(self) -> None:
        """Stop the clock and the events, so that nobody is alerted; end the jobs and ministack's children."""
        with self._stopping:
            stops, self._stops = self._stops, []
            for stop in stops:
                stop()


def _assemble(
    config: Config,
    port: int,
    clock: Clock,
    child_processes: ChildProcesses,
    home: Path,
    caller: dict[str, str],
    containers: ChoiceOfEngine,
    snapshot: dict[str, Any] | None,
) -> Application:
    try:
        internals.check()
        gateway = importlib.import_module("ministack.app")
        hooks = importlib.import_module("batchtab.local_aws.hooks")
    except ImportError as error:
        raise UserError(f"{error.name or error} is not installed for {sys.executable}: batchtab setup local") from error
    # Imported here and not above: all of these read ministack, which must find the environment that it is to see.
    from batchtab.local_aws.admin import Admin  # noqa: PLC0415
    from batchtab.local_aws.alarms import AlarmWatch  # noqa: PLC0415
    from batchtab.local_aws.batch.api import Api  # noqa: PLC0415
    from batchtab.local_aws.batch.engine import Engine  # noqa: PLC0415
    from batchtab.local_aws.batch.events import Events  # noqa: PLC0415
    from batchtab.local_aws.batch.launch import Launcher  # noqa: PLC0415
    from batchtab.local_aws.batch.store import Store  # noqa: PLC0415
    from batchtab.local_aws.delivery import Deliveries  # noqa: PLC0415
    from batchtab.local_aws.faults import Faults  # noqa: PLC0415
    from batchtab.local_aws.gateway import FaultyGateway  # noqa: PLC0415
    from batchtab.local_aws.permissions import enforce  # noqa: PLC0415
    from batchtab.local_aws.repeats import Repeats  # noqa: PLC0415
    from batchtab.local_aws.rules import ScheduledRules  # noqa: PLC0415
    from batchtab.local_aws.schedules import Schedules  # noqa: PLC0415
    from batchtab.local_aws.slack import SlackInbox  # noqa: PLC0415
    from batchtab.local_aws.snapshot.snapshot import Snapshots  # noqa: PLC0415
    from batchtab.local_aws.targets import Targets  # noqa: PLC0415
    from batchtab.local_aws.web_identity import Issuers  # noqa: PLC0415

    store, events, slack = Store(), Events(clock), SlackInbox(clock)
    launcher = Launcher(config, port, home, caller.get("PATH", os.defpath), containers, clock)
    engine = Engine(store, clock, events, launcher, child_processes)
    api = Api(store, clock, engine)
    faults, invocations, record = Faults(), hooks.make_invocations(), enforce(store, is_on=config.enforce_iam)
    repeats = Repeats(FaultyGateway(gateway.app, faults))  # around faults: an answer that is lost on purpose stays lost
    deliveries = Deliveries(clock, Targets(api.submit, hooks.original_invoke_target(), faults), faults)
    rules, schedules, issuers = ScheduledRules(clock), Schedules(clock), Issuers(record)

    def reset_batch() -> None:
        engine.reset()
        with store.lock:
            store.clear()
        for part in (slack, deliveries, rules.cursors, schedules.cursors, faults, repeats, issuers, record):
            part.clear()

    issuers.install()
    hooks.install(hooks.Parts(clock, api, deliveries, rules, schedules, invocations, reset_batch))
    for source in (rules, schedules, deliveries, engine, invocations, AlarmWatch()):
        clock.add_source(source)
    for scheduled in (rules, schedules):
        clock.on_jump(scheduled.restart)
    snapshots = Snapshots(config, port, clock, store, engine, deliveries, invocations, schedules, slack)
    if snapshot is not None:
        snapshots.load(snapshot)
    reset = gateway._reset_all_state
    return Application(
        launcher.credentials.around(
            issuers.around(
                Admin(repeats, port, clock, slack, faults, invocations, snapshots, record, containers, reset)
            )
        ),
        [events.start, engine.start, clock.start],
        [deliveries.stop, clock.stop, events.stop, engine.shutdown, reset],
    )


async def _serve(application: Application, listener: socket.socket, port: int, containers: ChoiceOfEngine) -> None:
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # so that nohup works
            loop.add_signal_handler(number, asked.set)
    application.start()

    def on_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not asked.is_set():  # that requests are cut off at the end is no fault
            loop.default_exception_handler(context)

    loop.set_exception_handler(on_fault)

    async def shutdown() -> None:
        await asked.wait()
        await asyncio.to_thread(application.stop)

    print(f"Local AWS on http://{HOST}:{port} (Ctrl-C stops it and its jobs)", flush=True)
    containers.start(_say_engine)
    serve = importlib.import_module("hypercorn.asyncio").serve
    try:
        await serve(application.asgi, config, shutdown_trigger=shutdown)
    finally:
        await asyncio.to_thread(application.stop)


def _say_engine(containers: ChoiceOfEngine) -> None:
    """Say what jobs run as, and remove the containers of a local AWS that is no more."""
    print(containers.said, flush=True)
    if containers.engine is not None and (removed := leftovers.remove(containers.engine)):
        print(f"Removed {removed} container(s) that a local AWS left which is no more", flush=True)
