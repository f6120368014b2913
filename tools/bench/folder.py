"""A temporary folder that daemons of other users may pass through."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.program import own_folder


@contextmanager
def temporary(name: str) -> Iterator[Path]:
    """Removed at the end, whatever happened."""
    folder = own_folder(f"bench-{name}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
