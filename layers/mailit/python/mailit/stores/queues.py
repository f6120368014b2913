"""The queues: names, visibility, and how often a message may fail before it is a dead letter."""

from __future__ import annotations

from mailit.domain.lanes import Lane
from mailit.ports.queue import QueueSpec


def dispatch(lane: Lane) -> str:
    """Name of the dispatch queue of a lane."""
    return f"dispatch-{lane}"


def outbound(lane: Lane) -> str:
    """Name of the outbound queue of a lane."""
    return f"outbound-{lane}"


DISPATCH_REMOTE = "dispatch-remote"
"""Emails with attachments to be fetched: a slow server must not hold up the lanes."""

RESULTS = "results"
DOMAIN_CHECKS = "domain-checks"

QUEUES: tuple[QueueSpec, ...] = (
    *(QueueSpec(dispatch(lane), visibility=90, max_receives=8) for lane in Lane),
    QueueSpec(DISPATCH_REMOTE, visibility=180, max_receives=30),
    # A retry is a deferral and counts as a receive; so do turns lost to a lease or to a busy destination.
    *(QueueSpec(outbound(lane), visibility=90, max_receives=1000) for lane in Lane),
    QueueSpec(RESULTS, visibility=60, max_receives=50),
    QueueSpec(DOMAIN_CHECKS, visibility=120, max_receives=5),
)
