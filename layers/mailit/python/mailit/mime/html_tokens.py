"""HTML as a row of tokens: text, start tags, end tags. No tree is made: a parser that mends markup as browsers do can
make a million elements of 30 KB (unclosed formatting is opened anew in every paragraph), and the markup is not ours.

Follows the tokenizer of the HTML standard (§13.2.5) where it decides what is text. Time is linear in the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from html import unescape as _unescape

_NAME = re.compile(r"[A-Za-z][^\s/>]*")
_MARKUP = ("!", "?", "/")  # after `<`, and no tag: a comment of a kind
_QUOTE_OR_END = re.compile(r">|=\s*[\"']")
_RAW = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript", "xml")
}
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_HUGE = re.compile(r"&#[0-9]{20,};?")


class Kind(Enum):
    """What a token is."""

    TEXT = auto()
    START = auto()
    END = auto()


Token = tuple[Kind, str, str]
"""(kind, text or tag's name in lower case, what stands between a start tag's name and its `>`)."""


def tokens(html: str) -> Iterator[Token]:
    """The tokens; comments, declarations and what is no text to a reader (scripts, styles) are left out."""
    begin = at = 0  # of the text; where to look for the next tag
    quotes = True
    while (start := html.find("<", at)) >= 0:
        closing = html.startswith("/", start + 1)
        name = _NAME.match(html, start + 1 + closing)
        if name is None and html[start + 1 : start + 2] not in _MARKUP:
            at = start + 1  # a mere character
            continue
        if start > begin:
            yield Kind.TEXT, unescape(html[begin:start]), ""
        if name is None:
            begin = at = _after_markup(html, start)
            continue
        end = _tag_end(html, name.end()) if quotes else html.find(">", name.end())
        if end < 0:
            # Quotes that never end: from here on the next `>` ends a tag. Once, or time would grow with the square.
            quotes, end = False, html.find(">", name.end())
        if end < 0:
            return
        tag = name[0].lower()
        yield (Kind.END, tag, "") if closing else (Kind.START, tag, html[name.end() : end])
        begin = at = end + 1 if closing or tag not in _RAW else _after_raw(html, end + 1, tag)
    if begin < len(html):
        yield Kind.TEXT, unescape(html[begin:]), ""


def unescape(text: str) -> str:
    """Character references resolved (`&eacute;`, `&#233;`)."""
    if "&" not in text:
        return text
    # Python refuses to read a number of more than 4,300 digits.
    return _unescape(_HUGE.sub("\ufffd", text) if "&#" in text else text)


def attributes(text: str) -> dict[str, str]:
    """A start tag's attributes, names in lower case; the first of a name counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        found.setdefault(name.lower(), unescape(double or single or bare))
    return found


def _tag_end(html: str, at: int) -> int:
    """Where the `>` is that ends the tag, quoted values skipped; -1 when there is none."""
    plain = html.find(">", at)
    if plain == at or (html.find("'", at, plain) < 0 and html.count('"', at, plain) % 2 == 0):
        return plain
    while (mark := _QUOTE_OR_END.search(html, at)) is not None:
        if mark[0] == ">":
            return mark.start()
        closed = html.find(mark[0][-1], mark.end())
        at = closed + 1 if closed >= 0 else mark.end()
    return -1


def _after_markup(html: str, start: int) -> int:
    """Where it goes on after a comment or a declaration."""
    if html.startswith("<!--", start):
        end = html.find("-->", start + 2)  # `<!-->` is a comment, too
        return end + 3 if end >= 0 else len(html)
    end = html.find(">", start)
    return end + 1 if end >= 0 else len(html)


def _after_raw(html: str, at: int, tag: str) -> int:
    """Where the end tag of an element begins whose content is not markup."""
    end = _RAW[tag].search(html, at)
    return end.start() if end else len(html)
