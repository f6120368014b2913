"""Times as people write them: ISO 8601 here, everything else through dateparser."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime
from importlib import import_module
from zoneinfo import ZoneInfo

from mailit.domain.times import Micros, from_datetime, to_datetime

_LONGEST = 100
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")
_WORDY = re.compile(r"[A-Za-z]{2}|\d{1,2}[:/.]\d")  # "1" or "12" alone is no time
_WEEKDAY = re.compile(r"\b(?:next|this|on)\s+(?=(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\b)", re.IGNORECASE)
_ZONES = {"ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles"}
_ZONE = re.compile(r"\s+(ET|CT|MT|PT)$")


def parse_time(text: str, now: Micros) -> Micros | None:
    """The moment that `text` means, UTC where it names no zone; None when it means none."""
    text = text.strip()
    if not text or len(text) > _LONGEST or not text.isprintable():
        return None
    if _ISO.fullmatch(text):
        exact = _iso(text)
        if exact is not None:
            return exact
    return _natural(text, now)


def _iso(text: str) -> Micros | None:
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return from_datetime(moment)
    except OverflowError:
        return None


def _natural(text: str, now: Micros) -> Micros | None:
    if not _WORDY.search(text):
        return None
    # Importing dateparser takes longer than a whole request; most times are ISO 8601 and never need it.
    dateparser = import_module("dateparser")
    plain, zone = _zone(_WEEKDAY.sub("", text))
    settings = {
        "PREFER_DATES_FROM": "future",
        "RETURN_AS_TIMEZONE_AWARE": True,
        "TIMEZONE": zone,
        "TO_TIMEZONE": "UTC",
        "RELATIVE_BASE": _base(now, zone),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dateparser warns of what Python will deprecate
        moment = dateparser.parse(plain, languages=["en"], settings=settings)
    return from_datetime(moment) if moment is not None else None


def _zone(text: str) -> tuple[str, str]:
    """US zones by their two letters, which dateparser does not know."""
    found = _ZONE.search(text)
    return (text[: found.start()], _ZONES[found[1]]) if found else (text, "UTC")


def _base(now: Micros, zone: str) -> datetime:
    """The naive local time that relative words start from."""
    moment = to_datetime(now)
    if zone == "UTC":
        return moment.replace(tzinfo=None)
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
