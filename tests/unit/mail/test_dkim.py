"""Signatures, with dkimpy as the referee; keys at rest."""

from __future__ import annotations

import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.outbound.stuffing import stuff
from mailit.dkim.keys import generate
from mailit.dkim.sign import Signer, sign
from mailit.dkim.vault import Unsealable, open_sealed, seal

KEYS = generate()
SIGNERS = (
    Signer("acme.test", "mailit", KEYS.rsa.private_der, KEYS.rsa.algorithm),
    Signer("acme.test", "ed", KEYS.ed25519.private_der, KEYS.ed25519.algorithm),
)
NOW = 1_795_000_000
HEAD = b"From: a@acme.test\r\nTo: b@example.net\r\nSubject: Hi\r\n"


def verdicts(message: bytes) -> list[bool]:
    def look_up(name: bytes | str, timeout: float = 5) -> bytes:
        text = name.decode() if isinstance(name, bytes) else name
        return (KEYS.rsa if text.startswith("mailit.") else KEYS.ed25519).record.encode()

    found = []
    for number in range(2):
        try:
            found.append(bool(dkim.DKIM(message).verify(number, dnsfunc=look_up)))
        except dkim.DKIMException:
            found.append(False)
    return found


lines = st.text(st.sampled_from("ab \t.é=;:<>"), max_size=40)


@settings(max_examples=200)
@given(st.lists(lines, max_size=8), st.lists(lines, max_size=4))
def test_what_is_signed_is_valid_to_the_referee(body: list[str], values: list[str]) -> None:
    head = HEAD + b"".join(f"X-{number}: a{value}\r\n b{value}\r\n".encode() for number, value in enumerate(values))
    message = head + b"\r\n" + "".join(f"{line}\r\n" for line in body).encode()
    assert verdicts(sign(message, SIGNERS, NOW)) == [True, True]


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"\r\n\r\n\r\n", b"a", b"a \t \r\n\r\n", b" \r\n", b"\t\r\n \r\n", b"a  b\r\n"]
)
def test_odd_ends_of_bodies_are_signed_right(body: bytes) -> None:
    assert verdicts(sign(HEAD + b"\r\n" + body, SIGNERS, NOW)) == [True, True]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"Subject: Hi", b"Subject: Ho"),
        lambda raw: raw.replace(b"Hello", b"Hallo"),
        lambda raw: raw + b"more\r\n",
        lambda raw: b"Subject: Second\r\n" + raw,
        lambda raw: b"From: evil@evil.test\r\n" + raw,
        lambda raw: b"Reply-To: evil@evil.test\r\n" + raw,
        lambda raw: b"List-Unsubscribe: <https://evil.test>\r\n" + raw,
        lambda raw: b"Content-Type: text/html\r\n" + raw,
    ],
)
def test_changed_and_added_things_break_both_signatures(change: object) -> None:
    assert callable(change)
    assert verdicts(change(sign(HEAD + b"\r\nHello\r\n", SIGNERS, NOW))) == [False, False]


def test_the_header_says_what_it_must_and_no_l() -> None:
    tags = sign(HEAD + b"\r\nx", SIGNERS, NOW).split(b"\r\nDKIM-Signature")[0].replace(b"\r\n", b"")
    for tag in (b"c=relaxed/relaxed", b"t=1795000000", b"x=1795604800", b"d=acme.test", b"s=mailit"):
        assert tag in tags
    assert b" l=" not in tags
    assert tags.count(b"from:from") == 1


def test_a_message_without_exactly_one_from_is_not_signed() -> None:
    for head in (b"To: b@example.net\r\n", HEAD + b"From: c@acme.test\r\n"):
        with pytest.raises(ValueError, match="exactly one From"):
            sign(head + b"\r\nx", SIGNERS, NOW)


def test_a_sealed_key_opens_with_its_key_and_purpose_only() -> None:
    master = bytes(32)
    sealed = seal(master, b"secret", "dkim/team/domain/selector")
    assert b"secret" not in sealed
    assert open_sealed(master, sealed, "dkim/team/domain/selector") == b"secret"
    assert seal(master, b"secret", "x") != seal(master, b"secret", "x")
    wrong = bytes([sealed[-1] ^ 1])
    for key, box, purpose in (
        (bytes([1] * 32), sealed, "dkim/team/domain/selector"),
        (master, sealed, "dkim/other/domain/selector"),
        (master, sealed[:-1] + wrong, "dkim/team/domain/selector"),
        (master, sealed[:5], "dkim/team/domain/selector"),
        (master, b"", "dkim/team/domain/selector"),
    ):
        with pytest.raises(Unsealable):
            open_sealed(key, box, purpose)


@given(
    st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")))
)
def test_stuffed_dots_come_off_again(parts: list[bytes]) -> None:
    message = b"\r\n".join(parts)
    wire = stuff(message)
    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    assert wire.count(b"\r\n.\r\n") <= 1
    taken = [line[1:] if line.startswith(b".") else line for line in wire.split(b"\r\n")[:-2]]
    assert b"\r\n".join(taken) == message.removesuffix(b"\r\n")


@pytest.mark.parametrize("bad", [b"a\nb", b"a\rb", b"a\0b", b"a\n.\nb", b"a\r.\rb", b"a\r\n.\nb", b"a\n.\r\nb"])
def test_a_message_with_bare_line_ends_is_not_sent(bad: bytes) -> None:
    with pytest.raises(ValueError, match="bare"):
        stuff(bad)
