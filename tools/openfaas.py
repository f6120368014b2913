"""Writes `infra/openfaas/stack.yaml` from the code: `python tools/openfaas.py [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.bundle.files import dump, write_or_check
from tools.bundle.model import bundle
from tools.bundle.openfaas import stack

TARGET = Path(__file__).parent.parent / "infra/openfaas/stack.yaml"
HEAD = "# Made by `make template` from the resources in functions/. Do not edit.\n"


def main(arguments: list[str]) -> int:
    """The exit status."""
    return write_or_check(TARGET, HEAD + dump(stack(bundle())), "template", arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
