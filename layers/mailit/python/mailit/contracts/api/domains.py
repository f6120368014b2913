"""Bodies of `/domains` (contract §9)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mailit.contracts.api.base import Answer, Request, is_none

Switch = Literal["enabled", "disabled"]
Region = Literal["us-east-1", "eu-west-1", "sa-east-1", "ap-northeast-1"]
Tls = Literal["opportunistic", "enforced"]


class CapabilitiesChange(Request):
    """What to switch; what is absent stays."""

    sending: Switch | None = None
    receiving: Switch | None = None


class Capabilities(Answer):
    """Both switches."""

    sending: Switch
    receiving: Switch


class CreateDomain(Request):
    """`POST /domains`. `custom_return_path` is the label of the return-path subdomain."""

    name: str
    region: Region = "us-east-1"
    custom_return_path: str = "send"
    open_tracking: bool = False
    click_tracking: bool = False
    tls: Tls = "opportunistic"
    capabilities: CapabilitiesChange | None = None
    tracking_subdomain: str | None = None


class UpdateDomain(Request):
    """`PATCH /domains/{domain_id}`; what is absent stays."""

    open_tracking: bool | None = None
    click_tracking: bool | None = None
    tls: Tls | None = None
    capabilities: CapabilitiesChange | None = None
    tracking_subdomain: str | None = None


class Record(Answer):
    """One DNS record to publish. `name` is relative to the domain (`@`-free; empty only for the domain itself)."""

    record: str
    name: str
    type: str
    ttl: str = "Auto"
    status: str
    value: str
    priority: int | None = Field(default=None, exclude_if=is_none)


class ListedDomain(Answer):
    """A domain in the list."""

    id: str
    name: str
    status: str
    created_at: str
    region: str
    open_tracking: bool
    click_tracking: bool
    capabilities: Capabilities


class DomainAnswer(ListedDomain):
    """A domain with its records."""

    object: str = "domain"
    tls: Tls
    custom_return_path: str
    tracking_subdomain: str | None
    records: list[Record]
