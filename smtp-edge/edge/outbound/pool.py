"""Connections that are used again: opening one costs more than a message."""

from __future__ import annotations

import ssl
import time
from collections import defaultdict

from edge.outbound.failures import TlsFailure
from edge.outbound.session import Session, Target, open_session
from edge.outbound.timeouts import Timeouts

_Key = tuple[Target, bool]

_IDLE = 10.0  # seconds a connection waits for its next message
_MESSAGES = 20  # on one connection
_REMEMBER_BROKEN = 600.0  # seconds for which a host whose handshake failed is spoken to in clear


class Pool:
    """Sessions by target. `name` is what we say in EHLO. With `tls` None nothing is ever secured (the sandbox)."""

    def __init__(self, name: str, timeouts: Timeouts, tls: ssl.SSLContext | None) -> None:
        self._name = name
        self._timeouts = timeouts
        self._tls = tls
        self._idle: defaultdict[_Key, list[Session]] = defaultdict(list)
        self._broken: dict[Target, float] = {}

    async def take(self, target: Target, *, require_tls: bool) -> Session:
        """A session ready for MAIL."""
        waiting = self._idle.get((target, require_tls), [])
        while waiting:
            session = waiting.pop()
            if session.usable and time.monotonic() - session.idle_since < _IDLE:
                return session
            session.quit()
        return await self.open(target, require_tls=require_tls)

    async def open(self, target: Target, *, require_tls: bool) -> Session:
        """A fresh session. Where the handshake fails and TLS is not required, a fresh connection in clear: better than
        not to deliver, and never on the connection that failed (RFC 7435)."""
        context = None if not require_tls and self._is_broken(target) else self._tls
        try:
            return await open_session(target, self._name, self._timeouts, context, require_tls=require_tls)
        except TlsFailure:
            if require_tls:
                raise
            self._broken[target] = time.monotonic() + _REMEMBER_BROKEN
            return await open_session(target, self._name, self._timeouts, None, require_tls=False)

    def _is_broken(self, target: Target) -> bool:
        until = self._broken.get(target)
        if until is not None and until < time.monotonic():
            del self._broken[target]
            return False
        return until is not None

    def give_back(self, session: Session, *, require_tls: bool) -> None:
        """For the next message, unless it had enough."""
        if not session.usable or session.used >= _MESSAGES:
            session.quit()
            return
        session.rest()
        self._idle[(session.target, require_tls)].append(session)

    def sweep(self) -> None:
        """Say goodbye on connections that have been idle for long."""
        now = time.monotonic()
        for key in list(self._idle):
            keep = []
            for session in self._idle[key]:
                if session.usable and now - session.idle_since < _IDLE:
                    keep.append(session)
                else:
                    session.quit()
            if keep:
                self._idle[key] = keep
            else:
                del self._idle[key]

    def close(self) -> None:
        """At the process's end: a TLS goodbye would wait for the other side's."""
        for sessions in self._idle.values():
            for session in sessions:
                session.abort()
        self._idle.clear()


def opportunistic_context() -> ssl.SSLContext:
    """TLS without a check of the certificate: an unauthenticated cipher beats clear text (RFC 7435)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
