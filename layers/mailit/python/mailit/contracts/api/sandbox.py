"""Bodies of `/sandbox/messages` (development only)."""

from __future__ import annotations

from pydantic import Field

from mailit.contracts.api.base import Answer, is_none


class SandboxPart(Answer):
    """An attached or inline file; `size` in bytes after decoding."""

    filename: str | None
    content_type: str
    content_id: str | None
    size: int


class SandboxMessage(Answer):
    """A caught message: its envelope, its parsed form and, when read alone, its source."""

    object: str = "sandbox_message"
    id: str
    received_at: str
    mail_from: str
    rcpt_to: list[str]
    from_: str = Field(alias="from")
    to: str
    subject: str
    message_id: str
    headers: list[tuple[str, str]]
    text: str | None
    html: str | None
    attachments: list[SandboxPart]
    raw: str | None = Field(default=None, exclude_if=is_none)
