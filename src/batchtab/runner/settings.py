"""The runner's settings, by flag or by environment variable."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "BATCHTAB_"

ALLOW, FORBID = "allow", "forbid"
REFUSE, RUN = "refuse", "run"
REDACTED, NONE = "redacted", "none"


class SettingsError(Exception):
    """A setting that the runner cannot use; the message says which, its value, and what is allowed."""


class Setting:
    """One setting: its name, its default and what it may be.

    Its flag is `--the-name`, its variable `BATCHTAB_THE_NAME`.
    """

    __slots__ = ("choices", "default", "help", "maximum", "name", "number")

    def __init__(
        self, name: str, default: str, text: str, *, choices: tuple[str, ...] = (), maximum: float | None = None
    ) -> None:
        self.name = name
        self.default = default
        self.help = text
        self.choices = choices
        self.number = maximum is not None
        self.maximum = maximum or 0.0

    @property
    def flag(self) -> str:
        """The flag, as it is written on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()

    def check(self, value: str, source: str) -> str:
        """Return the value if it is allowed.

        Raises:
            SettingsError: if it is not.
        """
        if self.choices and value not in self.choices:
            raise SettingsError(f"{source} must be {' or '.join(self.choices)}, got {value!r}")
        if self.number:
            try:
                number = float(value)
            except ValueError:
                number = -1.0
            if not 0 <= number <= self.maximum:
                raise SettingsError(f"{source} must be a number from 0 to {self.maximum:g}, got {value!r}")
        return value


SETTINGS = (
    Setting("job_name", "", "the job's name, as it was submitted; needed by --concurrency-policy forbid"),
    Setting(
        "concurrency_policy", ALLOW, "forbid: exit if a job of this name is in this queue", choices=(ALLOW, FORBID)
    ),
    Setting("skip_exit_code", "0", "the exit code of a run that gave way", maximum=255),
    Setting("on_check_error", REFUSE, "what to do if the queue cannot be read", choices=(REFUSE, RUN)),
    Setting("check_timeout_seconds", "60", "how long reading the queue may take, retries included", maximum=3600),
    Setting("grace_seconds", "25", "from a stop signal to SIGKILL; Batch sends its own after 30", maximum=86400),
    Setting("heartbeat_url", "", "pinged at /start, at the end, and at /fail (healthchecks.io's way)"),
    Setting("heartbeat_timeout_seconds", "3", "how long one ping may take", maximum=60),
    Setting("log_arguments", REDACTED, "the command's arguments in the log lines", choices=(REDACTED, NONE)),
)


class Settings:
    """The settings of one run. A flag beats its variable; an empty variable counts as unset."""

    __slots__ = tuple(setting.name for setting in SETTINGS)

    job_name: str
    concurrency_policy: str
    skip_exit_code: int
    on_check_error: str
    check_timeout_seconds: float
    grace_seconds: float
    heartbeat_url: str
    heartbeat_timeout_seconds: float
    log_arguments: str

    def __init__(self, flags: Mapping[str, str], environment: Mapping[str, str]) -> None:
        for setting in SETTINGS:
            if setting.name in flags:
                value = setting.check(flags[setting.name], setting.flag)
            elif environment.get(setting.variable):
                value = setting.check(environment[setting.variable], setting.variable)
            else:
                value = setting.default
            setattr(self, setting.name, float(value) if setting.number else value)
        self.skip_exit_code = int(self.skip_exit_code)
        if self.heartbeat_url and not self.heartbeat_url.startswith(("https://", "http://")):
            raise SettingsError(f"{PREFIX}HEARTBEAT_URL must start with https:// or http://")
        if self.concurrency_policy == FORBID and not self.job_name and environment.get("AWS_BATCH_JOB_ID"):
            raise SettingsError(
                "concurrency_policy forbid needs the job's name, which Batch does not give a container:"
                f" set {PREFIX}JOB_NAME to the name that the job is submitted with"
            )


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Split a command line into the runner's settings and the command.

    The command begins after `--`, or at the first argument that does not begin with `-`. argparse would do, for ten
    milliseconds per start.

    Raises:
        SettingsError: if a flag is unknown, has no value or a wrong one, or if there is no command.
    """
    known = {setting.flag: setting for setting in SETTINGS}
    flags: dict[str, str] = {}
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        argument = arguments[position]
        position += 1
        if argument == "--":
            break
        flag, equals, value = argument.partition("=")
        setting = known.get(flag)
        if setting is None:
            raise SettingsError(f"unknown flag {flag!r}; known are {', '.join(known)}, and -- before the command")
        if not equals:
            if position == len(arguments):
                raise SettingsError(f"{flag} needs a value")
            value = arguments[position]
            position += 1
        flags[setting.name] = value
    command = list(arguments[position:])
    if not command:
        raise SettingsError("no command to run; usage: python -m batchtab.runner [FLAGS] -- COMMAND [ARGUMENT…]")
    return Settings(flags, environment), command


def usage() -> str:
    """The text of --help."""
    rows = [
        f"  {setting.flag}\n      {setting.help}"
        f" ({' or '.join(setting.choices) + '; ' if setting.choices else ''}default: {setting.default or 'none'};"
        f" {setting.variable})"
        for setting in SETTINGS
    ]
    return "\n".join(["usage: python -m batchtab.runner [FLAGS] [--] COMMAND [ARGUMENT…]", "", *rows, ""])
