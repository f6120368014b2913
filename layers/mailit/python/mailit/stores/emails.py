"""An email's own row, its content and its events; its recipients are in `stores/deliveries.py`.

Partition `team#email`, rows `email`, `content`, `rcpt#<number>`, `event#<time>#<recipient>#<type>`.
Index `by_team` lists a team's emails by id; the sparse index `due` holds what waits for a time: `scheduled` emails by
the time they are to go, `queued` ones by the time at which their dispatch job is looked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailit.contracts.content import StoredContent
from mailit.domain.emails import Event, Phase
from mailit.domain.lanes import Lane
from mailit.domain.times import Micros
from mailit.ports.blobs import Blobs
from mailit.ports.table import Condition, Equals, Key, Less, Page, Put, Query, Row, Table, Update, Value
from mailit.stores.listing import Listed, Window, newest_first
from mailit.stores.rows import integer, optional_integer, optional_text, text, texts
from mailit.stores.tables import BY_TEAM, DUE, EMAILS

_PACK_FACTOR = 8  # content of more than that many times the room is not worth a try


@dataclass(frozen=True, slots=True)
class Email:
    """An email as accepted. `content` is the content's JSON where it is small, else it lies in a blob."""

    id: str
    team: str
    created_at: Micros
    from_: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]
    subject: str
    message_id: str
    domain_id: str
    lane: Lane
    tags: tuple[tuple[str, str], ...]
    recipients: int
    remote: bool  # it has attachments to be fetched
    phase: Phase
    last_event: Event
    last_event_at: Micros
    scheduled_at: Micros | None
    due: Micros | None
    releases: int = 0


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of an email. `recipient` None: of the email as a whole. `detail`: SMTP reply, host, and the like."""

    email_id: str
    type: Event
    at: Micros
    recipient: int | None = None
    detail: Mapping[str, Value] | None = None


def email_key(team: str, email_id: str) -> Key:
    """Where an email's own row lives."""
    return Key(EMAILS, f"{team}#{email_id}", "email")


def content_key(team: str, email_id: str) -> Key:
    """Where an email's content lives."""
    return Key(EMAILS, f"{team}#{email_id}", "content")


def _shard(email_id: str, shards: int) -> int:
    return int(email_id[-2:], 16) % shards


