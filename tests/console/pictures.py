"""Pictures of few colours: letters have a thousand shades, and 256 of them do as well in a third of the room."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode, b64encode

from playwright.async_api import Page

_REDUCE = """async (png) => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 256).map(([colour]) => colour);
  const away = (one, other) =>
    [0, 8, 16].reduce((sum, bit) => sum + ((one >> bit & 255) - (other >> bit & 255)) ** 2, 0);
  const nearest = (colour) => palette.reduce(
    (best, other, at) => away(colour, other) < away(colour, palette[best]) ? at : best, 0);
  const places = new Map([...counts.keys()].map((colour) => [colour, nearest(colour)]));
  const text = (bytes) => {
    let made = "";
    for (let at = 0; at < bytes.length; at += 32768) made += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(made);
  };
  const colours = palette.flatMap((colour) => [colour & 255, colour >> 8 & 255, colour >> 16 & 255]);
  return [width, height, text(Uint8Array.from(colours)), text(Uint8Array.from(pixels, (pixel) => places.get(pixel)))];
}"""
"""The size, the 256 commonest colours, and for each pixel the nearest of them."""


async def small(page: Page, png: bytes) -> bytes:
    """The picture with 256 colours at most, reduced by a browser's page that may load what is given to it."""
    width, height, colours, places = await page.evaluate(_REDUCE, b64encode(png).decode())
    pixels = b64decode(places)
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, width * height, width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", b64decode(colours)),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
