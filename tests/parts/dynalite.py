"""dynalite, a DynamoDB in Node, on a free port of 127.0.0.1: a second opinion on the table."""

from pathlib import Path

from tests.parts.part import Part
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.program import Program, missing, require_program

SERVER = Path(__file__).parent.parent / "sdk/node/node_modules/dynalite/cli.js"


class Dynalite(Part):
    """Keeps everything in memory."""

    def __init__(self, folder: Path) -> None:
        node = require_program("node")
        if not SERVER.exists():
            missing("dynalite is not installed: make test sets it up")
        self.port = free_port()
        options = ["--host", LOOPBACK, "--port", str(self.port), "--createTableMs", "0"]
        self._program = Program([node, str(SERVER), *options], folder)
        self._program.wait_until(lambda: accepts(self.port), within=30)

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def close(self) -> None:
        self._program.close()