class Emails:
    """Emails of all teams; every method takes the team first, but `due`, which is the timer's."""

    def __init__(self, table: Table, blobs: Blobs, inline_bytes: int, shards: int = 1) -> None:
        self._table = table
        self._blobs = blobs
        self._inline_bytes = inline_bytes
        self._shards = shards

    def new(self, team: str, email: Email, content: str) -> list[Put]:
        """The writes that make an email, without its recipients; its own row is the last of all: an email that is there
        is whole. Puts a large content into its blob at once."""
        fields = self._content_fields(team, email.id, content)
        return [
            Put(content_key(team, email.id), fields),
            Put(email_key(team, email.id), self._fields(team, email), last=True),
        ]

    def _content_fields(self, team: str, email_id: str, content: str) -> Row:
        """As text where it is small, else packed where that makes it small, else in a blob: a row of 4 KB costs less
        than a request to S3, and mail packs well."""
        raw = content.encode()
        if len(raw) <= self._inline_bytes:
            return {"content": content}
        packed = zlib.compress(raw, 1) if len(raw) <= _PACK_FACTOR * self._inline_bytes else raw
        if len(packed) <= self._inline_bytes:
            return {"content_packed": packed}
        blob = f"{team}/content/{email_id}"
        self._blobs.put(blob, raw)
        return {"content_blob": blob}

    def _fields(self, team: str, email: Email) -> Row:
        fields: dict[str, Value] = {
            "id": email.id,
            "team": team,
            "team_shard": f"{team}#{_shard(email.id, self._shards)}",
            "created_at": email.created_at,
            "from": email.from_,
            "to": list(email.to),
            "cc": list(email.cc),
            "bcc": list(email.bcc),
            "reply_to": list(email.reply_to),
            "subject": email.subject,
            "message_id": email.message_id,
            "domain_id": email.domain_id,
            "lane": email.lane.value,
            "tags": [list(tag) for tag in email.tags],
            "recipients": email.recipients,
            "remote": email.remote,
            "phase": email.phase.value,
            "last_event": email.last_event.value,
            "last_event_at": email.last_event_at,
            "scheduled_at": email.scheduled_at,
            "releases": email.releases,
        }
        if email.due is not None:
            fields.update(due_fields(email.phase, email.due))
        return fields

    def get(self, team: str, email_id: str) -> Email | None:
        """The email, None when the team has none with this id."""
        row = self._table.get(email_key(team, email_id))
        return read_email(row) if row else None

    def get_many(self, team_and_ids: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Email]:
        """Those of these (team, id) that exist."""
        keys = {email_key(*pair): pair for pair in team_and_ids}
        return {keys[key]: read_email(row) for key, row in self._table.get_many(list(keys)).items()}

    def content(self, team: str, email_id: str) -> str | None:
        """The content's JSON."""
        row = self._table.get(content_key(team, email_id))
        if row is None:
            return None
        packed, blob = row.get("content_packed"), optional_text(row, "content_blob")
        if isinstance(packed, bytes):
            return zlib.decompress(packed).decode()
        return self._blobs.get(blob).decode() if blob else text(row, "content")

    def read_content(self, team: str, email_id: str) -> StoredContent | None:
        """The content as a value."""
        stored = self.content(team, email_id)
        return StoredContent.model_validate_json(stored) if stored is not None else None

    def page(self, team: str, window: Window) -> Listed[Email]:
        """Newest first, merged over the shards of the team's index."""
        lists = [
            newest_first(self._fetch, Query(EMAILS, f"{team}#{shard}", index=BY_TEAM), window)
            for shard in range(self._shards)
        ]
        if len(lists) == 1:
            return lists[0]
        limit = window.limit if window.limit is not None else sum(len(part.items) for part in lists)
        merged = sorted((item for part in lists for item in part.items), key=lambda item: item.id, reverse=True)
        # `before` asks for the items just above the cursor: the oldest of the merged ones.
        items = merged[-limit:] if window.before is not None else merged[:limit]
        return Listed(items, len(merged) > limit or any(part.has_more for part in lists))

    def _fetch(self, query: Query) -> list[Email]:
        return [read_email(row) for row in self._table.query(query).rows]

    @staticmethod
    def change(team: str, email_id: str, fields: Row, when: Sequence[Condition], *, due_over: bool = False) -> Update:
        """The write that changes fields of an email; `due_over`: it waits for no time any more."""
        return Update(email_key(team, email_id), set=fields, remove=("due", "due_shard") if due_over else (), when=when)

    @staticmethod
    def mark(team: str, email_id: str, event: Event, at: Micros) -> Update:
        """The write that makes `event` the last one, on condition that it is newer than the last one known."""
        return Update(
            email_key(team, email_id),
            set={"last_event": event.value, "last_event_at": at},
            when=(Less("last_event_at", at),),
        )

    @staticmethod
    def record(team: str, happening: Happening) -> Put:
        """The write that records an event; the same event twice is one row."""
        number = "all" if happening.recipient is None else f"{happening.recipient:03d}"
        sort = f"event#{happening.at:017d}#{number}#{happening.type}"
        fields: dict[str, Value] = {"type": happening.type.value, "at": happening.at, "recipient": happening.recipient}
        if happening.detail:
            fields["detail"] = dict(happening.detail)
        return Put(Key(EMAILS, f"{team}#{happening.email_id}", sort), fields)

    def happenings(self, team: str, email_id: str) -> list[Happening]:
        """An email's events in the order of their times."""
        rows = self._table.query(Query(EMAILS, f"{team}#{email_id}", prefix="event#", limit=1000)).rows
        return [_happening(email_id, row) for row in rows]

    def due(self, phase: Phase, until: Micros, cursor: str | None = None) -> tuple[list[Email], str | None]:
        """Emails of all teams in `phase` whose time is before `until`, in order of their times, and the next cursor."""
        page: Page = self._table.query(
            Query(EMAILS, phase.value, index=DUE, before=f"{until:017d}", limit=100, cursor=cursor)
        )
        return [read_email(row) for row in page.rows], page.cursor

    @staticmethod
    def postpone(email: Email, due: Micros) -> Update:
        """The write that moves an email's due time, on condition that nobody else did."""
        assert email.due is not None
        return Update(
            email_key(email.team, email.id),
            set={"due": f"{due:017d}"},
            add={"releases": 1},
            when=(Equals("due", f"{email.due:017d}"), Equals("phase", email.phase.value)),
        )


def due_fields(phase: Phase, due: Micros) -> Row:
    """The fields that put an email into the index `due`."""
    return {"due": f"{due:017d}", "due_shard": phase.value}


def read_email(row: Row) -> Email:
    """A row as a value."""
    due = optional_text(row, "due")
    return Email(
        id=text(row, "id"),
        team=text(row, "team"),
        created_at=integer(row, "created_at"),
        from_=text(row, "from"),
        to=texts(row, "to"),
        cc=texts(row, "cc"),
        bcc=texts(row, "bcc"),
        reply_to=texts(row, "reply_to"),
        subject=text(row, "subject"),
        message_id=text(row, "message_id"),
        domain_id=text(row, "domain_id"),
        lane=Lane(text(row, "lane")),
        tags=_tags(row),
        recipients=integer(row, "recipients"),
        remote=bool(row["remote"]),
        phase=Phase(text(row, "phase")),
        last_event=Event(text(row, "last_event")),
        last_event_at=integer(row, "last_event_at"),
        scheduled_at=optional_integer(row, "scheduled_at"),
        due=int(due) if due else None,
        releases=integer(row, "releases"),
    )


def _tags(row: Row) -> tuple[tuple[str, str], ...]:
    value = row["tags"]
    assert isinstance(value, (list, tuple))
    return tuple((str(tag[0]), str(tag[1])) for tag in value if isinstance(tag, (list, tuple)))


def _happening(email_id: str, row: Row) -> Happening:
    detail = row.get("detail")
    return Happening(
        email_id,
        Event(text(row, "type")),
        integer(row, "at"),
        optional_integer(row, "recipient"),
        detail if isinstance(detail, Mapping) else None,
    )
