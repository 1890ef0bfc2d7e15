"""How each shell of a step gets the step's script: as an argument, since commands of the script may read the input."""

from __future__ import annotations

#: Shells that replace `${NAME}` by a variable of the environment.
POSIX = {"bash", "sh"}
#: Those whose names say all; of others a person checks how they run.
KNOWN = {*POSIX, "python", "pwsh"}
_OPTIONS = {
    "bash": ["-e", "-c"],
    "sh": ["-e", "-c"],
    "pwsh": ["-Command"],
    "powershell": ["-Command"],
    "perl": ["-e"],
    "node": ["-e"],
    "ruby": ["-e"],
    "Rscript": ["-e"],
    "php": ["-r"],
}
#: What GitHub writes around a script of PowerShell, which else goes on after a failure and then ends with 0.
#: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#exit-codes-and-error-action-preference
_POWERSHELL = (
    "$ErrorActionPreference = 'stop'",
    r"if ((Test-Path -LiteralPath variable:\LASTEXITCODE)) { exit $LASTEXITCODE }",
)


def program(shell: str, *, has_pipefail: bool = False) -> list[str]:
    """The program and its options, after which the script is the next argument."""
    *first, last = [shell, *_OPTIONS.get(shell, ["-c"])]
    return [*first, *(["-o", "pipefail"] if has_pipefail else []), last]


def call(shell: str, script: str, *, has_pipefail: bool = False) -> list[str]:
    """The command that runs a script."""
    text = script.rstrip()
    if shell in {"pwsh", "powershell"}:
        before, after = _POWERSHELL
        text = f"{before}\n{text}\n{after}"
    return [*program(shell, has_pipefail=has_pipefail), text]
