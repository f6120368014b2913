"""`python -m edge --roles outbound,sandbox`."""

from __future__ import annotations

import argparse
import logging
import os
import sys

import uvloop

from edge.main import ROLES, run
from mailit import wiring
from mailit.wiring.settings import BadSetting, load


def main(arguments: list[str]) -> int:
    """The exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # aiosmtpd's own log repeats every command, addresses included.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(prog="edge", description="MailIt's SMTP edge.")
    parser.add_argument("--roles", default="outbound", help=f"comma-separated: {', '.join(ROLES)}")
    roles = parser.parse_args(arguments).roles.split(",")
    if not set(roles) <= set(ROLES):
        parser.error(f"roles are {', '.join(ROLES)}")
    try:
        wired = wiring.build(load(os.environ))
    except BadSetting as error:
        sys.stderr.write(f"the edge cannot start: {error}\n")
        return 1
    try:
        uvloop.run(run(wired, roles))
    finally:
        wired.engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
