"""Bodies of `/api-keys` (contract §9)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mailit.contracts.api.base import Answer, Request

Name = Annotated[str, Field(max_length=50)]


class CreateApiKey(Request):
    """`POST /api-keys`. `domain_id` binds a sending key to one domain."""

    name: Name
    permission: Literal["full_access", "sending_access"] = "full_access"
    domain_id: str | None = None


class CreatedApiKey(Answer):
    """`token` is shown here and never again."""

    object: str = "api_key"
    id: str
    token: str


class UpdateApiKey(Request):
    """`PATCH /api-keys/{api_key_id}`."""

    name: Name


class ListedApiKey(Answer):
    """A key in the list."""

    id: str
    name: str
    created_at: str
    last_used_at: str | None
