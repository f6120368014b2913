"""What a refusal means: never, or not now; and whether the address itself is dead.

The reply code's class decides (RFC 5321 §4.2.1); an enhanced code (RFC 3463) that contradicts it is ignored for that.
Everything unknown is transient. Hard is not 5xx: a full mailbox or a policy says nothing against the address.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailit.bounce.statuses import HARD, REASONS


@dataclass(frozen=True, slots=True)
class Verdict:
    """`hard`: the address is dead and should be suppressed. `reason`: one word of `statuses.REASONS` or `other`."""

    permanent: bool
    hard: bool
    reason: str


def classify(code: int, enhanced: str, stage: str) -> Verdict:
    """A reply with `code` (0: none) and `enhanced` (may be empty) at a stage of the dialogue: dns, connect, banner,
    ehlo, starttls, mail, rcpt, data, dot."""
    permanent = 500 <= code <= 599
    subject = ".".join(enhanced.split(".")[1:]) if enhanced[:1] in "245" and enhanced else ""
    reason = REASONS.get(subject, "other")
    # Only the recipient's own server, asked about the recipient, knows that the address is dead; or the DNS.
    hard = permanent and subject in HARD and stage in ("dns", "rcpt", "data", "dot")
    return Verdict(permanent, hard, reason)
