"""Bodies of `/emails` (contract §3 and §9).

The order of the fields is the order in which faults are reported: to, html/text, subject, from.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field, RootModel, ValidationInfo, field_validator

from mailit.contracts.api.attachments import Attachment, check_total
from mailit.contracts.api.base import Answer, Request, is_none
from mailit.domain.addresses import MAX_ADDRESS, parse_mailbox
from mailit.domain.errors import invalid
from mailit.domain.tags import is_tag_text
from mailit.mime.headers import check_custom_header
from mailit.mime.idn import to_a_label

MAX_RECIPIENTS = 50
MAX_BATCH = 100

_FORMAT = (
    "Invalid `{field}` field. The email address needs to follow the `email@example.com` or"
    " `Name <email@example.com>` format."
)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def check_address(text: str, field: str) -> str:
    """The address as given, stripped; ValueError in the words of the live API."""
    try:
        mailbox = parse_mailbox(text)
        # What goes over the wire has to fit, too (RFC 5321 §4.5.3.1.3).
        if len(f"{mailbox.local}@{to_a_label(mailbox.domain)}".encode()) > MAX_ADDRESS:
            raise ValueError("the address is too long")
    except ValueError:
        raise ValueError(_FORMAT.format(field=field)) from None
    return text.strip()


def _check_addresses(value: list[str], info: ValidationInfo) -> list[str]:
    field = info.field_name or "to"
    if len(value) > MAX_RECIPIENTS:
        raise ValueError(f"Invalid `{field}` field. The maximum number of addresses is {MAX_RECIPIENTS}.")
    return [check_address(item, field) for item in value]


def _check_subject(value: str) -> str:
    if any(mark in value for mark in "\r\n\0"):
        raise ValueError("Invalid `subject` field. Line breaks are not allowed.")
    return value


Addresses = Annotated[list[str], BeforeValidator(_as_list)]


class Tag(Request):
    """A label that comes back in events."""

    name: str
    value: str

    @field_validator("name", "value")
    @classmethod
    def _check(cls, value: str, info: ValidationInfo) -> str:
        if not is_tag_text(value):
            raise ValueError(
                f"Invalid `tags` field. A tag's {info.field_name} must have 1 to 256 characters and may only contain"
                " ASCII letters, numbers, underscores, or dashes."
            )
        return value


class TemplateChoice(Request):
    """Which template, and its variables."""

    id: str
    variables: dict[str, str | int | float] = Field(default_factory=dict)


class SendEmail(Request):
    """`POST /emails`, and one item of `POST /emails/batch`."""

    to: Addresses
    cc: Addresses = Field(default_factory=list)
    bcc: Addresses = Field(default_factory=list)
    template: TemplateChoice | None = None
    html: str | None = None
    text: str | None = Field(default=None, validate_default=True)
    subject: Annotated[str, Field(max_length=10_000)]
    from_: str = Field(alias="from")
    reply_to: Addresses = Field(
        default_factory=list, validation_alias=AliasChoices(AliasPath("reply_to"), AliasPath("replyTo"))
    )
    headers: dict[str, str] = Field(default_factory=dict)
    tags: list[Tag] = Field(default_factory=list)
    scheduled_at: str | None = None
    topic_id: str | None = None
    attachments: list[Attachment] = Field(default_factory=list)

    @field_validator("cc", "bcc", "reply_to", "headers", "tags", "attachments", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None:
            return {} if info.field_name == "headers" else []
        return value

    @field_validator("to", "cc", "bcc", "reply_to")
    @classmethod
    def _addresses(cls, value: list[str], info: ValidationInfo) -> list[str]:
        if info.field_name == "to" and not value:
            raise ValueError("Missing `to` field.")
        return _check_addresses(value, info)

    @field_validator("template")
    @classmethod
    def _no_templates_yet(cls, value: TemplateChoice | None) -> TemplateChoice | None:
        if value is not None:
            raise invalid("Sending by `template` is not available on this server yet.")
        return value

    @field_validator("text")
    @classmethod
    def _some_body(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value and not info.data.get("html"):
            raise ValueError("Missing `html` or `text` field.")
        return value

    @field_validator("html", "text")
    @classmethod
    def _no_nul(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and "\0" in value:
            raise ValueError(f"Invalid `{info.field_name}` field. NUL characters are not allowed.")
        return value

    @field_validator("subject")
    @classmethod
    def _subject(cls, value: str) -> str:
        return _check_subject(value)

    @field_validator("from_")
    @classmethod
    def _from(cls, value: str) -> str:
        return check_address(value, "from")

    @field_validator("headers")
    @classmethod
    def _headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, content in value.items():
            check_custom_header(name, content)
        if len({name.lower() for name in value}) < len(value):
            raise ValueError("Invalid `headers` field. A header is given twice.")
        return value

    @field_validator("topic_id")
    @classmethod
    def _no_topics_yet(cls, value: str | None) -> str | None:
        if value is not None:
            raise invalid("Topics are not available on this server yet.")
        return value

    @field_validator("attachments")
    @classmethod
    def _attachments(cls, value: list[Attachment]) -> list[Attachment]:
        check_total(value)
        return value


class SentEmail(Answer):
    """`{"id"}`."""

    id: str


class SendBatch(RootModel[list[Any]]):
    """`POST /emails/batch`: the items, each judged by itself as a `SendEmail`."""


class BatchFault(Answer):
    """Why item `index` was not accepted (permissive validation only)."""

    index: int
    message: str


class SentBatch(Answer):
    """Ids in the order of the items that were accepted. `errors` only with `x-batch-validation: permissive`."""

    data: list[SentEmail]
    errors: list[BatchFault] | None = Field(default=None, exclude_if=is_none)


class UpdateEmail(Request):
    """`PATCH /emails/{email_id}`: only the time of a scheduled email can change."""

    scheduled_at: str


LastEvent = Literal[
    "queued",
    "scheduled",
    "sent",
    "delivered",
    "delivery_delayed",
    "bounced",
    "complained",
    "opened",
    "clicked",
    "failed",
    "canceled",
    "suppressed",
]


class TagAnswer(Answer):
    """A tag."""

    name: str
    value: str


class ListedEmail(Answer):
    """An email in the list; `cc`, `bcc` and `reply_to` are null when empty."""

    id: str
    message_id: str
    to: list[str]
    from_: str = Field(alias="from")
    created_at: str
    subject: str
    bcc: list[str] | None
    cc: list[str] | None
    reply_to: list[str] | None
    last_event: LastEvent
    scheduled_at: str | None


class EmailAnswer(Answer):
    """A single email."""

    object: str = "email"
    id: str
    message_id: str
    to: list[str]
    from_: str = Field(alias="from")
    created_at: str
    subject: str
    html: str | None
    text: str | None
    bcc: list[str]
    cc: list[str]
    reply_to: list[str]
    last_event: LastEvent
    scheduled_at: str | None
    topic_id: str | None
    tags: list[TagAnswer]
