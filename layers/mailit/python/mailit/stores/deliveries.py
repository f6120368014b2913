"""One recipient of an email: its row, and the claim that keeps two edges from sending to it at once.

Key: `team#email` / `rcpt#<number>`. `open` is 1 while delivery may be tried; `lease_until` (microseconds) is the time
before which nobody else may claim: a running attempt's lease, or the pause before the next attempt. `result` is the
job that tells what settled it, kept for the edge that died before it put it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailit.domain.emails import State
from mailit.domain.errors import ConditionFailed
from mailit.domain.times import Micros
from mailit.ports.table import Equals, Key, Less, Put, Row, Table, Update, Value
from mailit.stores.rows import integer, optional_text, text
from mailit.stores.tables import EMAILS


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to try to deliver to one recipient until `lease_until`. `token` fences: only its holder settles."""

    token: str
    attempt: int  # number of this attempt, from 1
    lease_until: Micros


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome for one recipient. `result`: the job that tells it."""

    state: State
    at: Micros
    result: str

    def fields(self) -> Row:
        """As stored."""
        return {"state": self.state.value, "state_at": self.at, "open": 0, "result": self.result}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient as stored."""

    number: int
    address: str
    kind: str  # to, cc, bcc
    state: State
    state_at: Micros
    attempts: int
    open: bool
    lease_until: Micros
    result: str | None = None

    @staticmethod
    def from_row(row: Row) -> Recipient:
        """The row as a value."""
        return Recipient(
            number=int(text(row, "sk").split("#")[1]),
            address=text(row, "address"),
            kind=text(row, "kind"),
            state=State(text(row, "state")),
            state_at=integer(row, "state_at"),
            attempts=integer(row, "attempts"),
            open=bool(row["open"]),
            lease_until=integer(row, "lease_until"),
            result=optional_text(row, "result"),
        )


def recipient_key(team: str, email_id: str, number: int) -> Key:
    """Where the row of recipient `number` lives."""
    return Key(EMAILS, f"{team}#{email_id}", f"rcpt#{number:03d}")


class Deliveries:
    """Claims and outcomes of single recipients."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def new(self, team: str, email_id: str, number: int, address: str, kind: str, now: Micros) -> Put:
        """The write that makes a recipient's row."""
        fields: Mapping[str, Value] = {
            "address": address,
            "kind": kind,
            "state": State.QUEUED.value,
            "state_at": now,
            "attempts": 0,
            "open": 1,
            "lease_until": 0,
        }
        return Put(recipient_key(team, email_id, number), fields)

    def get(self, team: str, email_id: str, number: int) -> Recipient | None:
        """The recipient, None when there is none."""
        row = self._table.get(recipient_key(team, email_id, number))
        return Recipient.from_row(row) if row else None

    def of_many(self, emails: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str], list[Recipient]]:
        """All recipients of several emails, given as (team, email id, number of recipients), in order."""
        keys = {
            recipient_key(team, email_id, number): (team, email_id)
            for team, email_id, count in emails
            for number in range(count)
        }
        rows = self._table.get_many(list(keys))
        found: dict[tuple[str, str], list[Recipient]] = {}
        for key, email in keys.items():
            if key in rows:
                found.setdefault(email, []).append(Recipient.from_row(rows[key]))
        return found

    def claim(self, team: str, email_id: str, number: int, token: str, now: Micros, lease: Micros) -> Claim | None:
        """Take the recipient for one attempt, or None: it is settled, leased to another, or its pause is not over."""
        try:
            row = self._table.update(
                Update(
                    recipient_key(team, email_id, number),
                    set={"lease_until": now + lease, "lease_token": token},
                    add={"attempts": 1},
                    when=(Equals("open", 1), Less("lease_until", now)),
                    # A power cut ends every edge of this engine, so a claim that it takes away fences off nobody.
                    durable=False,
                )
            )
        except ConditionFailed:
            return None
        return Claim(token, integer(row, "attempts"), now + lease)

    def renew(self, team: str, email_id: str, number: int, claim: Claim, until: Micros) -> Claim | None:
        """Hold on to a claim until `until`, or None: it was lost, stop before anything more is sent."""
        try:
            self._table.update(
                Update(
                    recipient_key(team, email_id, number),
                    set={"lease_until": until},
                    when=(Equals("open", 1), Equals("lease_token", claim.token)),
                    durable=False,
                )
            )
        except ConditionFailed:
            return None
        return Claim(claim.token, claim.attempt, until)

    def settle(self, team: str, email_id: str, number: int, claim: Claim, settled: Settled) -> Update:
        """The write that ends an attempt for good: nobody can claim this recipient again."""
        return Update(
            recipient_key(team, email_id, number),
            set=settled.fields(),
            when=(Equals("open", 1), Equals("lease_token", claim.token)),
        )

    def settle_anyway(self, team: str, email_id: str, number: int, settled: Settled) -> Update:
        """The write that ends all attempts, whoever has the claim: for an outcome that cannot be undone."""
        return Update(
            recipient_key(team, email_id, number),
            set=settled.fields(),
            when=(Equals("open", 1),),
        )

    def pause(self, team: str, email_id: str, number: int, claim: Claim, until: Micros, now: Micros) -> Update:
        """The write that ends an attempt for now: nobody can claim this recipient before `until`."""
        return Update(
            recipient_key(team, email_id, number),
            set={"state": State.DELIVERY_DELAYED.value, "state_at": now, "lease_until": until},
            when=(Equals("open", 1), Equals("lease_token", claim.token)),
        )
