"""Message-ID (RFC 5322 §3.6.4): unique by the email's id, aligned with the sending domain, the same on every retry."""

from __future__ import annotations

import re

_DOT_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*"
_MSG_ID = re.compile(rf"<{_DOT_ATOM}@{_DOT_ATOM}>")
_LONGEST = 400


def message_id(email_id: str, domain: str) -> str:
    """`<email id@domain>`."""
    return f"<{email_id}@{domain}>"


def is_message_id(text: str) -> bool:
    """True for a msg-id that a user may choose."""
    return len(text) <= _LONGEST and _MSG_ID.fullmatch(text) is not None
