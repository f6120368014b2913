"""Sending domains. Rows `team` / `<domain id>`; the look-up by name `name#<domain>` / `name` keeps a name unique
over all teams and comes before the team is known to own it. Sparse index `due`: when to look at the records again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailit.domain.domains import DomainStatus, RecordStatus
from mailit.domain.errors import ConditionFailed
from mailit.domain.times import MINUTE, Micros
from mailit.ports.table import Delete, Equals, Key, Put, Query, Row, Table, Update, Value
from mailit.stores.listing import Listed, Window, newest_first
from mailit.stores.rows import integer, optional_integer, optional_text, text
from mailit.stores.tables import DOMAINS, DUE


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One signing key: its selector, the TXT record that publishes it, and the sealed private key."""

    selector: str
    algorithm: str
    record: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Domain:
    """A sending domain. `spf` and `mx` are what its records have to name, fixed when it was made."""

    id: str
    name: str
    created_at: Micros
    region: str
    status: DomainStatus
    return_path: str
    spf: str
    mx: str
    open_tracking: bool
    click_tracking: bool
    tracking_subdomain: str | None
    tls: str
    sending: bool
    receiving: bool
    keys: tuple[DkimKey, ...]
    records: Mapping[str, RecordStatus]
    started_at: Micros | None  # since when verification is waited for
    due: Micros | None = None

    @property
    def envelope_domain(self) -> str:
        """The domain of the return path."""
        return f"{self.return_path}.{self.name}"


def vault_context(team: str, domain_id: str, selector: str) -> str:
    """What a sealed DKIM key is bound to: it opens nowhere else."""
    return f"dkim/{team}/{domain_id}/{selector}"


def domain_key(team: str, domain_id: str) -> Key:
    """Where a domain lives."""
    return Key(DOMAINS, team, domain_id)


def _name_key(name: str) -> Key:
    return Key(DOMAINS, f"name#{name}", "name")


_MOST_IDS = 10_000
_ids: dict[tuple[str, str], str] = {}
"""Where this process found a team's domain by its name: a hint that spares a read. The domain's own row is read each
time and decides: a name changes hands only after that row is gone."""


class Domains:
    """The domains of all teams; every method takes the team first, but `due`, which is the timer's."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, team: str, domain: Domain) -> bool:
        """Store a new domain; False when the name is registered, by whichever team."""
        if not self._reserve(team, domain):
            return False
        self._table.put(Put(domain_key(team, domain.id), _fields(team, domain)))
        return True

    def _reserve(self, team: str, domain: Domain) -> bool:
        key = _name_key(domain.name)
        fields: dict[str, Value] = {"team": team, "domain_id": domain.id, "at": domain.created_at}
        try:
            self._table.put(Put(key, fields, only_if_absent=True))
        except ConditionFailed:
            return self._take_over(key, fields, domain.created_at)
        return True

    def _take_over(self, key: Key, fields: Mapping[str, Value], now: Micros) -> bool:
        """A name whose domain was never written, or is gone, is free (a crash between two writes): not before a
        minute is over, since the domain's row may just be on its way."""
        row = self._table.get(key)
        if row is None or now - integer(row, "at") < MINUTE:
            return False
        if self._table.get(domain_key(text(row, "team"), text(row, "domain_id"))) is not None:
            return False
        try:
            self._table.update(Update(key, set=fields, when=(Equals("domain_id", text(row, "domain_id")),)))
        except ConditionFailed:
            return False
        return True

    def get(self, team: str, domain_id: str) -> Domain | None:
        """The domain, None when the team has none with this id."""
        row = self._table.get(domain_key(team, domain_id))
        return _read(row) if row else None

    def by_name(self, team: str, name: str) -> Domain | None:
        """The team's domain of this name."""
        known = _ids.get((team, name))
        if known is not None:
            domain = self.get(team, known)
            if domain is not None and domain.name == name:
                return domain
        row = self._table.get(_name_key(name))
        if row is None or text(row, "team") != team:
            return None
        if len(_ids) >= _MOST_IDS:
            _ids.clear()
        _ids[team, name] = text(row, "domain_id")
        return self.get(team, text(row, "domain_id"))

    def page(self, team: str, window: Window) -> Listed[Domain]:
        """Newest first."""
        return newest_first(
            lambda query: [_read(row) for row in self._table.query(query).rows], Query(DOMAINS, team), window
        )

    def change(self, team: str, domain_id: str, fields: Mapping[str, Value]) -> bool:
        """Set fields; False when the team has no such domain."""
        try:
            self._table.update(Update(domain_key(team, domain_id), set=fields, when=(Equals("id", domain_id),)))
        except ConditionFailed:
            return False
        return True

    def save_check(self, team: str, old: Domain, new: Domain) -> bool:
        """Store what a look at the records came to; False when the domain was changed or removed meanwhile."""
        fields: dict[str, Value] = {
            "status": new.status.value,
            "records": {key: state.value for key, state in new.records.items()},
            "started_at": new.started_at,
        }
        if new.due is not None:
            fields |= _due_fields(new.due)
        remove = () if new.due is not None else ("due", "due_shard")
        when = (Equals("id", old.id), Equals("status", old.status.value), Equals("started_at", old.started_at))
        try:
            self._table.update(Update(domain_key(team, old.id), set=fields, remove=remove, when=when))
        except ConditionFailed:
            return False
        return True

    def remove(self, team: str, domain_id: str) -> bool:
        """False when the team has no such domain. Nothing can be sent from it once this returns."""
        domain = self.get(team, domain_id)
        if domain is None:
            return False
        self._table.delete(Delete(domain_key(team, domain_id)))
        try:
            self._table.delete(Delete(_name_key(domain.name), when=(Equals("domain_id", domain_id),)))
        except ConditionFailed:
            return True  # registered anew meanwhile
        return True

    def due(self, until: Micros, cursor: str | None = None) -> tuple[list[tuple[str, Domain]], str | None]:
        """(team, domain) of all teams whose next look is before `until`, and the next cursor."""
        page = self._table.query(Query(DOMAINS, "checks", index=DUE, before=f"{until:017d}", limit=100, cursor=cursor))
        return [(text(row, "pk"), _read(row)) for row in page.rows], page.cursor


