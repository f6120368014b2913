"""What all bodies of the API share.

Requests ignore unknown fields (SDKs send path ids in bodies) and do not convert types. Answers are frozen. Models are
built when they are first used: a function imports many more than it needs, and its cold start is waited for.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


def is_none(value: object) -> bool:
    """For fields that are left out when there is nothing to say."""
    return value is None


class Request(BaseModel):
    """Base of request bodies."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class Answer(BaseModel):
    """Base of answers. Fields whose wire name is a Python word have an alias."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class ListAnswer(Answer, Generic[Item]):
    """`{"object": "list", "has_more", "data"}`, newest first."""

    object: str = "list"
    has_more: bool
    data: list[Item]


class ListQuery(BaseModel):
    """`limit` 1–100; `after` and `before` are exclusive cursors (ids), not both."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    limit: Annotated[int | None, Field(ge=1, le=100)] = None
    after: str | None = None
    before: str | None = None


class Named(Answer):
    """`{"object", "id"}`: what most changes answer."""

    object: str
    id: str


class Deleted(Answer):
    """`{"object", "id", "deleted": true}`."""

    object: str
    id: str
    deleted: bool = True
