"""The parts of the system tests do what the other tests take from them; above all, the judges can say no."""

import base64
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace

import dkim
import dns.exception
import dns.resolver
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.parts.deadline import wait_for
from tests.parts.judges import Envelope, SignatureVerdict, dkimpy_verdicts, opendkim_verdicts, spf_verdict
from tests.parts.name_server import NameServer
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.postfix_mx import PostfixMx, PostfixOptions
from tests.parts.program import require_program
from tests.parts.rspamd import Rspamd
from tests.parts.sink import PostfixSink, Sink

pytestmark = pytest.mark.system

Judge = Callable[[bytes, NameServer], list[SignatureVerdict]]

MESSAGE = (
    "From: Joe <joe@acme.test>\r\nTo: ann@mx.test\r\nSubject: Hello\r\n"
    "Date: Tue, 24 Nov 2026 09:31:47 +0000\r\nMessage-ID: <1@acme.test>\r\n\r\n.one dot\r\n..two\r\nGrüße\r\n"
).encode()
ENVELOPE = Envelope(helo="mail.acme.test", mail_from="bounce@send.acme.test")
BOTH_HOLD = [SignatureVerdict("acme.test", "ed", True), SignatureVerdict("acme.test", "rsa", True)]
NEITHER_HOLDS = [verdict._replace(ok=False) for verdict in BOTH_HOLD]


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def rsa_record(rsa_key: rsa.RSAPrivateKey) -> str:
    public = rsa_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


@pytest.fixture(scope="module")
def ed25519_record(ed25519_key: ed25519.Ed25519PrivateKey) -> str:
    public = ed25519_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"


@pytest.fixture(scope="module")
def sign(rsa_key: rsa.RSAPrivateKey, ed25519_key: ed25519.Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    """Put acme.test's signatures by dkimpy before a message: Ed25519 on top of RSA."""
    pem = rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    seed = base64.b64encode(ed25519_key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))

    def sign_message(message: bytes) -> bytes:
        by_rsa = dkim.sign(message, b"rsa", b"acme.test", pem)
        by_ed25519 = dkim.sign(message, b"ed", b"acme.test", seed, signature_algorithm=b"ed25519-sha256")
        return bytes(by_ed25519 + by_rsa + message)

    return sign_message


@pytest.fixture(scope="module")
def signed(sign: Callable[[bytes], bytes]) -> bytes:
    return sign(MESSAGE)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[NameServer]:
    with NameServer({"acme.test": [], "platform.test": []}) as server:
        yield server


@pytest.fixture
def server(shared_server: NameServer, rsa_record: str, ed25519_record: str) -> Iterator[NameServer]:
    """With everything published that `acme.test` needs."""
    shared_server.set("acme.test", "MX", ["10 mx.acme.test"])
    shared_server.set("mx.acme.test", "A", [LOOPBACK])
    shared_server.set("send.acme.test", "TXT", ["v=spf1 a:mx.acme.test -all"])
    shared_server.set("_dmarc.acme.test", "TXT", ["v=DMARC1; p=reject"])
    shared_server.set("rsa._domainkey.acme.test", "TXT", [rsa_record])
    shared_server.set("ed._domainkey.acme.test", "TXT", [ed25519_record])
    yield shared_server
    for name in ("mx.acme.test", "send.acme.test"):
        shared_server.heal(name)


@pytest.fixture(scope="module")
def rspamd(shared_server: NameServer) -> Iterator[Rspamd]:
    with Rspamd(shared_server) as judge:
        yield judge


def look_up(server: NameServer, name: str, kind: str, tcp: bool = False) -> list[str]:
    return [record.to_text() for record in server.resolver().resolve(name, kind, tcp=tcp)]


# The name server


@pytest.mark.parametrize("tcp", [False, True])
def test_a_published_record_is_answered(server: NameServer, tcp: bool) -> None:
    assert look_up(server, "acme.test", "MX", tcp) == ["10 mx.acme.test."]


def test_a_long_text_arrives_whole(server: NameServer, rsa_record: str) -> None:
    assert len(rsa_record) > 255
    (record,) = server.resolver().resolve("rsa._domainkey.acme.test", "TXT")
    assert b"".join(record.strings).decode() == rsa_record


