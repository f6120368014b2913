"""`python -m gateway up`: everything on one machine, behind `make run`. Ctrl-C ends all that it started."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from gateway.data_folder import CannotStart, DataFolder
from gateway.supervisor import LOOK_EVERY, Supervisor
from mailit import wiring
from mailit.domain.errors import PortError
from mailit.wiring.seed import seed
from mailit.wiring.settings import Settings, load

_START_WITHIN = 60.0  # seconds


def up(environment: Mapping[str, str]) -> int:
    """Runs until it is told to stop; the exit status."""
    folder = DataFolder(Path(environment.get("MAILIT_DATA") or ".mailit").absolute())
    own = {**environment, "MAILIT_DATA": str(folder.path)}
    try:
        with folder.held():
            if not own.get("MAILIT_MASTER_KEY") and not own.get("MAILIT_MASTER_KEY_FILE"):
                own["MAILIT_MASTER_KEY_FILE"] = str(folder.master_key())
            _run(load(own), folder, own)
    except CannotStart as error:
        _say(f"MailIt cannot start: {error}")
        return 1
    return 0


def _run(settings: Settings, folder: DataFolder, environment: Mapping[str, str]) -> None:
    _check_free(settings.api_host, settings.api_port, "MAILIT_API_PORT")
    if settings.sandbox:
        _check_free(settings.smtp_host, settings.smtp_port, "MAILIT_SMTP_PORT")
    supervisor = Supervisor(folder.logs, environment, _say)
    signal.signal(signal.SIGINT, supervisor.stop)
    signal.signal(signal.SIGTERM, supervisor.stop)
    key = _seed(settings, folder)
    try:
        supervisor.start("gateway", ["-m", "gateway", "serve"])
        supervisor.start("triggers", ["-m", "gateway", "triggers"])
        supervisor.start("edge", ["-m", "edge", "--roles", "outbound,sandbox" if settings.sandbox else "outbound"])
        if _wait_until_up(settings, supervisor, folder):
            told = _told(settings, key)
            _note(told, supervisor, folder)
            _announce(settings, told)
            supervisor.watch(lambda: _note(told, supervisor, folder))
    finally:
        folder.ready.unlink(missing_ok=True)
        supervisor.end()


def _check_free(host: str, port: int, name: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(f"{host}:{port} cannot be used ({error.strerror}); set {name} to another port") from None


def _seed(settings: Settings, folder: DataFolder) -> str:
    """The API key to show, kept between starts. On the first one the administrator's password is shown at once: nobody
    could read it again if this start failed."""
    kept = folder.api_key
    if kept is not None:
        return kept
    try:
        wired = wiring.build(settings)
        try:
            seeded = seed(wired.deps)
        finally:
            wired.engine.close()
    except PortError as error:
        raise CannotStart(str(error)) from error
    if seeded.password is not None:
        _say(f"The administrator is {seeded.email}, password {seeded.password} (shown this once).")
    folder.keep_api_key(seeded.key)
    return seeded.key


def _wait_until_up(settings: Settings, supervisor: Supervisor, folder: DataFolder) -> bool:
    """False when the end was asked for meanwhile."""
    deadline = time.monotonic() + _START_WITHIN
    while not supervisor.stopping:
        supervisor.check_alive()
        if _answers(settings) and (not settings.sandbox or _greets(settings)):
            return True
        if time.monotonic() > deadline:
            raise CannotStart(f"it was not up after {_START_WITHIN:g} s (see {folder.logs})")
        time.sleep(LOOK_EVERY)
    return False


def _answers(settings: Settings) -> bool:
    connection = HTTPConnection(_reachable(settings.api_host), settings.api_port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def _greets(settings: Settings) -> bool:
    try:
        with socket.create_connection((_reachable(settings.smtp_host), settings.smtp_port), timeout=2) as connection:
            return connection.recv(4) == b"220 "
    except OSError:
        return False


def _reachable(host: str) -> str:
    """Where to find on this machine what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _api(settings: Settings) -> str:
    host = _reachable(settings.api_host)
    return f"http://[{host}]:{settings.api_port}" if ":" in host else f"http://{host}:{settings.api_port}"


def _told(settings: Settings, key: str) -> dict[str, str]:
    """What the ready line says."""
    api = _api(settings)
    return {
        "api": api,
        "key": key,
        "smtp": f"{_reachable(settings.smtp_host)}:{settings.smtp_port}" if settings.sandbox else "",
        "inbox": f"{api}/sandbox/messages" if settings.sandbox else "",
    }


def _note(told: Mapping[str, str], supervisor: Supervisor, folder: DataFolder) -> None:
    """The same for programs, with the children's process ids."""
    folder.write(folder.ready, json.dumps({**told, "pids": supervisor.pids}))


def _announce(settings: Settings, told: Mapping[str, str]) -> None:
    if settings.sandbox:
        _say(_hint(told["api"], told["key"]))
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
