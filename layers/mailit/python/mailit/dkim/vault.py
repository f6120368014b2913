"""Secrets at rest: AES-256-GCM under the master key, bound to what they are for."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mailit.domain.errors import MailItError

_VERSION = b"\x01"
_NONCE = 12


class Unsealable(MailItError):
    """Sealed under another master key, for something else, or damaged."""


def seal(master_key: bytes, plain: bytes, context: str) -> bytes:
    """Version, nonce, ciphertext with tag. `context` has to be given again to open it."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + AESGCM(master_key).encrypt(nonce, plain, context.encode())


def open_sealed(master_key: bytes, sealed: bytes, context: str) -> bytes:
    """What was sealed; `Unsealable` when it was not sealed so."""
    if sealed[:1] != _VERSION:
        raise Unsealable("sealed by another version")
    nonce, ciphertext = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return AESGCM(master_key).decrypt(nonce, ciphertext, context.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable("sealed under another key or for something else") from error
