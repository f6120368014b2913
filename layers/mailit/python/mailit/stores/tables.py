"""The tables and their indexes (`docs/data.md` shows the rows)."""

from __future__ import annotations

from mailit.ports.table import Index, TableSpec

ACCOUNTS = "accounts"
API_KEYS = "api_keys"
DOMAINS = "domains"
EMAILS = "emails"
SUPPRESSIONS = "suppressions"
LIMITS = "limits"
SANDBOX = "sandbox"

BY_TEAM = "by_team"
DUE = "due"
EXPIRING = "expiring"

TABLES: tuple[TableSpec, ...] = (
    TableSpec(ACCOUNTS),
    TableSpec(API_KEYS),
    TableSpec(DOMAINS, (Index(DUE, "due_shard", "due"),)),
    TableSpec(EMAILS, (Index(BY_TEAM, "team_shard", "id"), Index(DUE, "due_shard", "due"))),
    TableSpec(SUPPRESSIONS),
    TableSpec(LIMITS, (Index(EXPIRING, "expiry_shard", "expiry"),), expires="expires"),
    TableSpec(SANDBOX),
)