def test_an_answer_too_large_for_udp_arrives_over_tcp(server: NameServer) -> None:
    server.set("huge.acme.test", "TXT", ["x" * 5000])
    (record,) = server.resolver().resolve("huge.acme.test", "TXT")
    assert len(b"".join(record.strings)) == 5000


def test_an_alias_leads_into_another_zone(server: NameServer) -> None:
    server.set("key.platform.test", "TXT", ["v=DKIM1; p="])
    server.set("alias._domainkey.acme.test", "CNAME", ["key.platform.test"])
    assert look_up(server, "alias._domainkey.acme.test", "TXT") == ['"v=DKIM1; p="']


@pytest.mark.parametrize("name", ["nobody.acme.test", "elsewhere.org"])
def test_a_name_that_nobody_published_does_not_exist(server: NameServer, name: str) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        look_up(server, name, "A")


def test_a_name_without_the_type_has_no_data(server: NameServer) -> None:
    with pytest.raises(dns.resolver.NoAnswer):
        look_up(server, "mx.acme.test", "AAAA")


def test_loopback_has_a_reverse_name_that_can_be_changed(server: NameServer) -> None:
    assert look_up(server, "1.0.0.127.in-addr.arpa", "PTR") == ["localhost."]
    server.set("1.0.0.127.in-addr.arpa", "PTR", ["mail.acme.test"])
    assert look_up(server, "1.0.0.127.in-addr.arpa", "PTR") == ["mail.acme.test."]


@pytest.mark.parametrize("name", ["new.acme.test", "new.of.no.zone"])
def test_the_next_question_sees_a_change(server: NameServer, name: str) -> None:
    server.set(name, "A", ["127.0.0.2", "127.0.0.3"])
    assert sorted(look_up(server, name, "A")) == ["127.0.0.2", "127.0.0.3"]
    server.set(name, "A", ["127.0.0.4"])
    assert look_up(server, name, "A") == ["127.0.0.4"]
    server.remove(name)
    with pytest.raises(dns.resolver.NXDOMAIN):
        look_up(server, name, "A")


def test_an_alias_beside_other_records_is_refused(server: NameServer) -> None:
    with pytest.raises(ValueError, match="cannot hold CNAME"):
        server.set("acme.test", "CNAME", ["platform.test"])


def test_a_failing_name_fails_until_it_is_healed(server: NameServer) -> None:
    server.fail("mx.acme.test")
    with pytest.raises(dns.resolver.NoNameservers, match="SERVFAIL"):
        look_up(server, "mx.acme.test", "A")
    server.heal("mx.acme.test")
    assert look_up(server, "mx.acme.test", "A") == [LOOPBACK]


def test_a_silent_name_gets_no_answer_and_the_others_do(server: NameServer) -> None:
    server.silence("mx.acme.test")
    resolver = server.resolver()
    with pytest.raises(dns.exception.Timeout):
        resolver.resolve("mx.acme.test", "A", lifetime=0.2)
    assert look_up(server, "acme.test", "MX") == ["10 mx.acme.test."]


def test_the_name_server_remembers_what_it_was_asked(server: NameServer) -> None:
    before = len(server.asked())
    look_up(server, "acme.test", "MX")
    assert server.asked()[before:] == [("acme.test", "MX")]


# The recipient's mail server


@pytest.fixture(scope="module")
def postfix() -> Iterator[PostfixMx]:
    options = PostfixOptions(
        hostname="in.mx.test",
        tls=True,
        size=10_000,
        hide=("pipelining", "smtputf8"),
        refuse={"gone@mx.test": "550 5.1.1 no such mailbox", "busy@mx.test": "451 4.2.1 try again"},
    )
    with PostfixMx(["mx.test"], options) as mx:
        yield mx


@pytest.fixture
def client(postfix: PostfixMx) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(LOOPBACK, postfix.port, local_hostname="mail.acme.test", timeout=10) as connection:
        connection.ehlo()
        yield connection


def test_postfix_keeps_the_bytes_and_the_envelope(
    postfix: PostfixMx, client: smtplib.SMTP, signed: bytes, server: NameServer
) -> None:
    before = len(postfix.messages())
    client.sendmail("bounce+1@send.acme.test", ["ann@mx.test"], signed, mail_options=["BODY=8BITMIME"])
    (delivered,) = postfix.wait_for_messages(before + 1)[before:]
    assert (delivered.sender, delivered.recipient) == ("bounce+1@send.acme.test", "ann@mx.test")
    assert delivered.raw == signed
    assert dkimpy_verdicts(delivered.raw, server) == BOTH_HOLD


