"""`python -m gateway up`: everything on one machine, behind `make run`. Ctrl-C ends all that it started."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from gateway.family import die_with_parent
from mailit import wiring
from mailit.domain.errors import MailItError
from mailit.wiring.seed import seed
from mailit.wiring.settings import Settings, load

_START_WITHIN = 60.0  # seconds
_STOP_WITHIN = 9.0
_LOOK_EVERY = 0.05
_BACK_OFF = (0.2, 1.0, 5.0, 15.0)


class CannotStart(MailItError):
    """Something is missing or in the way; the message says what."""


@dataclass(slots=True)
class Child:
    """One process and how often it had to be started again."""

    name: str
    arguments: list[str]
    process: subprocess.Popen[bytes]
    starts: int = 1
    started: float = field(default_factory=time.monotonic)
    again_at: float | None = None


class Supervisor:
    """Starts, watches and ends the children."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = dict(environment)
        self._children: list[Child] = []
        self._stopping = False

    def stop(self, *_: object) -> None:
        """Asks for the end."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """True once the end was asked for."""
        return self._stopping

    @property
    def pids(self) -> dict[str, int]:
        """The children's process ids by name."""
        return {child.name: child.process.pid for child in self._children}

    def start(self, name: str, arguments: list[str]) -> None:
        """Start a child; what it prints goes to `<data>/logs/<name>.log`."""
        self._children.append(Child(name, arguments, self._spawn(name, arguments)))

    def _spawn(self, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        with self._log(name) as log:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )

    def _log(self, name: str) -> IO[bytes]:
        folder = self._settings.data / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        return (folder / f"{name}.log").open("ab")

    def check_alive(self) -> None:
        """While starting: a child that ends is a reason to give up."""
        for child in self._children:
            if child.process.poll() is not None:
                log = self._settings.data / "logs" / f"{child.name}.log"
                last = log.read_text("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
                raise CannotStart(f"{child.name} did not start: {last[0]} (see {log})")

    def watch(self) -> None:
        """Until the end is asked for: a child that ends is started again, later each time it ends soon."""
        while not self._stopping:
            for child in self._children:
                self._look_after(child)
            time.sleep(_LOOK_EVERY)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.again_at is not None:
            if now >= child.again_at:
                child.again_at, child.started = None, now
                child.starts += 1
                child.process = self._spawn(child.name, child.arguments)
            return
        if child.process.poll() is None:
            return
        if now - child.started > 60:
            child.starts = 0
        pause = _BACK_OFF[min(child.starts, len(_BACK_OFF)) - 1] if child.starts else _BACK_OFF[0]
        _say(f"{child.name} ended with {child.process.returncode}; starting it again in {pause:g} s")
        child.again_at = now + pause

    def end(self) -> None:
        """End all children, in the order they were started; whoever does not listen is killed."""
        deadline = time.monotonic() + _STOP_WITHIN
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        for child in self._children:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()


def up(environment: Mapping[str, str]) -> int:
    """Runs until it is told to stop; the exit status."""
    settings, environment = _prepare(environment)
    try:
        with (settings.data / "up.lock").open("w") as lock:
            _lock(lock, settings.data)
            return _run(settings, environment)
    except CannotStart as error:
        _say(f"MailIt cannot start: {error}")
        return 1


def _prepare(environment: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    """The settings, and the environment of the children, with a data folder and a master key of its own."""
    own = dict(environment)
    data = Path(own.get("MAILIT_DATA") or ".mailit").absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    own["MAILIT_DATA"] = str(data)
    if not own.get("MAILIT_MASTER_KEY") and not own.get("MAILIT_MASTER_KEY_FILE"):
        key = data / "master.key"
        if not key.exists():
            _write_secret(key, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        own["MAILIT_MASTER_KEY_FILE"] = str(key)
    return load(own), own


def _write_secret(path: Path, text: str) -> None:
    """Whole or not at all, readable by the owner alone."""
    beside = path.with_suffix(".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


def _lock(lock: IO[str], data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise CannotStart(f"another MailIt runs on the data folder {data}") from None


def _run(settings: Settings, environment: Mapping[str, str]) -> int:
    _check_free(settings.api_host, settings.api_port, "MAILIT_API_PORT")
    if settings.sandbox:
        _check_free(settings.smtp_host, settings.smtp_port, "MAILIT_SMTP_PORT")
    key, password = _seed(settings)
    supervisor = Supervisor(settings, environment)
    signal.signal(signal.SIGINT, supervisor.stop)
    signal.signal(signal.SIGTERM, supervisor.stop)
    ready = settings.data / "ready.json"
    try:
        supervisor.start("gateway", ["-m", "gateway", "serve"])
        supervisor.start("triggers", ["-m", "gateway", "triggers"])
        supervisor.start("edge", ["-m", "edge", "--roles", "outbound,sandbox" if settings.sandbox else "outbound"])
        if _wait_until_up(settings, supervisor):
            _announce(settings, supervisor, key, password, ready)
            supervisor.watch()
    finally:
        ready.unlink(missing_ok=True)
        supervisor.end()
    return 0


def _check_free(host: str, port: int, name: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(f"{host}:{port} cannot be used ({error.strerror}); set {name} to another port") from None


def _seed(settings: Settings) -> tuple[str, str | None]:
    """The API key to show, kept between starts, and on the first one the administrator's password."""
    kept = settings.data / "api-key"
    if kept.exists():
        return kept.read_text("utf-8").strip(), None
    wired = wiring.build(settings)
    try:
        seeded = seed(wired.deps)
    finally:
        wired.engine.close()
    _write_secret(kept, seeded.key + "\n")
    return seeded.key, seeded.password


def _wait_until_up(settings: Settings, supervisor: Supervisor) -> bool:
    """False when the end was asked for meanwhile."""
    deadline = time.monotonic() + _START_WITHIN
    while not supervisor.stopping:
        supervisor.check_alive()
        if _answers(settings) and (not settings.sandbox or _greets(settings)):
            return True
        if time.monotonic() > deadline:
            raise CannotStart(f"it was not up after {_START_WITHIN:g} s (see {settings.data / 'logs'})")
        time.sleep(_LOOK_EVERY)
    return False


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"{_api(settings)}/healthz", timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _greets(settings: Settings) -> bool:
    try:
        with socket.create_connection((settings.smtp_host, settings.smtp_port), timeout=2) as connection:
            return connection.recv(4) == b"220 "
    except OSError:
        return False


def _api(settings: Settings) -> str:
    host = "127.0.0.1" if settings.api_host in ("0.0.0.0", "::") else settings.api_host  # noqa: S104
    return f"http://[{host}]:{settings.api_port}" if ":" in host else f"http://{host}:{settings.api_port}"


def _announce(settings: Settings, supervisor: Supervisor, key: str, password: str | None, ready: Path) -> None:
    api = _api(settings)
    told = {
        "api": api,
        "key": key,
        "smtp": f"{settings.smtp_host}:{settings.smtp_port}" if settings.sandbox else "",
        "inbox": f"{api}/sandbox/messages" if settings.sandbox else "",
    }
    _write_secret(ready, json.dumps({**told, "pids": supervisor.pids}) + "\n")
    if password is not None:
        _say(f"The administrator is admin@localhost, password {password} (shown this once).")
    if settings.sandbox:
        _say(_hint(api, key))
    _say("ready " + " ".join(f"{name}={value}" for name, value in told.items()))


def _hint(api: str, key: str) -> str:
    return f"""MailIt is up. No mail leaves this machine (MAILIT_OUTBOUND=sandbox). Try:

  curl -X POST {api}/emails -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"from":"onboarding@resend.dev","to":"delivered@resend.dev","subject":"Hello","html":"<p>It works.</p>"}}'

and see what arrived at {api}/sandbox/messages. The SDKs work with RESEND_BASE_URL={api} (Node),
RESEND_API_URL={api} (Python) and this key. Ctrl-C ends it.
"""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
