"""Makes a photograph of a page small: a PNG with a palette of its 64 most frequent colours.

A page has few colours; the others are of the edges of letters, and take the nearest one.
https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

from tests.browser import Page

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The browser reads the file and counts, since Python has no decoder of its own and would take seconds.
_INDEXED = """(async content => {
    const bytes = Uint8Array.from(atob(content), each => each.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const {width, height} = image;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context.drawImage(image, 0, 0);
    const colors = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    const counts = new Map();
    for (const color of colors) counts.set(color, (counts.get(color) ?? 0) + 1);
    const all = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
    const parts = color => [color & 255, color >> 8 & 255, color >> 16 & 255];
    const palette = all.slice(0, 64).map(parts);
    const far = (one, other) => one.reduce((sum, part, index) => sum + (part - other[index]) ** 2, 0);
    const places = new Map(all.map((color, place) => {
        if (place < 64) return [color, place];
        const distances = palette.map(each => far(parts(color), each));
        return [color, distances.indexOf(Math.min(...distances))];
    }));
    let pixels = '';
    for (const color of colors) pixels += String.fromCharCode(places.get(color));
    return {width, height, palette: palette.flat(), pixels: btoa(pixels)};
})"""


def shrink(page: Page, path: Path) -> None:
    """Writes the file again with a palette; the tab has an empty page then."""
    page.open("about:blank")
    content = base64.b64encode(path.read_bytes()).decode()
    found = page.run(f"{_INDEXED}('{content}')")
    width, pixels = found["width"], base64.b64decode(found["pixels"])
    # Each row begins with its filter: none.
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, found["height"], 8, 3, 0, 0, 0)  # 8 bits a pixel, with a palette
    chunks = ((b"IHDR", header), (b"PLTE", bytes(found["palette"])), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    path.write_bytes(_SIGNATURE + b"".join(_chunk(*each) for each in chunks))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