def test_postfix_takes_the_null_sender(postfix: PostfixMx, client: smtplib.SMTP) -> None:
    before = len(postfix.messages())
    client.sendmail("", ["ann@mx.test"], MESSAGE)
    assert postfix.wait_for_messages(before + 1)[before].sender == ""


def test_postfix_speaks_tls_with_a_certificate_for_its_name(postfix: PostfixMx, client: smtplib.SMTP) -> None:
    assert postfix.certificate is not None
    before = len(postfix.messages())
    client.starttls(context=ssl.create_default_context(cafile=str(postfix.certificate.certificate)))
    client.sendmail("joe@acme.test", ["ann@mx.test"], MESSAGE)
    assert "TLSv1.3" in postfix.wait_for_messages(before + 1)[before].received


def test_postfix_has_a_size_limit_and_hides_extensions(client: smtplib.SMTP) -> None:
    assert client.esmtp_features["size"] == "10000"
    assert "8bitmime" in client.esmtp_features
    assert not {"pipelining", "smtputf8"} & set(client.esmtp_features)
    assert client.docmd("MAIL FROM:<joe@acme.test> SIZE=10001")[0] == 552


@pytest.mark.parametrize(("recipient", "code"), [("gone@mx.test", 550), ("busy@mx.test", 451), ("ann@other.test", 554)])
def test_postfix_refuses_as_told_and_never_relays(client: smtplib.SMTP, recipient: str, code: int) -> None:
    client.mail("joe@acme.test")
    assert client.rcpt(recipient)[0] == code


# The sinks


def test_the_sink_tells_what_came_twice() -> None:
    with Sink() as sink, smtplib.SMTP(LOOPBACK, sink.port, timeout=10) as client:
        client.sendmail("joe@acme.test", ["ann@mx.test", "bob@mx.test"], MESSAGE)
        client.sendmail("joe@acme.test", ["ann@mx.test"], MESSAGE)
        client.sendmail("joe@acme.test", ["ann@mx.test"], MESSAGE.replace(b"<1@", b"<2@"))
        taken = sink.wait_for_taken(4)
        assert [one.recipient for one in taken] == ["ann@mx.test", "bob@mx.test", "ann@mx.test", "ann@mx.test"]
        assert sink.duplicates() == {("ann@mx.test", "<1@acme.test>"): 2}


