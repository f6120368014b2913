"""Signatures of what arrives in practice and of what is made to hurt; dkimpy is the referee."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailit.dkim.keys import ED25519, RSA, generate
from mailit.dkim.sign import BadKey, Signer, sign
from mailit.domain.addresses import Mailbox
from mailit.mime.build import Draft, build

KEYS = generate()
RSA_SIGNER = Signer("acme.test", "rsa", KEYS.rsa.private_der, RSA)
SIGNERS = (RSA_SIGNER, Signer("acme.test", "ed", KEYS.ed25519.private_der, ED25519))
NOW = 1_795_000_000
HEAD = b"From: a@acme.test\r\nTo: b@example.net\r\nSubject: Hi\r\n"


def is_valid(message: bytes, signatures: int = 2) -> bool:
    def look_up(name: bytes | str, timeout: float = 5) -> bytes:
        text = name.decode() if isinstance(name, bytes) else name
        return (KEYS.rsa if text.startswith("rsa.") else KEYS.ed25519).record.encode()

    return all(dkim.DKIM(message).verify(number, dnsfunc=look_up) for number in range(signatures))


texts = st.text(st.sampled_from("ab \t.é=\n"), max_size=80)


@settings(max_examples=100)
@given(texts, texts, st.text(max_size=100).map(lambda text: "".join(text.split("\0"))))
def test_every_message_that_is_built_can_be_signed_and_verified(text: str, html: str, subject: str) -> None:
    draft = Draft(
        from_=(Mailbox("Jürgen Groß", "news", "acme.test"),),
        to=(Mailbox("", "jürgen", "bücher.example"),),
        subject=" ".join(subject.split()),
        date=NOW * 1_000_000,
        message_id="<1@acme.test>",
        text=text,
        html=html,
        headers=(("List-Unsubscribe", "<https://acme.test/u>"), ("X-Empty", ""), ("References", "<1@a> " * 40)),
    )
    assert is_valid(sign(build(draft), SIGNERS, NOW))


def test_fields_that_stand_twice_are_all_signed() -> None:
    message = HEAD + b"Received: a\r\nReferences: <1@a>\r\nReferences: <2@a>\r\nFEEDBACK-ID:\r\n\ta:b\r\n\r\nHi\r\n"
    signed = sign(message, SIGNERS, NOW)
    assert is_valid(signed)
    with pytest.raises(AssertionError):
        assert is_valid(signed.replace(b"<2@a>", b"<3@a>"))


@pytest.mark.parametrize(
    "message",
    [
        HEAD + b"X: a\nFrom: evil@evil.test\r\n\r\nx",
        HEAD + b"X: a\rFrom: evil@evil.test\r\n\r\nx",
        HEAD + b"\r\nx\ny",
        b" folded: first\r\n" + HEAD + b"\r\nx",
        b"From : evil@evil.test\r\n" + HEAD + b"\r\nx",
        b": no name\r\n" + HEAD + b"\r\nx",
        HEAD + b"no colon\r\n\r\nx",
        b"\r\n" + HEAD + b"\r\nx",
        b"",
    ],
)
def test_what_readers_could_take_for_another_message_is_not_signed(message: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sign(message, SIGNERS, NOW)


@pytest.mark.parametrize(
    "body",
    [(b" " * 988 + b"x\r\n") * 2000, b"\r\n" * 1_000_000 + b"x", b"x" + b"\r\n" * 1_000_000, b"\t" * 2_000_000 + b"x"],
    ids=["blanks", "empty lines first", "empty lines last", "tabs"],
)
def test_a_body_made_to_be_slow_is_not(body: bytes) -> None:
    started = time.process_time()
    sign(HEAD + b"\r\n" + body, [RSA_SIGNER], NOW)
    assert time.process_time() - started < 0.5


def test_a_header_made_to_be_slow_is_not() -> None:
    started = time.process_time()
    sign(HEAD + b"References: <1@a>" + b"\r\n <2@a>" * 50_000 + b"\r\n\r\nx", [RSA_SIGNER], NOW)
    assert time.process_time() - started < 0.5


def test_one_signer_serves_many_threads() -> None:
    messages = [HEAD + b"\r\nMessage %d\r\n" % number for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        signed = list(pool.map(lambda message: sign(message, SIGNERS, NOW), messages))
    assert all(map(is_valid, signed))


@pytest.mark.parametrize(
    ("der", "algorithm"),
    [
        (b"", RSA),
        (b"no key", RSA),
        (KEYS.rsa.private_der[:-9], RSA),
        (KEYS.rsa.private_der, ED25519),
        (KEYS.ed25519.private_der, RSA),
        (KEYS.rsa.private_der, "rsa-sha1"),
    ],
)
def test_a_stored_key_that_is_none_is_said_to_be_bad(der: bytes, algorithm: str) -> None:
    with pytest.raises(BadKey):
        Signer("acme.test", "s", der, algorithm)
