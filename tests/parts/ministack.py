"""MiniStack, a LocalStack-compatible emulator, on a free port of 127.0.0.1, with a clock that tests can move."""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.parts.part import Part
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.program import Program, missing

ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(__file__).with_name("ministack_program.py")

CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# For the clients in this process; theirs are found in the environment alone.
os.environ.update(CREDENTIALS)


def emulator_python() -> Path:
    """The interpreter that has MiniStack; it has an environment of its own, for its versions are not ours."""
    python = Path(os.environ.get("MAILIT_EMULATOR_PYTHON") or ROOT / ".venv-emulator/bin/python")
    if not python.exists():
        missing("the emulator is not set up: make emulator")
    return python


class MiniStack(Part):
    """`forward` moves the time of its queues."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._ahead = folder / "seconds-ahead"
        self._ahead.write_text("0")
        arguments = ["/usr/bin/env", f"GATEWAY_PORT={self.port}", f"BIND_HOST={LOOPBACK}", "IOT_MTLS_ENABLED=0"]
        arguments += [f"MAILIT_TEST_AHEAD={self._ahead}", f"TMPDIR={folder}"]
        self._program = Program([*arguments, str(emulator_python()), "-P", str(PROGRAM)], folder)
        self._program.wait_until(lambda: accepts(self.port), within=30)

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def forward(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ahead = float(self._ahead.read_text()) + seconds
        beside = self._ahead.with_suffix(".new")
        beside.write_text(str(ahead))
        beside.rename(self._ahead)

    def close(self) -> None:
        self._program.close()
