"""`python -m localstack up | down`, behind `make deploy-local` and `make undeploy-local`."""

from __future__ import annotations

import sys
from pathlib import Path

from localstack.deployment import Deployment, Failed

_USAGE = "usage: python -m localstack up | down\n"


def main(arguments: list[str]) -> int:
    """The exit status."""
    root = Path(__file__).parent.parent
    deployment = Deployment(root, root / ".mailit/local")
    try:
        match arguments:
            case ["up"]:
                deployment.up()
            case ["down"]:
                deployment.down()
            case _:
                sys.stderr.write(_USAGE)
                return 2
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