def _due_fields(due: Micros) -> dict[str, Value]:
    return {"due": f"{due:017d}", "due_shard": "checks"}


def _fields(team: str, domain: Domain) -> Row:
    fields: dict[str, Value] = {
        "id": domain.id,
        "name": domain.name,
        "created_at": domain.created_at,
        "region": domain.region,
        "status": domain.status.value,
        "return_path": domain.return_path,
        "spf": domain.spf,
        "mx": domain.mx,
        "open_tracking": domain.open_tracking,
        "click_tracking": domain.click_tracking,
        "tracking_subdomain": domain.tracking_subdomain,
        "tls": domain.tls,
        "sending": domain.sending,
        "receiving": domain.receiving,
        "keys": [
            {"selector": key.selector, "algorithm": key.algorithm, "record": key.record, "sealed": key.sealed}
            for key in domain.keys
        ],
        "records": {key: state.value for key, state in domain.records.items()},
        "started_at": domain.started_at,
    }
    return fields | _due_fields(domain.due) if domain.due is not None else fields


def _read(row: Row) -> Domain:
    due = optional_text(row, "due")
    records = row["records"]
    assert isinstance(records, Mapping)
    return Domain(
        id=text(row, "id"),
        name=text(row, "name"),
        created_at=integer(row, "created_at"),
        region=text(row, "region"),
        status=DomainStatus(text(row, "status")),
        return_path=text(row, "return_path"),
        spf=text(row, "spf"),
        mx=text(row, "mx"),
        open_tracking=bool(row["open_tracking"]),
        click_tracking=bool(row["click_tracking"]),
        tracking_subdomain=optional_text(row, "tracking_subdomain"),
        tls=text(row, "tls"),
        sending=bool(row["sending"]),
        receiving=bool(row["receiving"]),
        keys=_keys(row),
        records={key: RecordStatus(str(state)) for key, state in records.items()},
        started_at=optional_integer(row, "started_at"),
        due=int(due) if due else None,
    )


def _keys(row: Row) -> tuple[DkimKey, ...]:
    stored = row["keys"]
    assert isinstance(stored, (list, tuple))
    return tuple(_dkim_key(key) for key in stored if isinstance(key, Mapping))


def _dkim_key(row: Mapping[str, Value]) -> DkimKey:
    sealed = row["sealed"]
    assert isinstance(sealed, bytes)
    return DkimKey(str(row["selector"]), str(row["algorithm"]), str(row["record"]), sealed)
