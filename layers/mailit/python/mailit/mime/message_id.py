"""Message-ID (RFC 5322 §3.6.4): unique by the email's id, aligned with the sending domain, the same on every retry."""

from __future__ import annotations

import re

_OWN = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,200}@[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]{1,200}>")


def message_id(email_id: str, domain: str) -> str:
    """`<email id@domain>`."""
    return f"<{email_id}@{domain}>"


def is_message_id(text: str) -> bool:
    """True for a msg-id that a user may choose."""
    return _OWN.fullmatch(text) is not None
