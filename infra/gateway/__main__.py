"""`python -m gateway up | serve | triggers`."""

from __future__ import annotations

import logging
import os
import sys

from gateway.catalogue import BadCatalogue
from gateway.serve import serve
from gateway.triggers import triggers
from gateway.up import up
from mailit.wiring.settings import BadSetting, load

_USAGE = "usage: python -m gateway up | serve | triggers\n"


def main(arguments: list[str]) -> int:
    """The exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        match arguments:
            case ["up"]:
                return up(os.environ)
            case ["serve"]:
                serve(load(os.environ))
            case ["triggers"]:
                triggers(load(os.environ))
            case _:
                sys.stderr.write(_USAGE)
                return 2
    except (BadSetting, BadCatalogue) as error:
        sys.stderr.write(f"MailIt cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
