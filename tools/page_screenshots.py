"""Photographs the pages of `batchtab web` of a running local AWS: each light, dark and narrow.

    make up
    python -m tools.page_screenshots [FOLDER] [STAGE]

It needs Chromium. The folder is `.batchtab/screenshots` by default, the stage `local`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.own_environment import ROOT
from tools.photographs import chromium, photograph, web_pages

_LOOKS = {"light": (1280, "light"), "dark": (1280, "dark"), "narrow": (390, "light"), "narrow-dark": (390, "dark")}


def main(arguments: list[str]) -> None:
    """Writes the files and prints their names."""
    folder = Path(arguments[0]) if arguments else ROOT / ".batchtab" / "screenshots"
    stage = arguments[1] if len(arguments) > 1 else "local"
    with chromium() as page:
        pages = web_pages(page, stage)
        folder.mkdir(parents=True, exist_ok=True)
        for name, url in pages.items():
            for look, (width, scheme) in _LOOKS.items():
                target = folder / f"{name}-{look}.png"
                photograph(page, url, target, width=width, scheme=scheme)
                print(target)


if __name__ == "__main__":
    main(sys.argv[1:])
