"""Tags: name and value, ASCII letters, digits, `_` and `-`, 1 to 256 characters each (contract §3)."""

from __future__ import annotations

import re

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


def is_tag_text(text: str) -> bool:
    """True for what may be a tag's name or value."""
    return _TAG.fullmatch(text) is not None
