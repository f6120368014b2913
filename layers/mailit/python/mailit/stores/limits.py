"""Rate counters and idempotency records.

A counter is one row per team and class, `rate#<class>`, holding the second it counts and the count.
An idempotency record is `idem#<operation>#<sha256 of the key>`; see `usecases/idempotency.py` for its life.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailit.domain.errors import ConditionFailed, Unavailable
from mailit.domain.times import SECOND, Micros
from mailit.ports.table import Absent, Condition, Delete, Equals, Key, Less, Put, Query, Row, Table, Update
from mailit.stores.rows import integer, optional_text, text
from mailit.stores.tables import EXPIRING, LIMITS


@dataclass(frozen=True, slots=True)
class Record:
    """An idempotency record. `seed` is the id that the request's first email has; `answer` is set when it is done."""

    seed: str
    body_hash: str
    lease_until: Micros
    expires: int  # seconds since the epoch
    answer: str | None


class Limits:
    """Both kinds of rows."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count(self, team: str, rate: str, second: int) -> int:
        """Count one request in this second and return how many there were with it. Where it is unclear whether it
        was counted it is counted again: one too many harms less than a request that is turned away."""
        try:
            return self._count(team, rate, second)
        except Unavailable:
            return self._count(team, rate, second)

    def _count(self, team: str, rate: str, second: int) -> int:
        key = Key(LIMITS, team, f"rate#{rate}")
        for _ in range(4):
            for attempt in (
                self._change(key, second, Equals("second", second), fresh=False),
                self._change(key, second, Less("second", second), fresh=True),
                self._change(key, second, Absent("second"), fresh=True),
            ):
                counted = self._try(attempt)
                if counted is not None:
                    return counted
            # Another machine's clock is ahead: count in its second.
            row = self._table.get(key)
            second = integer(row, "second") if row else second
        raise Unavailable("the rate counter is contended")

    @staticmethod
    def _change(key: Key, second: int, when: Condition, *, fresh: bool) -> Update:
        if fresh:
            return Update(key, set={"second": second, "count": 1}, when=(when,), durable=False)
        return Update(key, add={"count": 1}, when=(when,), durable=False)

    def _try(self, update: Update) -> int | None:
        try:
            return integer(self._table.update(update), "count")
        except ConditionFailed:
            return None

    @staticmethod
    def record_key(team: str, operation: str, digest: str) -> Key:
        """Where a record lives."""
        return Key(LIMITS, team, f"idem#{operation}#{digest}")

    def record(self, key: Key) -> Record | None:
        """The record, None when there is none."""
        row = self._table.get(key)
        return _record(row) if row else None

    def open_record(self, key: Key, record: Record) -> bool:
        """Write a new record; False when there is one already."""
        try:
            self._table.put(Put(key, _fields(record), only_if_absent=True))
        except ConditionFailed:
            return False
        return True

    def replace_record(self, key: Key, old: Record, new: Record) -> bool:
        """Write `new` in place of `old`; False when somebody else changed it meanwhile."""
        when = (Equals("seed", old.seed), Equals("lease_until", old.lease_until))
        try:
            self._table.update(Update(key, set=_fields(new), when=when))
        except ConditionFailed:
            return False
        return True

    @staticmethod
    def close_record(key: Key, record: Record, answer: str) -> Update:
        """The write that stores the answer, on condition that the claim is still ours."""
        when = (Equals("seed", record.seed), Equals("lease_until", record.lease_until), Equals("answer", None))
        return Update(key, set={"answer": answer}, when=when)

    def drop_record(self, key: Key, record: Record) -> None:
        """Forget a claim that came to nothing."""
        when = (Equals("seed", record.seed), Equals("lease_until", record.lease_until), Equals("answer", None))
        try:
            self._table.delete(Delete(key, when=when))
        except ConditionFailed:
            return  # taken over

    def remove_expired(self, now: Micros, limit: int = 500) -> int:
        """Delete up to `limit` records whose time is over; how many there were."""
        page = self._table.query(Query(LIMITS, "records", index=EXPIRING, before=f"{now // SECOND:012d}", limit=limit))
        for row in page.rows:
            self._table.delete(Delete(Key(LIMITS, text(row, "pk"), text(row, "sk"))))
        return len(page.rows)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out the request. `resumed`: an earlier try may have written some of it."""

    key: Key
    record: Record
    resumed: bool

    @property
    def seed(self) -> str:
        """The id of the first thing the request makes."""
        return self.record.seed

    def complete(self, answer: str) -> Update:
        """The write that stores the answer; belongs into the commit that does the work."""
        return Limits.close_record(self.key, self.record, answer)


def _fields(record: Record) -> Row:
    return {
        "seed": record.seed,
        "body_hash": record.body_hash,
        "lease_until": record.lease_until,
        "expires": record.expires,
        "expiry_shard": "records",
        "expiry": f"{record.expires:012d}",
        "answer": record.answer,
    }


def _record(row: Row) -> Record:
    return Record(
        text(row, "seed"),
        text(row, "body_hash"),
        integer(row, "lease_until"),
        integer(row, "expires"),
        optional_text(row, "answer"),
    )
