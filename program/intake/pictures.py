"""What an image may hold: its pixels."""

from __future__ import annotations

import io
import struct
import warnings
from typing import Any, BinaryIO, Final

from PIL import Image, ImageOps

from program.intake.refusals import Refused, broken

MAX_PIXELS: Final = 30_000_000


def check_image(stream: BinaryIO, kind: str) -> bytes:
    """The picture encoded anew: its pixels are kept, no text, place, camera or hidden part of the file."""
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream, formats=[kind.upper()]) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise too_many_pixels()
                picture.load()
                return encoded(picture, kind)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_many_pixels() from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise broken(kind) from error


def encoded(picture: Image.Image, kind: str) -> bytes:
    upright = ImageOps.exif_transpose(picture)
    if kind == "jpeg":
        plain = upright.convert("L" if upright.mode == "L" else "RGB")
        options: dict[str, Any] = {"quality": 92, "optimize": True}
    else:
        plain = upright.convert({"1": "1", "L": "L", "RGB": "RGB", "I;16": "I;16"}.get(upright.mode, "RGBA"))
        options = {"optimize": False}
    plain.info.clear()
    output = io.BytesIO()
    plain.save(output, kind.upper(), **options)
    return output.getvalue()


def too_many_pixels() -> Refused:
    return Refused(
        "too-many-pixels",
        f"The picture has more than {MAX_PIXELS // 1_000_000} million pixels.",
        "Make it smaller and upload it again.",
    )
