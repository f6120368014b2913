"""`.mailit/local`: what a local deployment keeps between its commands, readable by its owner alone."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any


class Folder:
    """Files with secrets in them: mode 0600."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ready = path / "ready.json"
        self.emulator = path / "emulator.json"
        self.log = path / "emulator.log"
        self.scratch = path / "tmp"
        self.choices = path / "samconfig.toml"
        self._master_key = path / "master.key"

    def make(self) -> None:
        """Made where it is missing."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.scratch.mkdir(mode=0o700, exist_ok=True)

    def master_key(self) -> str:
        """Kept until the deployment is gone: the DKIM keys in the tables are sealed under it."""
        if not self._master_key.exists():
            self.write(self._master_key, base64.b64encode(secrets.token_bytes(32)).decode())
        return self._master_key.read_text("ascii").strip()

    def write(self, file: Path, text: str) -> None:
        """Whole or not at all."""
        beside = file.with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text + "\n")
        beside.rename(file)

    def note(self, file: Path, content: dict[str, Any]) -> None:
        """As JSON."""
        self.write(file, json.dumps(content, indent=2))

    def read(self, file: Path) -> dict[str, Any]:
        """Empty when it is not there."""
        if not file.exists():
            return {}
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return found

    def remove(self) -> None:
        """All of it."""
        shutil.rmtree(self.path, ignore_errors=True)
