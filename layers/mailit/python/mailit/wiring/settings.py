"""Settings: read from the environment once, checked, typed. Nothing else in MailIt reads the environment.

A secret has no default. Times are seconds in the environment and microseconds here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from mailit.domain.domains import is_domain_name
from mailit.domain.errors import MailItError
from mailit.domain.retries import DELIVERY, parse_schedule
from mailit.domain.times import SECOND, Micros
from mailit.engines.aws.config import AwsConfig

Network = IPv4Network | IPv6Network


_LOCAL = "localhost"
_LOCAL_SPF = "ip4:127.0.0.1 ip6:::1"  # what `a:localhost` means, without a look-up


class BadSetting(MailItError):
    """A setting is missing or makes no sense; the process does not start."""


class OutboundMode(StrEnum):
    """Where the edge delivers to."""

    DIRECT = "direct"  # the recipient's MX
    SANDBOX = "sandbox"  # the sandbox mailbox, whoever the recipient is


@dataclass(frozen=True, slots=True)
class Settings:
    """All of them; the README's table says what each is for."""

    engine: str
    data: Path
    aws: AwsConfig | None  # of the engine `aws` alone
    master_key: bytes
    hostname: str
    api_host: str
    api_port: int
    functions: tuple[str, ...]
    smtp_host: str
    smtp_port: int
    outbound: OutboundMode
    resolver: tuple[str, int] | None
    mx_port: int
    allow_networks: tuple[Network, ...]
    spf: str
    rates: Mapping[str, int]
    retry_schedule: tuple[Micros, ...]
    lease: Micros
    visibility: int | None
    edge_connections: int
    workers: int
    triggers: int
    ca_file: Path | None

    @property
    def sandbox(self) -> bool:
        """True when no mail leaves the machine."""
        return self.outbound is OutboundMode.SANDBOX


def load(env: Mapping[str, str]) -> Settings:
    """The settings in `env`; `BadSetting` names the first that is wrong."""
    mx_port = _port(env, "MAILIT_MX_PORT", 25)
    hostname = _hostname(env, mx_port)
    engine = _one_of(env, "MAILIT_ENGINE", "embedded", ("embedded", "aws"))
    return Settings(
        engine=engine,
        aws=_aws(env) if engine == "aws" else None,
        data=Path(env.get("MAILIT_DATA", ".mailit")),
        master_key=_master_key(env),
        hostname=hostname,
        api_host=env.get("MAILIT_API_HOST", "127.0.0.1"),
        api_port=_port(env, "MAILIT_API_PORT", 8080),
        functions=tuple(name.strip() for name in env.get("MAILIT_FUNCTIONS", "").split(",") if name.strip()),
        smtp_host=env.get("MAILIT_SMTP_HOST", "127.0.0.1"),
        smtp_port=_port(env, "MAILIT_SMTP_PORT", 2525),
        outbound=OutboundMode(_one_of(env, "MAILIT_OUTBOUND", "sandbox", tuple(OutboundMode))),
        resolver=_resolver(env),
        mx_port=mx_port,
        allow_networks=_networks(env, "MAILIT_ALLOW_NETWORKS", "" if mx_port == 25 else "127.0.0.0/8,::1/128"),
        spf=env.get("MAILIT_SPF") or (_LOCAL_SPF if hostname == _LOCAL else f"a:{hostname}"),
        rates={
            "default": _count(env, "MAILIT_RATE_DEFAULT", 10),
            "send": _count(env, "MAILIT_RATE_SEND", 2),
            "batch": _count(env, "MAILIT_RATE_BATCH", 1),
        },
        retry_schedule=_schedule(env),
        lease=_seconds(env, "MAILIT_LEASE", 60),
        visibility=_count(env, "MAILIT_VISIBILITY", 1) if env.get("MAILIT_VISIBILITY") else None,
        edge_connections=_count(env, "MAILIT_EDGE_CONNECTIONS", 50),
        workers=_count(env, "MAILIT_WORKERS", 2),
        triggers=_count(env, "MAILIT_TRIGGERS", 2),
        ca_file=Path(env["MAILIT_CA_FILE"]) if env.get("MAILIT_CA_FILE") else None,
    )


