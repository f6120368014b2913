"""Body of `GET /healthz`."""

from __future__ import annotations

from mailit.contracts.api.base import Answer


class QueueHealth(Answer):
    """One queue. `dead`: messages in its dead-letter queue. `oldest_age` in seconds."""

    name: str
    waiting: int
    in_flight: int
    dead: int
    oldest_age: int | None


class Health(Answer):
    """`oldest_age`: of the job that has waited longest in any queue, in seconds."""

    status: str
    engine: str
    oldest_age: int | None
    queues: list[QueueHealth]
