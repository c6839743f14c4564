"""Texts that are photos or file names, and those that are neither.

What is no file name gets an error that says what to do, and never repeats
what the text holds.
"""

import base64
import binascii
import os
import re
import urllib.parse

EXPECTED = (
    "a file name, an array, bytes, a binary file object, a PIL image or a "
    "data URL"
)
BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]+")
# How the pictures of each format begin in base64.
BEGINNINGS = (
    *("/9j/", "iVBORw0KGgo", "UklGR", "R0lGOD", "SUkqA", "TU0AK", "AAAA"),
    *("Qk0", "Qk1", "Qk2", "Qk3"),
)
# Shorter texts may be names.
SHORTEST = 64
# No system takes longer names.
LONGEST = 4096
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)


def is_data_url(text: str) -> bool:
    """Whether the text holds a picture itself, as web pages have them."""
    return text[:5].lower() == "data:"


def text_problem(text: str) -> str | None:
    """Why a text can be no file name, and what to do; None if it can."""
    if not text:
        return "An empty name is no photo. Name a file."
    if URL.match(text):
        return (
            f"A URL ({text[: text.index(':')]}://…) is no photo: nothing is "
            "downloaded here. Download it, and pass the file or its bytes."
        )
    if len(text) >= SHORTEST and looks_like_base64(text):
        return (
            f"A text of {len(text)} characters that looks like base64 is no "
            "file name. Pass `base64.b64decode(text)`, or a data URL: "
            "'data:image/jpeg;base64,' and the text."
        )
    if "\0" in text or len(text) > LONGEST:
        return (
            f"A text of {len(text)} characters is no file name. Expected "
            f"{EXPECTED}."
        )
    return None


def looks_like_base64(text: str) -> bool:
    """Whether it begins as a picture does, or is too long for a name."""
    if not BASE64.fullmatch(text[:LONGEST]):
        return False
    if max(map(len, text[:LONGEST].split("/"))) > 255:
        return True
    return text.startswith(BEGINNINGS) and not os.path.lexists(text)


def data_url_bytes(url: str) -> bytes:
    """Decodes `data:image/jpeg;base64,…`.

    Raises:
        ValueError: If it is none, or of something else than a picture.
    """
    head = DATA_URL.match(url[:LONGEST])
    if head is None:
        raise ValueError(
            "A data URL must look like 'data:image/jpeg;base64,…'. "
            f"Received: a text of {len(url)} characters without a comma "
            "after its type"
        )
    kind, words = head[1].strip().lower(), head[2].lower().split(";")
    if kind and not kind.startswith(("image/", "application/octet-stream")):
        raise ValueError(
            "A data URL must be of a picture: 'data:image/…'. "
            f"Received: type {kind[:40]}"
        )
    body = urllib.parse.unquote_to_bytes(url[head.end() :])
    if "base64" not in (word.strip() for word in words):
        return body
    body = b"".join(body.split()).translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(
            body.rstrip(b"=") + b"=" * (-len(body.rstrip(b"=")) % 4),
            validate=True,
        )
    except binascii.Error:
        raise ValueError(
            "The data URL is damaged: what follows its comma is no base64. "
            f"Received: {len(body)} characters"
        ) from None
