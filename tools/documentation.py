"""Builds the documentation site in `.batchtab/site` and checks its links: `make docs`.

Sphinx is in an environment of its own, `.batchtab/docs-venv`. `docs/site/conf.py` says what the site has.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.own_environment import ROOT, prepare, run
from tools.site_links import faults

SITE = ROOT / ".batchtab" / "site"
#: What draws the diagrams, as GitHub does: one file of an npm package, without the 70 packages that it is built from.
MERMAID = "mermaid@12.3.0"
MERMAID_SHA256 = "336df803d87a38b70a01e736e666c8f7601d2ce42f5e47c8fafe5d721074b9a3"
SCRIPTS = ROOT / ".batchtab" / "site-scripts"


def get_mermaid() -> None:
    """Puts `mermaid.min.js` where `conf.py` takes it from, unless it is there.

    Raises:
        SystemExit: npm cannot get it, or it is another file.
    """
    path = SCRIPTS / "mermaid.min.js"
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == MERMAID_SHA256:
        return
    with tempfile.TemporaryDirectory() as folder:
        run("npm", "pack", "--silent", "--pack-destination", folder, MERMAID)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as members:
            member = members.extractfile("package/dist/mermaid.min.js")
            content = member.read() if member else b""
    found = hashlib.sha256(content).hexdigest()
    if found != MERMAID_SHA256:
        raise SystemExit(f"{MERMAID}: mermaid.min.js has the SHA-256 {found}, not {MERMAID_SHA256}")
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def build(venv: Path, out: Path, source: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Builds the site; each warning makes it fail, such as a page in no group or a link to nothing."""
    strict = ("--quiet", "--fail-on-warning", "--keep-going", "--fresh-env", "--nitpicky")
    folders = (
        "--conf-dir",
        source / "docs" / "site",
        "--doctree-dir",
        out.parent / f"{out.name}-doctrees",
        source,
        out,
    )
    shutil.rmtree(out, ignore_errors=True)  # it may have pages that are gone
    command = [venv / "bin" / "python", "-m", "sphinx", *strict, "--builder", "html", *folders]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def main() -> int:
    """Builds and checks; exit status 1 if something is wrong with a page."""
    venv = prepare("docs")
    get_mermaid()
    done = build(venv, SITE)
    found = faults(SITE) if done.returncode == 0 else [done.stdout + done.stderr]
    print("\n".join(found) or f"{len(list(SITE.rglob('*.html')))} pages: {SITE.relative_to(ROOT)}/index.html")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
