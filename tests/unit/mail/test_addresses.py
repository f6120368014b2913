"""One parser of addresses: what is checked is what is sent to."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailit.domain.addresses import Mailbox, parse_mailbox
from mailit.mime.headers import address_field
from mailit.mime.idn import to_a_label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.test", ("", "a", "b.test")),
        ("  a@B.Test ", ("", "a", "b.test")),
        ("Ann <a@b.test>", ("Ann", "a", "b.test")),
        ("Acme, Inc. (Sales) <a@b.test>", ("Acme, Inc. (Sales)", "a", "b.test")),
        ('"Acme, \\"Inc\\"" <a@b.test>', ('Acme, "Inc"', "a", "b.test")),
        ("x@evil.test <a@b.test>", ("x@evil.test", "a", "b.test")),
        ("Jürgen Groß \U0001f600 <j@b.test>", ("Jürgen Groß \U0001f600", "j", "b.test")),
        ('"odd local"@b.test', ("", '"odd local"', "b.test")),
        ("josé@bücher.example", ("", "josé", "bücher.example")),
        ("a+tag.x_y'z@sub.b-c.test", ("", "a+tag.x_y'z", "sub.b-c.test")),
        ("<a@b.test>", ("", "a", "b.test")),
    ],
)
def test_addresses_that_are_ones(text: str, expected: tuple[str, str, str]) -> None:
    box = parse_mailbox(text)
    assert (box.display_name, box.local, box.domain) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a", "@b.test", "a@", "a@b", "a@b.test>", "<a@b.test", "A <a@b.test> B", "A <<a@b.test>>", "a@b@c.test",
     "a@[192.0.2.1]", "a@b.1", "a..b@c.test", ".a@c.test", "a.@c.test", "a@-b.test", "a@b-.test", "a@b..test",
     'A "B" <a@b.test>', "a(c)@b.test", "a@b.test(c)", "a,b@c.test", "g: a@b.test;", "@r:a@b.test", "a b@c.test",
     '"a"b@c.test', '"a\\"b"@c.test', '""@c.test', "a@b\u200b.test", "a\u202eb@c.test", "a@b.test\n", "a\0@b.test",
     "A\u202e <a@b.test>", "a" * 65 + "@b.test", "a@" + "b" * 64 + ".test", "a@" + "b." * 130 + "test",
     "N" * 501 + " <a@b.test>"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_mailbox(text)


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_what_parses_reads_the_same_to_python_once_written(name: str, local: str, domain: str) -> None:
    try:
        box = parse_mailbox(f"{name} <{local}@{domain}.test>")
        label = to_a_label(box.domain)
    except ValueError:
        return
    written = address_field("To", [box])
    assert written.count(b"\r\n") == written.count(b"\n") == written.count(b"\r")
    if not box.local.isascii():
        return
    message = email.message_from_bytes(written + b"\r\n", policy=email.policy.SMTP)
    (address,) = message["To"].addresses
    assert address.addr_spec.rpartition("@")[2] == label
    assert address.username.strip('"') == box.local.strip('"')


@given(st.text(max_size=80))
def test_any_text_parses_to_clean_parts_or_not_at_all(text: str) -> None:
    try:
        box = parse_mailbox(text)
    except ValueError:
        return
    assert box.address.isprintable()
    assert parse_mailbox(box.address) == Mailbox("", box.local, box.domain)


def test_international_domains_become_a_labels() -> None:
    assert to_a_label("Bücher.Example") == "xn--bcher-kva.example"
    assert to_a_label("FAß.example") == "xn--fa-hia.example"
    with pytest.raises(ValueError, match="not a domain name"):
        to_a_label("a\u2488com.example")
