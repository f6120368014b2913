"""The yardstick: a Postfix of our own that signs by OpenDKIM (RSA-2048, over a unix socket) and relays to smtp-sink."""

from __future__ import annotations

import os
import pwd
import smtplib
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailit.domain.addresses import Mailbox
from mailit.mime.build import Draft, build
from tests.parts.deadline import wait_for
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.program import Program, require_program
from tests.parts.sink import PostfixSink
from tools.bench import cpu, mail
from tools.bench.folder import temporary

EMAILS = 3000
_WARM = 200
_CLIENTS = 8
_PER_CONNECTION = 20

_SERVICES = """\
postlog    unix-dgram n - n - 1 postlogd
pickup     unix n - n 60   1 pickup
cleanup    unix n - n -    0 cleanup
qmgr       unix n - n 300  1 qmgr
rewrite    unix - - n -    - trivial-rewrite
bounce     unix - - n -    0 bounce
defer      unix - - n -    0 bounce
trace      unix - - n -    0 bounce
proxymap   unix - - n -    - proxymap
error      unix - - n -    - error
retry      unix - - n -    - error
smtp       unix - - n -    - smtp
anvil      unix - - n -    1 anvil
scache     unix - - n -    1 scache
"""
_OPENDKIM = """\
Mode s
Syslog no
Background no
AutoRestart no
UMask 000
Canonicalization relaxed/relaxed
Domain acme.test
Selector mailit
KeyFile {folder}/key.pem
Socket local:{folder}/milter
RequireSafeKeys no
"""


def measure() -> dict[str, float]:
    """The same messages as MailIt's, twenty on a connection on both sides."""
    messages = [message(number) for number in range(EMAILS)]
    with temporary("postfix") as folder, PostfixSink() as sink, _servers(folder, sink.port) as (port, pids):
        _submit(port, messages[:_WARM])
        wait_for(lambda: _queued(folder) == 0, within=60, what="an empty queue")
        before, started = cpu.seconds(pids), time.monotonic()
        _submit(port, messages)
        wait_for(lambda: _queued(folder) == 0, within=120, what="an empty queue")
        used, took = cpu.seconds(pids) - before, time.monotonic() - started
        sent = (folder / "mail.log").read_text().count("status=sent")
    if sent != EMAILS + _WARM:
        raise RuntimeError(f"{sent} of {EMAILS + _WARM} messages were relayed")
    return {"postfix_opendkim_msg_per_cpu_s": EMAILS / used, "postfix_opendkim_msg_per_s": EMAILS / took}


def message(number: int) -> bytes:
    """What MailIt makes of the same email, not signed yet."""
    body = mail.email(number)
    local, _, domain = body["to"].partition("@")
    draft = Draft(
        from_=(Mailbox("Acme", "news", "acme.test"),),
        to=(Mailbox("", local, domain),),
        subject=body["subject"],
        date=1_795_000_000_000_000,
        message_id=f"<{number:032x}@acme.test>",
        text=body["text"],
        html=body["html"],
    )
    return build(draft)


@contextmanager
def _servers(folder: Path, relay: int) -> Iterator[tuple[int, list[int]]]:
    """Postfix's port, and the processes that everything else is below."""
    port = free_port()
    _write_files(folder, port, relay)
    config = str(folder / "etc")
    _run([require_program("postfix"), "-c", config, "check"])
    daemons = _run([require_program("postconf"), "-c", config, "-h", "daemon_directory"]).strip()
    with ExitStack() as stack:
        milter = Program([require_program("opendkim"), "-f", "-x", str(folder / "opendkim.conf")], folder)
        stack.callback(milter.close)
        milter.wait_until((folder / "milter").exists)
        master = Program([f"{daemons}/master", "-c", config, "-s"], folder)
        stack.callback(master.close)
        master.wait_until(lambda: accepts(port))
        yield port, [milter.pid, master.pid]


def _submit(port: int, messages: Sequence[bytes]) -> None:
    clients = [
        threading.Thread(target=_send, args=(port, messages[number::_CLIENTS]), daemon=True)
        for number in range(_CLIENTS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def _send(port: int, messages: Sequence[bytes]) -> None:
    for start in range(0, len(messages), _PER_CONNECTION):
        with smtplib.SMTP(LOOPBACK, port, "client.bench.test", timeout=60) as connection:
            for number, raw in enumerate(messages[start : start + _PER_CONNECTION], start):
                connection.sendmail("bounces@send.acme.test", [mail.recipient(number)], raw)


def _queued(folder: Path) -> int:
    """Messages in any of Postfix's queues."""
    queues = (folder / "queue" / name for name in ("maildrop", "incoming", "active", "deferred"))
    return sum(1 for queue in queues for file in queue.rglob("*") if file.is_file())


def _run(argv: Sequence[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603


def _write_files(folder: Path, port: int, relay: int) -> None:
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir(mode=0o755)
    postfix = pwd.getpwnam("postfix")
    os.chown(folder / "data", postfix.pw_uid, postfix.pw_gid)
    settings = _settings(folder, relay)
    (folder / "etc" / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    (folder / "etc" / "master.cf").write_text(f"{LOOPBACK}:{port} inet n - n - 100 smtpd\n{_SERVICES}")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    (folder / "key.pem").chmod(0o600)
    (folder / "opendkim.conf").write_text(_OPENDKIM.format(folder=folder))


def _settings(folder: Path, relay: int) -> dict[str, str]:
    return {
        "compatibility_level": "3.6",
        "queue_directory": f"{folder}/queue",
        "data_directory": f"{folder}/data",
        "maillog_file": f"{folder}/mail.log",
        "maillog_file_prefixes": str(folder),
        "multi_instance_directories": "",
        "inet_interfaces": LOOPBACK,
        "inet_protocols": "ipv4",
        "myhostname": "relay.bench.test",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "alias_maps": "",
        "alias_database": "",
        "local_recipient_maps": "",
        "relayhost": f"[{LOOPBACK}]:{relay}",
        "smtp_dns_support_level": "disabled",
        "smtpd_peername_lookup": "no",
        "smtpd_relay_restrictions": "permit_mynetworks, reject",
        "smtpd_milters": f"unix:{folder}/milter",
        "milter_default_action": "tempfail",
        "smtpd_client_connection_count_limit": "0",
        "smtpd_client_connection_rate_limit": "0",
        "in_flow_delay": "0",
        "queue_minfree": "0",
    }
