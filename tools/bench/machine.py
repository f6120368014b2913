"""How fast this machine is, to compare figures of two: what an RSA-2048 signature takes, most of what mail costs."""

from __future__ import annotations

import os

from mailit.dkim.keys import generate
from mailit.dkim.sign import Signer

_SIGNATURES = 500


def measure() -> dict[str, float]:
    """CPU time of the signature alone."""
    made = generate().rsa
    signer = Signer("acme.test", "bench", made.private_der, made.algorithm)
    before = os.times().user
    for _ in range(_SIGNATURES):
        signer.signature(b"a canonical header")
    return {"rsa_sign_ms": (os.times().user - before) / _SIGNATURES * 1000}
