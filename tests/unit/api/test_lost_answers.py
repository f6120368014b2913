"""A write was carried out and its answer lost: what the API makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.wsgi import Gateway
from mailit.domain.errors import Unavailable
from mailit.ports.table import Row, Update
from tests.house import House


class Forgetful:
    """A table that carries out every update and then says `lost` times that it does not know."""

    def __init__(self, house: House, lost: int) -> None:
        self._table, self._lost = house.deps.table, lost

    def update(self, update: Update) -> Row:
        row = self._table.update(update)
        self._lost -= 1
        if self._lost >= 0:
            raise Unavailable("no answer")
        return row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


def house_on(acme: House, lost: int) -> House:
    deps: Any = replace(acme.deps, table=Forgetful(acme, lost))  # type: ignore[arg-type]
    return House(**{**vars(acme), "gateway": Gateway(acme.catalogue.on(deps), acme.clock.now)})


def test_a_request_is_not_turned_away_because_its_count_was_not_answered(acme: House) -> None:
    assert house_on(acme, 1).request("GET", "/domains").status == 200


def test_a_table_that_does_not_answer_is_503(acme: House) -> None:
    assert house_on(acme, 9).request("GET", "/domains").fault[0] == 503
