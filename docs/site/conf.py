"""The documentation site: `make docs` builds it with Sphinx from the Markdown pages of the repository, as they are.

https://www.sphinx-doc.org/en/master/usage/configuration.html
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "mermaid.min.js"  # `make docs` puts it into the output; only pages with a diagram load it

#: The groups of the navigation, and their pages. A page in none of them fails the build.
NAVIGATION = {
    "Start": ["Overview and ten steps <self>", "Compared with others </docs/compared>"],
    "How to, by role": [
        "Owners of jobs </docs/job-owners>",
        "Platform engineers </docs/platform-engineers>",
        "Pull requests </docs/pull-requests>",
        "Python users </docs/python>",
        "/docs/calendar",
        "/docs/runner",
        "/docs/frameworks",
    ],
    "Operations": ["/docs/operate", "/docs/runbook", "/docs/alerts", "In a browser </docs/web>"],
    "Reference": [
        "jobs.yaml </docs/reference/jobs>",
        "Stage files </docs/reference/stages>",
        "Command line </docs/reference/cli>",
        "Terraform modules </modules/README>",
        "Python API </docs/reference/python>",
    ],
    "Explanation": [
        "Architecture </docs/architecture>",
        "Runs </docs/runs>",
        "Security </SECURITY>",
        "Permissions </docs/permissions>",
        "/src/batchtab/local_aws/README",
        "/benchmarks/README",
    ],
    "Migration": ["/docs/import", "/docs/from-*"],
    "Project": ["/docs/decisions/README", "/docs/glossary", "Changes </CHANGELOG>", "Contributing </CONTRIBUTING>"],
}
#: Pages that are listed below another one.
BELOW = {
    "docs/import": ["/docs/import-*"],
    "docs/operate": ["/docs/operate-*"],
    "docs/decisions/README": ["/docs/decisions/0*"],
    "modules/README": ["/modules/*/README", "/examples/*/README"],
}

project = "Batchtab"
author = "Batchtab"
html_title = "Batchtab"
root_doc = "README"
extensions = ["myst_parser"]
include_patterns = [
    *("*.md", "docs/**.md", "modules/**.md", "examples/*/README.md", "benchmarks/README.md"),
    "src/batchtab/local_aws/README.md",
]
exclude_patterns = [".*", "cdktf.out", "dist", "node_modules", "tests", "**/.terraform"]
myst_heading_anchors = 6  # with GitHub's names, which pages use
nitpicky = True
smartquotes = False  # options begin with two hyphens
suppress_warnings = ["misc.highlighting_failure"]  # cron(0 1 * * ? *) is no alias of YAML
highlight_language = "none"  # of a block that names none
pygments_style = "friendly"
pygments_dark_style = "monokai"

html_theme = "furo"
html_static_path = ["static", str(ROOT / ".batchtab" / "site-scripts")]
html_css_files = ["site.css"]
html_js_files = ["offline.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    """Adds the navigation to a page, and to a link to a folder the folder's page, which GitHub shows there."""
    folder = Path(app.env.doc2path(name)).parent

    def page(link: re.Match[str]) -> str:
        has_page = (folder / link[1] / "README.md").is_file()
        return f"]({link[1].rstrip('/')}/README.md)" if has_page else link[0]

    source[0] = re.sub(r"\]\(([^)\s#:]+)\)", page, source[0])
    groups = NAVIGATION if name == root_doc else {"": BELOW[name]} if name in BELOW else {}
    for caption, pages in groups.items():
        options = [":hidden:", ":glob:", *([f":caption: {caption}"] if caption else [])]
        source[0] += "\n".join(["", "", "```{toctree}", *options, "", *pages, "```"])


def _draw(_app: Sphinx, tree: nodes.document, _page: str) -> None:
    """Leaves a diagram to the browser; its source is what a browser without scripts shows."""
    for block in list(tree.findall(nodes.literal_block)):
        if block.get("language") == "mermaid":
            source = html.escape(block.astext())
            block.replace_self(nodes.raw("", f'<pre class="mermaid">{source}</pre>', format="html"))


def _load(app: Sphinx, _page: str, _template: str, _context: dict[str, Any], tree: nodes.document | None) -> None:
    """Loads the script of diagrams on the pages that have one."""
    if tree and any('class="mermaid"' in raw.astext() for raw in tree.findall(nodes.raw)):
        app.add_js_file(SCRIPT)
        app.add_js_file("diagrams.js")


def _finish(app: Sphinx, error: Exception | None) -> None:
    """Makes the first page the one that a server shows for the folder."""
    if error is None:
        shutil.copy(Path(app.outdir, f"{root_doc}.html"), Path(app.outdir, "index.html"))


def setup(app: Sphinx) -> None:
    """Connects the functions above."""
    app.connect("source-read", _read)
    app.connect("doctree-resolved", _draw)
    app.connect("html-page-context", _load)
    app.connect("build-finished", _finish)
