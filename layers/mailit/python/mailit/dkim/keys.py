"""DKIM keys: RSA-2048 (RFC 6376) and Ed25519 beside it (RFC 8463), and the records that publish them."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

RSA = "rsa-sha256"
ED25519 = "ed25519-sha256"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """`algorithm`: the signature's `a=`. `private_der`: PKCS#8. `record`: the TXT value to publish."""

    algorithm: str
    private_der: bytes
    record: str


@dataclass(frozen=True, slots=True)
class DkimKeys:
    """A domain's two keys."""

    rsa: DkimKey
    ed25519: DkimKey


def generate() -> DkimKeys:
    """Two fresh keys."""
    return DkimKeys(_rsa(), _ed25519())


def _rsa() -> DkimKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    # RFC 6376 §3.6.1: the public key as SubjectPublicKeyInfo.
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return DkimKey(RSA, _private(key), f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")


def _ed25519() -> DkimKey:
    key = ed25519.Ed25519PrivateKey.generate()
    # RFC 8463 §4: the 32 bytes of the key alone.
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return DkimKey(ED25519, _private(key), f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}")


def _private(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
