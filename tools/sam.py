"""Writes `template.yaml`, the AWS SAM application, from the code: `python tools/sam.py [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.bundle.files import dump, write_or_check
from tools.bundle.model import bundle
from tools.bundle.template import resource_count, template

TARGET = Path(__file__).parent.parent / "template.yaml"
HEAD = "# Made by `make template` from the functions, tables and queues. Do not edit.\n"
CONTRACT = 120  # operations there will be in all


def main(arguments: list[str]) -> int:
    """The exit status."""
    found = bundle()
    document = template(found)
    if not arguments:
        now = resource_count(document)
        later = now + max(0, CONTRACT - len(found.routes))
        sys.stdout.write(
            f"{now} resources for {len(found.routes)} operations, about {later} for {CONTRACT}; a stack has 500\n"
        )
    return write_or_check(TARGET, HEAD + dump(document), "template", arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
