"""The sheet that a text is written on, piece by piece: blanks, line breaks, marks of items, URLs of links."""

from __future__ import annotations

import re
import unicodedata

_BLANKS = re.compile(r"[ \t\r\n\f]+")
# What fills up a preheader; not U+200C and U+200D, which Persian and emoji need.
_FILLERS = dict.fromkeys((0xAD, 0x34F, 0x200B, 0x2060, 0xFEFF))
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SCHEMES = ("http://", "https://", "mailto:", "tel:")
_PIECE = 256  # characters brought into normal form at a time


class PlainText:
    """Takes text as it comes; white space is folded as a browser does."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 0  # line breaks wanted before the next text
        self._space = False  # a blank wanted before the next text
        self._mark = ""  # of an item that has no text yet

    @property
    def length(self) -> int:
        """How many pieces are written."""
        return len(self._out)

    def break_off(self, lines: int) -> None:
        """The next text begins on a new line, 2: after an empty one."""
        self._breaks = max(self._breaks, lines)

    def new_line(self) -> None:
        """One more line, up to an empty one."""
        self._breaks = min(self._breaks + 1, 2)

    def gap(self) -> None:
        """A blank before the next text on this line."""
        self._space = True

    def trim(self) -> None:
        """No line breaks at the end of what is written so far."""
        if self._out:
            self._out[-1] = self._out[-1].rstrip("\n")

    def mark(self, mark: str) -> None:
        """`mark` goes before the next text."""
        self._mark = mark

    def write(self, text: str, *, as_is: bool = False) -> None:
        """Add text; `as_is` keeps its line ends and blanks."""
        if not text.isascii():
            text = text.translate(_FILLERS)
        folded = text.replace("\r\n", "\n").replace("\r", "\n") if as_is else _BLANKS.sub(" ", text)
        if as_is and self._breaks:
            folded = folded.lstrip("\n")
        bare = folded if as_is else folded.strip(" ")
        if not bare:
            self._space = self._space or bool(folded)
            return
        self._begin(spaced=folded[0] == " " and not as_is)
        self._out.append(bare)
        self._space = not as_is and folded[-1] == " "

    def _begin(self, *, spaced: bool) -> None:
        if self._breaks and self._out:
            self._out.append("\n" * self._breaks)
        elif self._out and (self._space or spaced):
            self._out.append(" ")
        self._breaks = 0
        if self._mark:
            self._out.append(self._mark)
            self._mark = ""

    def add_link(self, url: str, begin: int) -> None:
        """The URL of a link whose text was written since `begin`, unless the text is the URL or it leads nowhere."""
        if not url.lower().startswith(_SCHEMES):
            return
        shown = "".join(self._out[begin:]).strip()
        if not shown:
            self.write(url)
        elif _plain(shown) != _plain(url):
            self._out.append(f" ({url})")

    def content(self) -> str:
        """What was written."""
        joined = "".join(self._out)
        if not joined.isascii():
            joined = _nfc(joined.replace("\u00a0", " "))
        return "\n".join(line.rstrip() for line in _CONTROLS.sub("", joined).split("\n")).strip("\n")


def _nfc(text: str) -> str:
    """NFC by pieces: a letter with a million accents takes the square of that time (so UAX #15 §13 allows 30)."""
    pieces: list[str] = []
    at = 0
    while at < len(text):
        end = at + _PIECE
        while end < at + _PIECE + 30 and unicodedata.combining(text[end : end + 1] or " "):
            end += 1
        pieces.append(unicodedata.normalize("NFC", text[at:end]))
        at = end
    return "".join(pieces)


def _plain(url: str) -> str:
    for scheme in _SCHEMES:
        url = url.removeprefix(scheme)
    return url.rstrip("/")
