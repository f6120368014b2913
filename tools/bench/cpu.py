"""CPU time (user and system) of processes that run, including what their ended children used."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_FIRST = 11  # utime, stime, cutime and cstime in /proc/<pid>/stat, counted after the name


def tree(root: int) -> list[int]:
    """`root` and everything below it that runs."""
    found = [root]
    for pid in found:
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += [int(child) for child in file.read_text().split()]
            except OSError:
                continue  # it ended meanwhile
    return found


def seconds(roots: Iterable[int]) -> float:
    """CPU seconds of these processes and all below. A child that ended is in its parent's figures once it was waited
    for, so a difference of two readings misses nothing."""
    return sum(_own(pid) for root in roots for pid in tree(root))


def _own(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = text.rpartition(") ")[2].split()  # a name may hold blanks
    return sum(int(field) for field in fields[_FIRST : _FIRST + 4]) * _TICK


def by_name(root: int) -> dict[int, float]:
    """CPU seconds of each process of a tree."""
    return {pid: _own(pid) for pid in tree(root)}
