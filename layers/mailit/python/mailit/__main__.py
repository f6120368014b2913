"""`python -m mailit migrate`: makes the tables, queues and bucket of the engine `aws` where no CloudFormation does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from mailit.domain.errors import MailItError
from mailit.stores.tables import TABLES
from mailit.wiring import queues_of
from mailit.wiring.settings import load


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit status."""
    if list(arguments) != ["migrate"]:
        sys.stderr.write("usage: python -m mailit migrate\n")
        return 2
    try:
        sys.stdout.write(_migrate(environment) + "\n")
    except MailItError as error:
        sys.stderr.write(f"MailIt cannot migrate: {error}\n")
        return 1
    return 0


def _migrate(environment: Mapping[str, str]) -> str:
    settings = load(environment)
    if settings.aws is None:
        return "The embedded engine makes what it needs when it is opened; nothing to do."
    from mailit.engines.aws.migrate import migrate

    migrate(settings.aws, TABLES, queues_of(settings))
    return f"Tables and queues {settings.aws.prefix}* and bucket {settings.aws.bucket} are there."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
