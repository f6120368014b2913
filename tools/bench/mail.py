"""The message that is sent: 3.5 KB of HTML and 1.5 KB of text, as a shop's confirmation has them."""

from __future__ import annotations

import json
import random
from typing import Any

SENDER = "Acme <news@acme.test>"
DOMAINS = 40
"""Recipients' domains: more than one, since no domain may have all of the edge's places."""

_TEXT = """order shipping confirmed account please thank invoice number item total address delivery courier tracking
return within days contact support question summer offer weather garden kitchen window between morning evening green
yellow paper wooden quick simple welcome again because through without another"""
_WORDS = _TEXT.split()
_HTML_BYTES, _TEXT_BYTES = 3500, 1500


def recipient(number: int) -> str:
    """The address of a message's only recipient."""
    return f"customer.{number}@shop{number % DOMAINS}.bench.test"


def email(number: int) -> dict[str, Any]:
    """The body of `POST /emails`; each number is another text, always the same one."""
    chance = random.Random(number)  # noqa: S311
    return {
        "from": SENDER,
        "to": recipient(number),
        "subject": f"Your order {number} is on its way",
        "html": _html(chance),
        "text": _sentences(chance, _TEXT_BYTES),
    }


def single(number: int) -> bytes:
    """The request body of one email."""
    return json.dumps(email(number)).encode()


def batch(first: int, count: int) -> bytes:
    """The request body of a batch."""
    return json.dumps([email(number) for number in range(first, first + count)]).encode()


def _html(chance: random.Random) -> str:
    head = '<!doctype html><html><head><meta charset="utf-8"></head><body style="font-family:sans-serif">'
    parts, size = [head], len(head)
    while size < _HTML_BYTES - 40:
        part = f'<p style="margin:0 0 16px;color:#333">{_sentences(chance, 180)}</p>\n'
        parts.append(part)
        size += len(part)
    return "".join(parts) + "</body></html>"


def _sentences(chance: random.Random, size: int) -> str:
    lines: list[str] = []
    length = 0
    while length < size:
        sentence = " ".join(chance.choices(_WORDS, k=chance.randint(6, 11))).capitalize() + "."
        lines.append(sentence)
        length += len(sentence) + 1
    return "\n".join(lines)[:size]
