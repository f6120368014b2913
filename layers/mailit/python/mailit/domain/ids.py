"""Ids: UUIDv7 (RFC 9562 §5.7), so that key order is time order."""

from __future__ import annotations

import os
import re
import threading

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


class Ids:
    """Makes ids that ascend within one process, also inside one millisecond (RFC 9562 §6.2, method 1)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0  # milliseconds << 12 | counter

    def new(self, now: int) -> str:
        """A UUIDv7 as text for the time `now` (microseconds since the epoch)."""
        with self._lock:
            tick = (now // 1000) << 12
            self._last = tick if tick > self._last else self._last + 1
            stamp = self._last
        random = int.from_bytes(os.urandom(8), "big") & ((1 << 61) - 1)  # room for `successor`
        value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def successor(start: str, steps: int) -> str:
    """The id `steps` after a UUIDv7: the same inputs give the same id, and ids ascend with `steps`."""
    value = int(start.replace("-", ""), 16)
    random = (value + steps) & ((1 << 62) - 1)
    text = f"{value >> 62 << 62 | random:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_uuid(text: str) -> bool:
    """True for the 36-character text form of a UUID, any version."""
    return _UUID.fullmatch(text) is not None
