"""What goes over the queues. Every message is delivered at least once; each consumer may see it twice."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from mailit.domain.lanes import Lane

_NOT_FOR_SQS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


class JobModel(BaseModel):
    """Base of all jobs: frozen, and what a newer sender adds is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def to_json(self) -> str:
        """The message's body. The two characters that SQS refuses and JSON allows are written as escapes."""
        body = self.model_dump_json(exclude_defaults=True)
        return body if body.isascii() else body.translate(_NOT_FOR_SQS)


class DispatchJob(JobModel):
    """[dispatch-*] Turn one accepted email into a message and one outbound job per recipient.

    `domain_id` and `recipients` (the envelope) spare a look at the email before all else can be read; a job without
    them does as well.
    """

    team: str
    email_id: str
    lane: Lane
    content: str | None = None  # the stored content (JSON), inline while the whole job stays under 200 KB
    domain_id: str | None = None
    recipients: tuple[str, ...] = ()


class OutboundJob(JobModel):
    """[outbound-*] Deliver one message to one recipient.

    Exactly one of `message` (the signed message, CRLF line ends, as text) and `message_blob` is set. `domain` is the
    recipient's domain as an A-label. `smtputf8` says that the message or an address needs RFC 6531 at the next hop.
    """

    team: str
    email_id: str
    recipient: int  # number of the recipient within the email, from 0
    mail_from: str
    rcpt_to: str
    domain: str
    lane: Lane
    message_id: str
    smtputf8: bool = False
    require_tls: bool = False  # the sending domain's `tls: enforced`
    message: str | None = None
    message_blob: str | None = None


class Outcome(StrEnum):
    """How an attempt ended."""

    DELIVERED = "delivered"  # the next hop answered 2xx to the final dot
    DELAYED = "delayed"  # transient; another attempt will follow
    BOUNCED = "bounced"  # the next hop or the DNS said never
    FAILED = "failed"  # given up: the last attempt was transient, or the message cannot be sent
    COMPLAINED = "complained"  # feedback after delivery


class ResultJob(JobModel):
    """[results] What one attempt for one recipient came to."""

    team: str
    email_id: str
    recipient: int
    address: str
    attempt: int  # from 1
    outcome: Outcome
    at: int  # microseconds since the epoch
    code: int = 0  # SMTP reply code, 0 when there was no reply
    enhanced: str = ""  # RFC 3463 status such as 5.1.1
    text: str = ""  # the reply as it came, or what went wrong
    stage: str = ""  # dns, connect, banner, ehlo, starttls, mail, rcpt, data, dot
    host: str = ""  # MX host name
    ip: str = ""
    tls: str = ""  # TLSv1.3, TLSv1.2, empty when in clear
    retry_at: int = 0  # microseconds, for `delayed`
    hard: bool = False  # the address itself is dead: suppress it


class VerifyDomainJob(JobModel):
    """[domain-checks] Look up a domain's records."""

    team: str
    domain_id: str
