"""The parts of the system tests do what the other tests take from them; above all, the judges can say no."""

import base64
import smtplib
import ssl
from collections.abc import Iterator
from typing import NamedTuple

import dkim
import dns.exception
import dns.resolver
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.parts.deadline import wait_for
from tests.parts.judges import Envelope, SignatureVerdict, dkimpy_verdicts, opendkim_verdicts, spf_verdict
from tests.parts.name_server import NameServer
from tests.parts.ports import LOOPBACK, free_port
from tests.parts.postfix_mx import PostfixMx, PostfixOptions
from tests.parts.program import require_program
from tests.parts.rspamd import Rspamd
from tests.parts.sink import PostfixSink, Sink

pytestmark = pytest.mark.system

MESSAGE = (
    b"From: Joe <joe@acme.test>\r\nTo: ann@mx.test\r\nSubject: Hello\r\n"
    b"Date: Tue, 24 Nov 2026 09:31:47 +0000\r\nMessage-ID: <1@acme.test>\r\n\r\n.dots\r\n..and more\r\nGrüße\r\n".decode(
        "latin-1"
    ).encode("latin-1")
)
