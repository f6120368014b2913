"""The life of an email and of each of its recipients, as tables.

An email is *handled* as a whole until dispatch (`Phase`); from then on each recipient has a state of its own and the
email's `last_event` is the newest event that was a legal move for its recipient. Late, repeated and out-of-order
events are recorded and move nothing that the table does not allow.
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where an email as a whole stands."""

    QUEUED = "queued"  # accepted, waits for dispatch
    SCHEDULED = "scheduled"  # accepted, waits for its time
    DISPATCHED = "dispatched"  # handed to the edge, one job per recipient
    CANCELED = "canceled"  # by the user, before its time
    FAILED = "failed"  # could not be made into a message; nothing was sent


class State(StrEnum):
    """Where one recipient stands. The names are Resend's `last_event` values."""

    QUEUED = "queued"
    DELIVERY_DELAYED = "delivery_delayed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    COMPLAINED = "complained"
    CANCELED = "canceled"


class Event(StrEnum):
    """What can happen to an email; the suffix of Resend's webhook types `email.*`."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    SENT = "sent"
    DELIVERED = "delivered"
    DELIVERY_DELAYED = "delivery_delayed"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    COMPLAINED = "complained"
    CANCELED = "canceled"


PHASE_MOVES: dict[Phase, frozenset[Phase]] = {
    Phase.QUEUED: frozenset({Phase.DISPATCHED, Phase.FAILED}),
    Phase.SCHEDULED: frozenset({Phase.SCHEDULED, Phase.DISPATCHED, Phase.CANCELED, Phase.FAILED}),
    Phase.DISPATCHED: frozenset(),
    Phase.CANCELED: frozenset(),
    Phase.FAILED: frozenset(),
}

_UNDECIDED = frozenset({State.DELIVERY_DELAYED, State.DELIVERED, State.BOUNCED, State.FAILED})
STATE_MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: _UNDECIDED | {State.SUPPRESSED, State.CANCELED},
    State.DELIVERY_DELAYED: _UNDECIDED,
    # An accepted recipient can still bounce by an asynchronous DSN (RFC 3464) or complain (RFC 5965).
    State.DELIVERED: frozenset({State.BOUNCED, State.COMPLAINED}),
    State.BOUNCED: frozenset(),
    State.FAILED: frozenset(),
    State.SUPPRESSED: frozenset(),
    State.COMPLAINED: frozenset(),
    State.CANCELED: frozenset(),
}

OPEN_STATES = frozenset({State.QUEUED, State.DELIVERY_DELAYED})
"""States in which the edge may still try to deliver."""


def may_move(old: State, new: State) -> bool:
    """True when the table allows a recipient to go from `old` to `new`."""
    return new in STATE_MOVES[old]


def may_enter(old: Phase, new: Phase) -> bool:
    """True when the table allows an email to go from `old` to `new`."""
    return new in PHASE_MOVES[old]
