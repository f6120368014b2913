"""How an attempt can fail. The tree of the SMTP edge's errors:

MailItError
└── Failure                 permanent or transient, with what the other side said and at which stage
    └── HostFailure         this host could not be used; the next one may be (transient in itself)
        ├── Silence         it did not answer in time
        └── TlsFailure      the handshake failed; in clear it may work
"""

from __future__ import annotations

from dataclasses import dataclass

from mailit.domain.errors import MailItError


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply: code, enhanced code of its first line (may be empty), text of all lines."""

    code: int
    enhanced: str
    text: str

    @property
    def positive(self) -> bool:
        """2xx."""
        return 200 <= self.code <= 299


class Failure(MailItError):
    """An attempt came to nothing. `code` 0: there was no reply."""

    def __init__(self, stage: str, text: str, code: int = 0, enhanced: str = "") -> None:
        super().__init__(text)
        self.stage = stage
        self.text = text
        self.code = code
        self.enhanced = enhanced

    @classmethod
    def of(cls, stage: str, reply: Reply) -> Failure:
        """The other side said no. 421 means the host, not the message (RFC 5321 §3.8)."""
        kind = HostFailure if reply.code == 421 else Failure
        return kind(stage, reply.text, reply.code, reply.enhanced)


class HostFailure(Failure):
    """This host could not be used."""


class Silence(HostFailure):
    """This host did not answer in time, and waiting for it took a place from others."""


class TlsFailure(HostFailure):
    """TLS could not be had with this host."""
