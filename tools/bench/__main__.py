"""`python -m tools.bench [part,part,…]`: measure, print the table, write `.mailit/bench.json`."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.bench import accept, aws_path, cold_start, dispatch, edge_out, machine, path, postfix, rows
from tools.bench.figures import LeftOut, ratios, table

RESULT = Path(".mailit/bench.json")
_WHERE = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Part:
    """Some figures that are measured together. `programs`: program → Debian's package of it."""

    name: str
    measure: Callable[[], dict[str, float]]
    programs: tuple[tuple[str, str], ...] = ()

    def missing(self) -> list[str]:
        """Packages to install first."""
        return [package for program, package in self.programs if shutil.which(program, path=_WHERE) is None]


_SINK = (("smtp-sink", "postfix"), ("named", "bind9"))

PARTS: tuple[Part, ...] = (
    Part("machine", machine.measure),
    Part("dispatch", dispatch.measure),
    Part("edge", edge_out.measure, _SINK),
    Part("batch", path.measure_batch, _SINK),
    Part("single", path.measure_single, _SINK),
    Part("postfix", postfix.measure, (*_SINK, ("opendkim", "opendkim"))),
    Part("accept", accept.measure),
    Part("idle", accept.measure_idle, (("named", "bind9"),)),
    Part("rows", rows.measure),
    Part("aws", aws_path.measure, _SINK),
    Part("import", cold_start.measure),
)


def main(only: str) -> int:
    """The exit status: 1 when a part could not be measured at all."""
    wanted = [name for name in only.split(",") if name]
    unknown = set(wanted) - {part.name for part in PARTS}
    if unknown:
        sys.stderr.write(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PARTS)}\n")
        return 2
    values: dict[str, float] = {}
    notes: list[str] = []
    failed = [part.name for part in PARTS if part.name in (wanted or [part.name]) and not _run(part, values, notes)]
    values |= ratios(values)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({key: round(value, 4) for key, value in values.items()}, indent=1) + "\n")
    sys.stdout.write("\n" + table(values, notes))
    return 1 if failed else 0


def _run(part: Part, values: dict[str, float], notes: list[str]) -> bool:
    packages = part.missing()
    if packages:
        notes.append(f"{part.name} left out: apt-get install --no-install-recommends {' '.join(packages)}")
        return True
    sys.stdout.write(f"{part.name} … ")
    sys.stdout.flush()
    started = time.monotonic()
    try:
        values |= part.measure()
    except LeftOut as error:
        notes.append(f"{part.name} left out: {error}")
        sys.stdout.write("left out\n")
        return True
    except (AssertionError, RuntimeError, OSError) as error:
        notes.append(f"{part.name} failed: {str(error)[:500]}")
        sys.stdout.write("failed\n")
        return False
    sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")
    return True


if __name__ == "__main__":
    sys.exit(main(",".join(sys.argv[1:])))
