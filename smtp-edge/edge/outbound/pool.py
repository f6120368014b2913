"""Connections that are used again: opening one costs more than a message. And hosts better left alone for a while."""

from __future__ import annotations

import ssl
import time
from collections import defaultdict
from dataclasses import dataclass

from edge.outbound.failures import HostFailure, Silence, TlsFailure
from edge.outbound.session import Session, Target, open_session
from edge.outbound.timeouts import Timeouts

_Key = tuple[Target, bool]


@dataclass(frozen=True, slots=True)
class Habits:
    """How connections are kept. Times in seconds.

    `shun`: for how long a host that did not answer is not tried again. Without that, a few dead hosts would take all
    places, half a minute each (RFC 5321 §4.5.4.1). Not longer than the first pause between attempts, so that no message
    loses a second attempt to it.
    """

    shun: float
    keep: int  # idle connections, over all hosts
    idle: float = 10.0  # a connection waits for its next message
    messages: int = 20  # on one connection
    distrust: float = 600.0  # a host whose handshake failed is spoken to in clear


class Pool:
    """Sessions by target. `name` is what we say in EHLO. With `tls` None nothing is ever secured (the sandbox)."""

    def __init__(self, name: str, timeouts: Timeouts, tls: ssl.SSLContext | None, habits: Habits) -> None:
        self._name = name
        self._timeouts = timeouts
        self._tls = tls
        self._habits = habits
        self._idle: defaultdict[_Key, list[Session]] = defaultdict(list)
        self._since: dict[Session, _Key] = {}  # the same sessions, those that have been idle longest first
        self._broken: dict[Target, float] = {}
        self._silent: dict[Target, float] = {}

    async def take(self, target: Target, *, require_tls: bool) -> Session:
        """A session ready for MAIL."""
        while waiting := self._idle.get((target, require_tls)):
            session = self._wake(waiting[-1])
            if self._fresh(session):
                return session
            session.quit()
        return await self.open(target, require_tls=require_tls)

    async def open(self, target: Target, *, require_tls: bool) -> Session:
        """A fresh session. Where the handshake fails and TLS is not required, a fresh connection in clear: better than
        not to deliver, and never on the connection that failed (RFC 7435)."""
        if _holds(self._silent, target):
            raise HostFailure("connect", "the host did not answer a moment ago", 0, "4.4.1")
        try:
            return await self._open(target, require_tls=require_tls)
        except Silence:
            self._silent[target] = time.monotonic() + self._habits.shun
            raise

    async def _open(self, target: Target, *, require_tls: bool) -> Session:
        context = None if not require_tls and _holds(self._broken, target) else self._tls
        try:
            return await open_session(target, self._name, self._timeouts, context, require_tls=require_tls)
        except TlsFailure:
            if require_tls:
                raise
            self._broken[target] = time.monotonic() + self._habits.distrust
            return await open_session(target, self._name, self._timeouts, None, require_tls=False)

    def _wake(self, session: Session) -> Session:
        """It is idle no more."""
        key = self._since.pop(session)
        waiting = self._idle[key]
        waiting.remove(session)
        if not waiting:
            del self._idle[key]
        return session

    def _fresh(self, session: Session) -> bool:
        return session.usable and time.monotonic() - session.idle_since < self._habits.idle

    def give_back(self, session: Session, *, require_tls: bool) -> None:
        """For the next message, unless it had enough."""
        if not session.usable or session.used >= self._habits.messages:
            session.quit()
            return
        if len(self._since) >= self._habits.keep:
            self._wake(next(iter(self._since))).quit()
        session.rest()
        key = (session.target, require_tls)
        self._since[session] = key
        self._idle[key].append(session)

    def sweep(self) -> None:
        """Say goodbye on connections that have been idle for long; forget what is over."""
        for session in [session for session in self._since if not self._fresh(session)]:
            self._wake(session).quit()
        for notes in (self._broken, self._silent):
            for target in [target for target in notes if not _holds(notes, target)]:
                del notes[target]

    def close(self) -> None:
        """At the process's end: a TLS goodbye would wait for the other side's."""
        for session in list(self._since):
            self._wake(session).abort()


def _holds(notes: dict[Target, float], target: Target) -> bool:
    """True while a note about a host is in force."""
    return notes.get(target, 0.0) > time.monotonic()


def opportunistic_context() -> ssl.SSLContext:
    """TLS without a check of the certificate: an unauthenticated cipher beats clear text (RFC 7435)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
