"""Attachments in a request: `content` (base64, bytes as a list, or Node's old Buffer form) or `path` (a URL)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from pydantic import AliasChoices, AliasPath, Field, ValidationInfo, field_validator, model_validator

from mailit.contracts.api.base import Request
from mailit.domain.attachments import MAX_TOTAL_BASE64, base64_size, is_blocked
from mailit.domain.errors import ApiError


def _fault(message: str) -> ApiError:
    return ApiError(422, "invalid_attachment", message)


def _bytes_of(value: Any) -> bytes:
    """The bytes of `content` in any of its forms."""
    if isinstance(value, dict) and value.get("type") == "Buffer":
        value = value.get("data")
    try:
        if isinstance(value, str):
            return base64.b64decode("".join(value.split()), validate=True)
        if isinstance(value, list):
            return bytes(value)
    except (binascii.Error, ValueError, TypeError):
        pass
    raise _fault("Attachment `content` must be base64 or a list of bytes.")


class Attachment(Request):
    """One file. A `content_id` makes it inline (`cid:…`)."""

    filename: str | None = Field(default=None, max_length=255)
    content: bytes | None = None
    path: str | None = Field(default=None, max_length=2048)
    content_type: str | None = Field(
        default=None, max_length=255, validation_alias=AliasChoices(AliasPath("content_type"), AliasPath("contentType"))
    )
    content_id: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            AliasPath("content_id"),
            AliasPath("inline_content_id"),
            AliasPath("contentId"),
            AliasPath("inlineContentId"),
        ),
    )

    @field_validator("content", mode="before")
    @classmethod
    def _content(cls, value: Any) -> bytes | None:
        return None if value is None else _bytes_of(value)

    @field_validator("filename", "content_type", "content_id", "path")
    @classmethod
    def _one_line(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and any(ord(mark) < 32 or mark == "\x7f" for mark in value):
            raise _fault(f"Attachment `{info.field_name}` must not contain control characters.")
        return value

    @field_validator("filename")
    @classmethod
    def _allowed_type(cls, value: str | None) -> str | None:
        if value is not None and is_blocked(value):
            raise _fault(f"Attachments of this type are not supported: `{value}`.")
        return value

    @field_validator("content_id")
    @classmethod
    def _content_id(cls, value: str | None) -> str | None:
        if value is None or value == "":
            return None
        if len(value) >= 128 or not value.isascii() or any(mark in value for mark in ' <>"()\\'):
            raise _fault(
                "Attachment `content_id` must be shorter than 128 ASCII characters without spaces or brackets."
            )
        return value

    @model_validator(mode="after")
    def _something(self) -> Attachment:
        if self.content is None and not self.path:
            raise _fault("Attachment must have either a `content` or `path`.")
        return self


def check_total(attachments: Sequence[Attachment]) -> None:
    """All of them together are at most 40 MB in base64."""
    if sum(base64_size(len(item.content or b"")) for item in attachments) > MAX_TOTAL_BASE64:
        raise _fault("Attachments must not exceed 40MB in total after Base64 encoding.")