def test_the_sink_takes_a_pipelined_conversation() -> None:
    with Sink() as sink, socket.create_connection((LOOPBACK, sink.port), timeout=10) as wire:
        codes = ["220", "250", "250", "250", "354", "250", "221"]
        wire.sendall(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@mx.test>\r\nDATA\r\n.\r\nQUIT\r\n")
        replies = wire.makefile("rb").read().decode()
        assert [line[:3] for line in replies.splitlines() if line[3] == " "] == codes
        assert sink.taken()[0]._asdict() == {"recipient": "ann@mx.test", "message_id": "", "sender": "", "size": 0}


def test_postfix_sink_takes_mail() -> None:
    with PostfixSink() as sink, smtplib.SMTP(LOOPBACK, sink.port, timeout=10) as client:
        assert client.sendmail("joe@acme.test", ["ann@mx.test"], MESSAGE) == {}


# The judges


@pytest.mark.parametrize("judge", [dkimpy_verdicts, opendkim_verdicts])
class TestDkimJudges:
    def test_accepts_what_was_signed(self, judge: Judge, signed: bytes, server: NameServer) -> None:
        assert judge(signed, server) == BOTH_HOLD

    @pytest.mark.parametrize(("old", "new"), [(b"one dot", b"one d0t"), (b"Subject: Hello", b"Subject: Hullo")])
    def test_rejects_what_was_changed(
        self, judge: Judge, signed: bytes, server: NameServer, old: bytes, new: bytes
    ) -> None:
        assert judge(signed.replace(old, new), server) == NEITHER_HOLDS

    def test_rejects_when_the_key_is_gone(self, judge: Judge, signed: bytes, server: NameServer) -> None:
        server.remove("rsa._domainkey.acme.test")
        assert judge(signed, server) == [BOTH_HOLD[0], NEITHER_HOLDS[1]]

    def test_rejects_under_another_key(
        self, judge: Judge, signed: bytes, server: NameServer, ed25519_record: str
    ) -> None:
        other = base64.b64encode(b"another key of 32 octets in all.").decode()
        server.set("ed._domainkey.acme.test", "TXT", [f"v=DKIM1; k=ed25519; p={other}"])
        assert judge(signed, server) == [NEITHER_HOLDS[0], BOTH_HOLD[1]]

    def test_finds_nothing_in_an_unsigned_message(self, judge: Judge, server: NameServer) -> None:
        assert judge(MESSAGE, server) == []


def test_rspamd_accepts_signatures_sender_and_policy(rspamd: Rspamd, signed: bytes, server: NameServer) -> None:
    symbols = rspamd.verdict(signed, ENVELOPE)
    assert set(symbols["R_DKIM_ALLOW"]) == {"acme.test:s=rsa", "acme.test:s=ed"}
    assert {"R_SPF_ALLOW", "DMARC_POLICY_ALLOW"} <= set(symbols)


def test_rspamd_rejects_what_was_changed_and_comes_from_elsewhere(
    rspamd: Rspamd, signed: bytes, server: NameServer
) -> None:
    symbols = rspamd.verdict(signed.replace(b"one dot", b"one d0t"), replace(ENVELOPE, ip="127.0.0.2"))
    assert set(symbols["R_DKIM_REJECT"]) == {"acme.test:s=rsa", "acme.test:s=ed"}
    assert {"R_SPF_FAIL", "DMARC_POLICY_REJECT"} <= set(symbols)
    assert not {"R_DKIM_ALLOW", "R_SPF_ALLOW", "DMARC_POLICY_ALLOW"} & set(symbols)


def test_rspamd_wants_signature_and_sender_aligned_with_from(
    rspamd: Rspamd, sign: Callable[[bytes], bytes], server: NameServer
) -> None:
    server.set("_dmarc.platform.test", "TXT", ["v=DMARC1; p=reject"])
    unaligned = sign(MESSAGE.replace(b"joe@acme.test", b"joe@platform.test"))
    symbols = rspamd.verdict(unaligned, ENVELOPE)
    assert {"R_DKIM_ALLOW", "R_SPF_ALLOW", "DMARC_POLICY_REJECT"} <= set(symbols)


def test_rspamd_sees_a_changed_key_at_once(rspamd: Rspamd, signed: bytes, server: NameServer) -> None:
    rspamd.verdict(signed, ENVELOPE)
    server.remove("rsa._domainkey.acme.test")
    symbols = rspamd.verdict(signed, ENVELOPE)
    assert symbols["R_DKIM_ALLOW"] == ("acme.test:s=ed",)
    assert symbols["R_DKIM_PERMFAIL"] == ("acme.test:s=rsa",)


@pytest.mark.parametrize(
    ("envelope", "verdict"),
    [
        (ENVELOPE, "pass"),
        (replace(ENVELOPE, ip="127.0.0.2"), "fail"),
        (replace(ENVELOPE, mail_from="joe@platform.test"), "none"),
        (replace(ENVELOPE, mail_from="", helo="send.acme.test"), "pass"),
    ],
)
def test_pyspf_judges_the_envelope(server: NameServer, envelope: Envelope, verdict: str) -> None:
    assert spf_verdict(envelope, server) == verdict


def test_pyspf_knows_a_failing_name_server_from_a_missing_record(server: NameServer) -> None:
    server.fail("send.acme.test")
    assert spf_verdict(ENVELOPE, server) == "temperror"


# The small ones


def test_a_wait_in_vain_says_for_what() -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.05 s in vain for Godot"):
        wait_for(lambda: None, within=0.05, what="Godot")


def test_a_free_port_is_free() -> None:
    port = free_port()
    assert not accepts(port)
    with socket.create_server((LOOPBACK, port)):
        assert accepts(port)


def test_a_missing_program_skips_the_test_and_says_how_to_get_it() -> None:
    with pytest.raises(pytest.skip.Exception, match="apt-get install --no-install-recommends no-such-program"):
        require_program("no-such-program", {})


def test_a_missing_program_fails_where_all_must_run() -> None:
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require_program("no-such-program", {"MAILIT_REQUIRE_ALL": "1"})
