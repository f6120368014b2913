"""What an email says, as stored beside its row and carried in a dispatch job until the message is built."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StoredAttachment(BaseModel):
    """Exactly one of `content` (base64) and `path` (a URL to fetch) is set. `content_id` makes it inline."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    filename: str | None = None
    content_type: str | None = None
    content_id: str | None = None
    content: str | None = None
    path: str | None = None


class StoredContent(BaseModel):
    """`text` None: made from `html` when the message is built; empty: none wanted."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    html: str | None = None
    text: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[StoredAttachment, ...] = ()
