"""Message bodies as SQS can carry them: text that XML 1.0 can hold, not empty. Others travel as base64 behind a mark."""

from __future__ import annotations

import base64
import binascii
import re

_MARK = "base64:"
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def wrap(body: str) -> str:
    """The body as sent."""
    if body and not body.startswith(_MARK) and not _NOT_XML.search(body):
        return body
    return _MARK + base64.b64encode(body.encode()).decode()


def unwrap(sent: str) -> str:
    """The body as it was put; what somebody else sent stays as it is."""
    if not sent.startswith(_MARK):
        return sent
    try:
        return base64.b64decode(sent.removeprefix(_MARK), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return sent
