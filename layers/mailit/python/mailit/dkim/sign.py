"""DKIM signatures (RFC 6376, RFC 8463) over exactly the bytes that are sent.

Relaxed/relaxed, no `l=`; what a replayer could add is signed as absent (§8.15).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mailit.dkim.canonical import Field, relaxed_body, relaxed_field, split
from mailit.dkim.keys import ED25519, RSA
from mailit.domain.errors import MailItError

_SHORTEST = 1024  # bits; receivers take no signature by a shorter key (RFC 8301 §3.2)
_VALID_FOR = 7 * 86400  # seconds: far beyond the longest retry

_OVERSIGNED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"reply-to",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
_SIGNED = (
    *_OVERSIGNED,
    b"in-reply-to",
    b"references",
    b"content-transfer-encoding",
    b"list-id",
    b"list-help",
    b"list-archive",
    b"list-post",
    b"list-owner",
    b"list-subscribe",
    b"feedback-id",
    b"auto-submitted",
)


class BadKey(MailItError):
    """A stored private key is none, or of another algorithm than it says."""


class Signer:
    """A domain's key, loaded once; safe to use from several threads. `domain`: as an A-label. `BadKey` when
    `private_der` (PKCS #8) is no key for `algorithm`."""

    def __init__(self, domain: str, selector: str, private_der: bytes, algorithm: str) -> None:
        self.domain = domain
        self.selector = selector
        self.algorithm = algorithm
        self._key = _load(private_der, algorithm)

    def signature(self, data: bytes) -> bytes:
        """Over the canonical header."""
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), SHA256())
        return self._key.sign(hashlib.sha256(data).digest())  # RFC 8463 §3


def _load(private_der: bytes, algorithm: str) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        # The key is our own: checking it again costs a hundred times the signature.
        key = load_der_private_key(private_der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("not a private key") from error
    if isinstance(key, RSAPrivateKey) and algorithm == RSA and key.key_size >= _SHORTEST:
        return key
    if isinstance(key, Ed25519PrivateKey) and algorithm == ED25519:
        return key
    raise BadKey(f"not a key for {algorithm}")


def sign(message: bytes, signers: Sequence[Signer], now: int) -> bytes:
    """`message` with one DKIM-Signature per signer in front. `now`: seconds since the epoch. ValueError when it is
    no message with exactly one From and CRLF line ends."""
    fields, body = split(message)
    names, canonical = _select(fields)
    body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
    folded = _folded(names)
    lines = [_signature_field(signer, folded, canonical, body_hash, now) for signer in signers]
    return b"".join(lines) + message


def _select(fields: Sequence[Field]) -> tuple[list[bytes], bytes]:
    """The names for `h=`, and the fields they stand for, canonical, last one first (§5.4.2)."""
    present: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        present.setdefault(name.lower(), []).append(relaxed_field(name, value))
    if len(present.get(b"from", ())) != 1:
        raise ValueError("a message has exactly one From")
    names: list[bytes] = []
    canonical: list[bytes] = []
    for name in _SIGNED:
        found = present.get(name, [])
        names += [name] * (len(found) + (name in _OVERSIGNED))
        canonical += reversed(found)
    return names, b"".join(field + b"\r\n" for field in canonical)


def _signature_field(signer: Signer, names: bytes, canonical: bytes, body_hash: bytes, now: int) -> bytes:
    value = b" v=1; a=%b; c=relaxed/relaxed; d=%b;\r\n s=%b; t=%d; x=%d;\r\n h=%b;\r\n bh=%b;\r\n b=" % (
        signer.algorithm.encode(),
        signer.domain.encode(),
        signer.selector.encode(),
        now,
        now + _VALID_FOR,
        names,
        body_hash,
    )
    signature = base64.b64encode(signer.signature(canonical + relaxed_field(b"dkim-signature", value)))
    # White space inside `b=` is not part of it (§3.5).
    lines = b"\r\n  ".join(signature[start : start + 72] for start in range(0, len(signature), 72))
    return b"DKIM-Signature:" + value + lines + b"\r\n"


def _folded(names: Sequence[bytes]) -> bytes:
    """`a:b:c` on lines that fit; white space around the colons is allowed (§3.5)."""
    lines = [names[0]]
    for name in names[1:]:
        if len(lines[-1]) + len(name) > 70:
            lines.append(name)
        else:
            lines[-1] += b":" + name
    return b":\r\n  ".join(lines)
