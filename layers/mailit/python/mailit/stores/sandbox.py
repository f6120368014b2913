"""The sandbox mailbox: what would have left the machine. Development only.

One partition, `sandbox` / `<id>`; large messages lie in blobs. Each delivery is a row of its own: a duplicate shows.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from mailit.domain.ids import Ids
from mailit.domain.times import Micros
from mailit.ports.blobs import Blobs
from mailit.ports.table import Key, Put, Query, Row, Table, Value
from mailit.stores.listing import Listed, Window, newest_first
from mailit.stores.rows import integer, optional_text, text, texts
from mailit.stores.tables import SANDBOX

_INLINE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Caught:
    """A message as it arrived over SMTP."""

    id: str
    received_at: Micros
    mail_from: str
    rcpt_to: tuple[str, ...]
    raw: bytes


class Sandbox:
    """What arrived, newest first."""

    def __init__(self, table: Table, blobs: Blobs, ids: Ids) -> None:
        self._table = table
        self._blobs = blobs
        self._ids = ids

    def store(self, mail_from: str, rcpt_to: tuple[str, ...], raw: bytes, now: Micros) -> str:
        """Keep a message; durable when this returns its id."""
        message_id = self._ids.new(now)
        fields: dict[str, Value] = {
            "id": message_id,
            "received_at": now,
            "mail_from": mail_from,
            "rcpt_to": list(rcpt_to),
        }
        if len(raw) > _INLINE:
            fields["blob"] = f"sandbox/raw/{message_id}"
            self._blobs.put(f"sandbox/raw/{message_id}", raw)
        else:
            fields["raw"] = base64.b64encode(raw).decode()
        self._table.put(Put(Key(SANDBOX, "sandbox", message_id), fields))
        return message_id

    def page(self, window: Window) -> Listed[Caught]:
        """Newest first."""
        return newest_first(
            lambda query: [self._read(row) for row in self._table.query(query).rows], Query(SANDBOX, "sandbox"), window
        )

    def get(self, message_id: str) -> Caught | None:
        """One message."""
        row = self._table.get(Key(SANDBOX, "sandbox", message_id))
        return self._read(row) if row else None

    def _read(self, row: Row) -> Caught:
        blob = optional_text(row, "blob")
        raw = self._blobs.get(blob) if blob else base64.b64decode(text(row, "raw"))
        return Caught(text(row, "id"), integer(row, "received_at"), text(row, "mail_from"), texts(row, "rcpt_to"), raw)
