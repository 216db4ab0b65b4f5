"""Passwords in addresses of databases and servers: an address is kept in a study's folder and shown, so it must hold none."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

KEYS = ("password", "passwd", "pwd")
"""By which drivers of databases read one from what stands behind the `?`."""


def holds_password(url: str) -> bool:
    """Whether one stands before the host, or among the options. Raises ValueError where `url` is no address."""
    parts = urlsplit(url)
    return parts.password is not None or any(key.lower() in KEYS for key, _ in parse_qsl(parts.query))


def without_password(url: str) -> str:
    """What may be shown."""
    url = re.sub(r"(//[^/@]*?):[^/]*@", r"\1:***@", url)
    return re.sub(rf"([?&](?:{'|'.join(KEYS)})=)[^&]*", r"\1***", url, flags=re.IGNORECASE)
