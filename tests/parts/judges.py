"""Judges who did not write MailIt: what do they say of a message?

A message is judged as it crossed the wire: CRLF line ends, nothing added, nothing taken. Rspamd sits in its own file.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import dkim
import dkim.util
import dns.resolver

from tests.parts import spf_program
from tests.parts.name_server import NameServer
from tests.parts.ports import LOOPBACK
from tests.parts.program import require_program

_SECONDS = 30.0
_WEAKEST_KEY = 1024  # bits: RFC 8301 §3.2


class SignatureVerdict(NamedTuple):
    """One DKIM signature: d=, s=, and whether it holds."""

    domain: str
    selector: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the receiving server knew besides the message. `mail_from`: empty is the null sender."""

    helo: str
    mail_from: str
    ip: str = LOOPBACK


def dkimpy_verdicts(raw: bytes, server: NameServer) -> list[SignatureVerdict]:
    """dkimpy on every signature, from the top."""
    look_up = _txt_of(server)
    verifier = dkim.DKIM(raw, minkey=_WEAKEST_KEY)
    values = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    verdicts = []
    for index, value in enumerate(values):
        tags = dkim.util.parse_tag_value(value)
        try:
            ok = bool(dkim.DKIM(raw, minkey=_WEAKEST_KEY).verify(index, dnsfunc=look_up))
        except dkim.DKIMException:
            ok = False
        verdicts.append(SignatureVerdict(tags[b"d"].decode(), tags[b"s"].decode(), ok))
    return verdicts


def _txt_of(server: NameServer) -> Callable[..., bytes | None]:
    resolver = server.resolver()

    def look_up(name: bytes, timeout: float = 5) -> bytes | None:
        try:
            answer = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
        except dns.resolver.LifetimeTimeout as error:
            raise dkim.DnsTimeoutError from error
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.NoNameservers):
            return None
        strings: tuple[bytes, ...] = answer[0].strings
        return b"".join(strings)

    return look_up


_UNBOUND = """server:
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." nodefault
  local-zone: "invalid." nodefault
  local-zone: "127.in-addr.arpa." nodefault
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{port}
"""
_OPENDKIM = """Mode v
Syslog no
AuthservID judge.invalid
AlwaysAddARHeader yes
ResolverConfiguration {folder}/unbound.conf
"""
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"dkim=(\w+)[^;]*?header\.d=(\S+)[^;]*?header\.s=(\S+)")
_ADDED = re.compile(r"hname='Authentication-Results' hvalue='([^']*)'")


def opendkim_verdicts(raw: bytes, server: NameServer) -> list[SignatureVerdict]:
    """OpenDKIM on every signature, from the top."""
    program = require_program("opendkim")
    with tempfile.TemporaryDirectory(prefix="mailit-opendkim-") as made:
        folder = Path(made)
        (folder / "unbound.conf").write_text(_UNBOUND.format(port=server.port))
        (folder / "opendkim.conf").write_text(_OPENDKIM.format(folder=folder))
        (folder / "message").write_bytes(raw)
        argv = [program, "-x", str(folder / "opendkim.conf"), "-t", str(folder / "message"), "-vvv"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_SECONDS, check=False)
    added = _ADDED.search(done.stdout)
    if added is None:
        raise AssertionError(f"opendkim judged nothing:\n{done.stdout}{done.stderr}")
    results = _RESULT.findall(_COMMENT.sub("", added[1]))  # RFC 8601 §2.2; the comments hold semicolons
    return [SignatureVerdict(domain, selector, result == "pass") for result, domain, selector in results]


def spf_verdict(envelope: Envelope, server: NameServer) -> str:
    """pyspf's result for the envelope (RFC 7208 §2.6): `pass`, `fail`, `softfail`, `neutral`, `none`, `temperror` or
    `permerror`. It runs in a process of its own because it knows only the process's resolver."""
    argv = [sys.executable, str(Path(spf_program.__file__))]
    asked = {
        "port": server.port,
        "ip": envelope.ip,
        "mail_from": envelope.mail_from or f"postmaster@{envelope.helo}",  # RFC 7208 §2.4
        "helo": envelope.helo,
    }
    done = subprocess.run(argv, input=json.dumps(asked), capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise AssertionError(f"pyspf judged nothing:\n{done.stderr}")
    return str(json.loads(done.stdout)["result"])
