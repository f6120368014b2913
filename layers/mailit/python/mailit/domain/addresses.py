"""The one parser of addresses, for validation, envelope and header alike: the domain that was checked is the domain
that gets the RCPT (RFC 5321 §4.1.2, RFC 5322 §3.4, RFC 6531 §3.3).

Accepted are `local@domain` and `display name <local@domain>`, the display name quoted or not. The part that says where
the mail goes is strict: no comments, groups, routes, literals, folding or quoted pairs.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_LOCAL = 64  # octets, RFC 5321 §4.5.3.1.1
MAX_ADDRESS = 254  # octets, RFC 5321 §4.5.3.1.3 less the angle brackets
MAX_DISPLAY = 500

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff"
_DOT_ATOM = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
_QUOTED_LOCAL = re.compile(r'"[ !#-;=?-\[\]-~]+"')  # angle brackets would mislead lesser parsers
# Without the marks that become a dot in an A-label (RFC 3490 §3.1): a label stays one label.
_LABEL = re.compile(r"(?!-)(?:[A-Za-z0-9_\-]|[^\x00-\x7f\u3002\uff0e\uff61]){1,63}(?<!-)")
_QUOTED_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FORBIDDEN_IN_NAME = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name shown for it (may be empty). `domain` is in lower case, as given (U- or A-label):
    compare, look up and send to `mailit.mime.idn.to_a_label(domain)` only."""

    display_name: str
    local: str
    domain: str

    @property
    def address(self) -> str:
        """`local@domain`."""
        return f"{self.local}@{self.domain}"


def parse_mailbox(text: str) -> Mailbox:
    """`text` as a mailbox; ValueError when it is none."""
    text = text.strip(" \t")
    if not text.endswith(">"):
        return _mailbox("", text)
    before, bracket, address = text[:-1].rpartition("<")
    if not bracket:
        raise ValueError("unbalanced angle brackets")
    return _mailbox(_display_name(before.strip(" \t")), address.strip(" \t"))


def _display_name(text: str) -> str:
    if len(text) > MAX_DISPLAY or _FORBIDDEN_IN_NAME.search(text):
        raise ValueError("the display name is too long or contains control characters")
    quoted = _QUOTED_NAME.fullmatch(text)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted[1])
    if any(mark in text for mark in '<>"\\'):
        raise ValueError("the display name is not properly quoted")
    return text


@lru_cache(maxsize=2048)  # what is accepted is short; an email's addresses are read five times, a sender's for ever
def _mailbox(display_name: str, address: str) -> Mailbox:
    local, at, domain = address.rpartition("@")
    if not at or len(address.encode("utf-8", "surrogatepass")) > MAX_ADDRESS:
        raise ValueError("not an address")
    return Mailbox(display_name, _local(local), _domain(domain))


def _local(text: str) -> str:
    text = unicodedata.normalize("NFC", text)  # RFC 6530 §10.1
    if not text.isprintable() or len(text.encode()) > MAX_LOCAL:
        raise ValueError("the local part is too long or contains control characters")
    if not _DOT_ATOM.fullmatch(text) and not _QUOTED_LOCAL.fullmatch(text):
        raise ValueError("the local part is malformed")
    if " " in text and not text.startswith('"'):
        raise ValueError("the local part is malformed")
    return text


def _domain(text: str) -> str:
    labels = text.split(".")
    if len(labels) < 2 or not text.isprintable() or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("the domain is malformed")
    if labels[-1].isdecimal() or len(text) > 253:
        raise ValueError("the domain is malformed")
    return text.lower()
