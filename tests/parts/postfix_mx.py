"""A real Postfix of our own as the recipient's mail server."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from tests.parts.certificate import Certificate, make_certificate
from tests.parts.deadline import wait_for
from tests.parts.part import Part
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.program import Program, own_folder, require_program, require_root

_MAIL_USER = "nobody"  # owns the mailbox: virtual(8) refuses root
_SECONDS = 30.0

_SERVICES = """
postlog    unix-dgram n - n - 1 postlogd
pickup     unix n - n 60   1 pickup
cleanup    unix n - n -    0 cleanup
qmgr       unix n - n 300  1 qmgr
tlsmgr     unix - - n 1000? 1 tlsmgr
rewrite    unix - - n -    - trivial-rewrite
bounce     unix - - n -    0 bounce
defer      unix - - n -    0 bounce
trace      unix - - n -    0 bounce
proxymap   unix - - n -    - proxymap
error      unix - - n -    - error
retry      unix - - n -    - error
discard    unix - - n -    - discard
virtual    unix - n n -    - virtual
anvil      unix - - n -    1 anvil
"""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message in the mailbox. `raw` is the message as it came, without what Postfix puts in front when it
    delivers; `sender` is the envelope's (empty: null sender), `recipient` the envelope's; `received` is the Received
    line of this server, unfolded."""

    sender: str
    recipient: str
    received: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class PostfixOptions:
    """`size`: octets, 0 without limit. `hide`: EHLO keywords not offered (`8bitmime`, `smtputf8`, `pipelining`,
    `chunking`, `size`, …). `refuse`: recipient address → `550 5.1.1 reason` (or 4xx). `tls`: STARTTLS with a
    self-signed certificate for `hostname`."""

    hostname: str = "mx.test"
    tls: bool = False
    size: int = 0
    hide: Sequence[str] = ()
    refuse: Mapping[str, str] = field(default_factory=dict)


class PostfixMx(Part):
    """Listens on 127.0.0.1:`port`, takes every recipient in `domains` (and no other), keeps what it takes.

    It asks no name server and sends nothing anywhere. Needs root: Postfix insists on it.
    """

    def __init__(self, domains: Iterable[str], options: PostfixOptions | None = None) -> None:
        program = require_program("postfix")
        require_root("a Postfix of our own")
        options = options or PostfixOptions()
        self.port = free_port()
        self.folder = own_folder("postfix")
        self.certificate = make_certificate(self.folder, [options.hostname]) if options.tls else None
        config = str(self.folder / "etc")
        _write_files(self.folder, _settings(self.folder, domains, options, self.certificate), self.port)
        # What `postfix start-fg` does, but with master itself as our child.
        _run([program, "-c", config, "check"])
        master = f"{_run([require_program('postconf'), '-c', config, '-h', 'daemon_directory']).strip()}/master"
        self._program = Program([master, "-c", config, "-s"], self.folder)
        try:
            self._program.wait_until(lambda: accepts(self.port))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop it and remove its folder and all mail in it."""
        self._program.close()
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """Postfix's own account."""
        return (self.folder / "mail.log").read_text("utf-8", "replace")

    def messages(self) -> list[Delivered]:
        """What has been delivered until now, in the order of delivery."""
        files = sorted((self.folder / "mail" / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [_delivered(file.read_bytes()) for file in files]

    def wait_for_messages(self, count: int, within: float = 10.0) -> list[Delivered]:
        """The messages, once there are at least `count`."""
        what = f"{count} messages in Postfix's mailbox"
        wait_for(lambda: len(self.messages()) >= count, within, what)
        return self.messages()


def _run(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{argv[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _delivered(stored: bytes) -> Delivered:
    """Postfix's virtual(8) puts Return-Path, X-Original-To and Delivered-To in front, smtpd Received after them."""
    headers = message_from_bytes(stored, policy=default)
    lines = stored.split(b"\n")
    start = next(number for number, line in enumerate(lines) if line.startswith(b"Received:")) + 1
    while lines[start][:1] in (b" ", b"\t"):
        start += 1
    return Delivered(
        sender=str(headers["Return-Path"]).strip("<> "),
        recipient=str(headers["X-Original-To"]),
        received=" ".join(str(headers["Received"]).split()),
        raw=b"\r\n".join(lines[start:]),  # a mailbox has the system's line ends
    )


def _settings(
    folder: Path, domains: Iterable[str], options: PostfixOptions, certificate: Certificate | None
) -> dict[str, str]:
    owner = pwd.getpwnam(_MAIL_USER)
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": f"{folder}/queue",
        "data_directory": f"{folder}/data",
        "maillog_file": f"{folder}/mail.log",
        "maillog_file_prefixes": str(folder),
        "myhostname": options.hostname,
        "mydestination": "",
        "mynetworks": "",
        "inet_interfaces": LOOPBACK,
        "inet_protocols": "ipv4",
        "alias_maps": "",
        "alias_database": "",
        "local_recipient_maps": "",
        "biff": "no",
        # Nothing leaves, nothing is looked up.
        "default_transport": "error:nothing leaves this server",
        "relay_transport": "error:nothing leaves this server",
        "smtp_dns_support_level": "disabled",
        "smtpd_peername_lookup": "no",
        "local_header_rewrite_clients": "",  # loopback is no reason to complete a message
        "smtpd_relay_restrictions": "reject_unauth_destination",
        "smtpd_recipient_restrictions": "",
        "virtual_mailbox_domains": " ".join(domains),
        "virtual_mailbox_base": str(folder),
        "virtual_mailbox_maps": "static:mail/",
        "virtual_uid_maps": f"static:{owner.pw_uid}",
        "virtual_gid_maps": f"static:{owner.pw_gid}",
        "virtual_mailbox_limit": "0",
        "virtual_destination_recipient_limit": "1",
        "mailbox_size_limit": "0",
        "message_size_limit": str(options.size),
        "queue_minfree": "0",
        "smtpd_discard_ehlo_keywords": " ".join(options.hide),
        # A load test is not an attack.
        "smtpd_client_connection_count_limit": "0",
        "smtpd_client_connection_rate_limit": "0",
        "in_flow_delay": "0",
    }
    if options.refuse:
        pairs = ", ".join(f"{{ {address} = {reply} }}" for address, reply in options.refuse.items())
        settings["smtpd_recipient_restrictions"] = f"check_recipient_access inline:{{ {pairs} }}"
    if certificate is not None:
        settings |= {
            "smtpd_tls_security_level": "may",
            "smtpd_tls_cert_file": str(certificate.certificate),
            "smtpd_tls_key_file": str(certificate.key),
            "smtpd_tls_received_header": "yes",
        }
    return settings


def _write_files(folder: Path, settings: Mapping[str, str], port: int) -> None:
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir(mode=0o755)
    postfix = pwd.getpwnam("postfix")
    os.chown(folder / "data", postfix.pw_uid, postfix.pw_gid)
    owner = pwd.getpwnam(_MAIL_USER)
    os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    (folder / "etc" / "main.cf").write_text("".join(lines))
    (folder / "etc" / "master.cf").write_text(f"{LOOPBACK}:{port} inet n - n - 100 smtpd\n{_SERVICES.lstrip()}")