def _aws(env: Mapping[str, str]) -> AwsConfig:
    """One endpoint for all three services, or one for each; none is AWS itself."""
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    if not region:
        raise BadSetting("AWS_REGION must name the region of the tables, queues and bucket")
    if not env.get("MAILIT_BUCKET"):
        raise BadSetting("MAILIT_BUCKET must name the bucket of large contents")
    every = _endpoint(env, "MAILIT_AWS_ENDPOINT")
    return AwsConfig(
        region,
        env.get("MAILIT_PREFIX") or "mailit-",
        env["MAILIT_BUCKET"],
        dynamodb=_endpoint(env, "MAILIT_DYNAMODB_ENDPOINT") or every,
        sqs=_endpoint(env, "MAILIT_SQS_ENDPOINT") or every,
        s3=_endpoint(env, "MAILIT_S3_ENDPOINT") or every,
    )


def _endpoint(env: Mapping[str, str], name: str) -> str | None:
    value = (env.get(name) or "").rstrip("/")
    where = urlsplit(value)
    if value and (where.scheme not in ("http", "https") or not where.netloc or where.path):
        raise BadSetting(f"{name} must be a URL such as http://127.0.0.1:4566")
    return value or None


def _hostname(env: Mapping[str, str], mx_port: int) -> str:
    """The edge's name. Who delivers to the world needs a real one: receivers refuse others."""
    name = (env.get("MAILIT_HOSTNAME") or _LOCAL).lower().rstrip(".")
    if name != _LOCAL and not is_domain_name(name):
        raise BadSetting("MAILIT_HOSTNAME must be a host name such as mail.example.com")
    if name == _LOCAL and mx_port == 25 and env.get("MAILIT_OUTBOUND") == OutboundMode.DIRECT:
        raise BadSetting("MAILIT_HOSTNAME must be set to this machine's public name to deliver to the world")
    return name


def _master_key(env: Mapping[str, str]) -> bytes:
    text = env.get("MAILIT_MASTER_KEY", "")
    if not text and env.get("MAILIT_MASTER_KEY_FILE"):
        text = Path(env["MAILIT_MASTER_KEY_FILE"]).read_text("ascii").strip()
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise BadSetting("MAILIT_MASTER_KEY (or the file named by MAILIT_MASTER_KEY_FILE) must be 32 bytes in base64")
    return key


def _one_of(env: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env.get(name) or default
    if value not in choices:
        raise BadSetting(f"{name} must be one of {', '.join(choices)}")
    return value


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise BadSetting(f"{name} must be a port number")
    return int(value)


def _count(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not value.isdecimal() or int(value) < 1:
        raise BadSetting(f"{name} must be a positive number")
    return int(value)


def _seconds(env: Mapping[str, str], name: str, default: float) -> Micros:
    try:
        value = float(env.get(name) or default)
    except ValueError:
        value = -1.0
    if value <= 0:
        raise BadSetting(f"{name} must be a number of seconds above 0")
    return round(value * SECOND)


def _schedule(env: Mapping[str, str]) -> tuple[Micros, ...]:
    text = env.get("MAILIT_RETRY_SCHEDULE", "")
    try:
        return parse_schedule(text) if text else DELIVERY
    except ValueError as error:
        raise BadSetting("MAILIT_RETRY_SCHEDULE must be seconds with commas between, as in 10,30,60") from error


def _resolver(env: Mapping[str, str]) -> tuple[str, int] | None:
    """`host` or `host:port` (`[v6]:port`); None is the system's own."""
    text = env.get("MAILIT_RESOLVER", "")
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    try:
        return str(ip_network(host.strip("[]")).network_address), _port({"port": port}, "port", 53)
    except (ValueError, BadSetting) as error:
        raise BadSetting("MAILIT_RESOLVER must be an address, or address:port") from error


def _networks(env: Mapping[str, str], name: str, default: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in env.get(name, default).split(",") if part.strip())
    except ValueError as error:
        raise BadSetting(f"{name} must be networks with commas between, as in 127.0.0.0/8") from error
