"""Generated files: written, or with `--check` compared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    """Without anchors: CloudFormation does not know them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(document: Any) -> str:
    """As YAML, in the order of the document."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def write_or_check(target: Path, text: str, make: str, arguments: list[str]) -> int:
    """The exit status. `make`: the target that writes the file."""
    if arguments != ["--check"]:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        return 0
    if target.exists() and target.read_text("utf-8") == text:
        return 0
    sys.stderr.write(f"{target.name} differs from the code: run `make {make}`\n")
    return 1
