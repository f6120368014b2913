"""Foreign programs as parts of a test: found or skipped, started, watched, ended."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.parts.deadline import wait_for

# Debian's package of each program we may need; requirements/apt.txt lists the packages.
_PACKAGES: Mapping[str, str] = {
    "named": "bind9",
    "postfix": "postfix",
    "postconf": "postfix",
    "smtp-sink": "postfix",
    "opendkim": "opendkim",
    "rspamd": "rspamd",
}
_WHERE = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
# Waits for a word from us; when there is none, only the end of the pipe, we are gone.
_GUARD = 'read -r word || kill -TERM "$1"'
_LOG_TAIL = 2000  # characters


def require_program(name: str, env: Mapping[str, str] = os.environ) -> str:
    """The path of a program. Without it the test skips, or fails when MAILIT_REQUIRE_ALL=1 says that all must run."""
    found = shutil.which(name, path=_WHERE)
    if found is None:
        package = _PACKAGES.get(name, name)
        missing(f"{name} is not installed: apt-get install --no-install-recommends {package}", env)
    return str(found)


def missing(why: str, env: Mapping[str, str] = os.environ) -> None:
    """End the test: skipped, or failed when MAILIT_REQUIRE_ALL=1 says that all must run."""
    if env.get("MAILIT_REQUIRE_ALL") == "1":
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def require_root(what: str) -> None:
    """Skip the test unless we are root, for programs that insist on it."""
    if os.geteuid() != 0:
        pytest.skip(f"{what} needs root")


def own_folder(name: str) -> Path:
    """A new folder that other users may pass through (pytest's tmp_path is closed to them): daemons change user."""
    folder = Path(tempfile.mkdtemp(prefix=f"mailit-{name}-"))
    folder.chmod(0o755)
    return folder


class Program:
    """One running program; what it prints goes to `<name>.log` in `folder`.

    A guard beside it ends it when our process ends without `close()`, so that even a killed test run leaves no process
    behind. (The kernel's parent-death signal would not do: programs that change their user lose it.)
    """

    def __init__(self, argv: Sequence[str], folder: Path) -> None:
        self._name = Path(argv[0]).name
        self._log = folder / f"{self._name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self._process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text("utf-8", "replace")

    def wait_until(self, ready: Callable[[], object], within: float = 15.0) -> None:
        """Wait for `ready`; AssertionError with the end of the log when the program ends or the time passes."""

        def check() -> object:
            if self._process.poll() is not None:
                raise AssertionError(f"{self._name} ended with {self._process.returncode}")
            return ready()

        try:
            wait_for(check, within=within, what=f"{self._name} to be ready")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.log()[-_LOG_TAIL:]}") from None

    def close(self, within: float = 10.0) -> None:
        """Ask it to end; kill it when it does not."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._guard.communicate(b"over\n")
