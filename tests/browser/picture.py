"""Pictures of the browser's window: how far two are apart, and how to make one small."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

_COLOURS: Final = 256

_PIXELS: Final = """
async ([url, shrink]) => {
  const image = await createImageBitmap(await (await fetch(url)).blob());
  const [width, height] = [image.width, image.height].map((size) => Math.round(size / shrink));
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.imageSmoothingQuality = "high";
  canvas.drawImage(image, 0, 0, width, height);
  const { data } = canvas.getImageData(0, 0, width, height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768)
    text += String.fromCharCode(...data.subarray(at, at + 32768));
  return [width, height, btoa(text)];
}
"""


class Difference(NamedTuple):
    """How two pictures differ, in steps of 255: on average, and where they differ most."""

    mean: float
    most: float


def pixels(page: Page, png: bytes, shrink: int = 1) -> NDArray[np.uint8]:
    """The colours of a picture, each of `shrink` x `shrink` dots: (height, width, 4)."""
    url = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    width, height, data = page.evaluate(_PIXELS, [url, shrink])
    return np.frombuffer(base64.b64decode(data), dtype=np.uint8).reshape(height, width, 4)


def difference(page: Page, one: bytes, other: bytes) -> Difference:
    """How far two pictures of one size are apart where letters are too small to be seen."""
    first, second = (pixels(page, png, 16)[..., :3].astype(float) for png in (one, other))
    apart = np.abs(first - second).mean(axis=2)
    return Difference(apart.mean(), float(np.percentile(apart, 99)))


def size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG, in dots."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def small(page: Page, png: bytes) -> bytes:
    """The picture in its 256 most frequent colours; what has another one gets the nearest."""
    dots = pixels(page, png)
    height, width = dots.shape[:2]
    found, which, times = np.unique(
        dots.view(np.uint32).ravel(), return_inverse=True, return_counts=True
    )
    colours = found.view(np.uint8).reshape(-1, 4)[:, :3].astype(np.int32)
    palette = colours[np.argsort(-times, kind="stable")[:_COLOURS]]
    nearest = np.array([np.abs(palette - one).sum(axis=1).argmin() for one in colours])
    lines = np.zeros((height, width + 1), dtype=np.uint8)  # the first of each says: no filter
    lines[:, 1:] = nearest[which].reshape(height, width)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def keep(page: Page, png: bytes, path: Path) -> Path:
    """Write the picture, made small."""
    path.write_bytes(small(page, png))
    return path
