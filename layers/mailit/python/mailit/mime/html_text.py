"""A readable plain text made from HTML, for recipients and filters that want one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from mailit.mime.html_tokens import Kind, attributes, tokens
from mailit.mime.plain_text import PlainText

_UNSEEN = frozenset({"svg", "template", "select", "datalist", "object", "audio", "video"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "hr", "dl"})
_LINES = frozenset(
    {"div", "tr", "li", "section", "article", "header", "footer", "main", "nav", "center", "dt", "dd", "form"}
)
_VOID = frozenset({"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source", "embed"})
_BLOCKS = frozenset({*_PARAGRAPHS, *_LINES})
_LISTS = frozenset({"ul", "ol"})
_CELLS = frozenset({"td", "th"})
_TELLING = frozenset({*_BLOCKS, *_CELLS, "a", "br", "img"})  # tags that make a difference to the text
# What an element's start tag ends when its end tag was left out (HTML standard §13.1.2.4).
_ENDED_BY = {
    **dict.fromkeys(_BLOCKS, frozenset({"p"})),
    "li": frozenset({"p", "li"}),
    "td": frozenset({"p", *_CELLS}),
    "th": frozenset({"p", *_CELLS}),
    "tr": frozenset({"p", "tr", *_CELLS}),
    "dt": frozenset({"p", "dt", "dd"}),
    "dd": frozenset({"p", "dt", "dd"}),
}

_OF_INTEREST = re.compile(r"style|hidden|data-skip", re.IGNORECASE)
_HIDDEN = re.compile(
    r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*hidden|max-height\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d]))",
    re.IGNORECASE,
)
_FLAT = re.compile(r"(?<![\w-])height\s*:\s*0(?![.\d])", re.IGNORECASE)
_CUT_OFF = re.compile(r"(?<![\w-])overflow\s*:\s*hidden", re.IGNORECASE)
_FONT_SIZE = re.compile(r"(?<![\w-])font(?:-size)?\s*:\s*([0-9.]+)", re.IGNORECASE)

_MAX_DEPTH = 1000  # elements deeper than this are not told apart
_MAX_INPUT = 1_000_000  # characters; what is beyond is left out of the text, not of the message


def text_from_html(html: str) -> str:
    """Plain text (NFC, `\\n` line ends): links as `text (url)`, items of lists with dash or number, what a reader does
    not see left out. Time is linear in the input."""
    page = _Page()
    for kind, name, rest in tokens(html[:_MAX_INPUT]):
        if kind is Kind.TEXT:
            page.text(name)
        elif kind is Kind.START:
            page.start(name, rest)
        else:
            page.end(name)
    return page.written()


@dataclass(slots=True)
class _Element:
    """An open element. `unseen`: with all in it. `tiny`: its text, unless an element in it has a size of its own."""

    tag: str
    unseen: bool
    tiny: bool
    url: str = ""
    begin: int = 0  # of a link's text in what is written
    number: int = 0  # of the last item, in `ol`


class _Look(NamedTuple):
    """What the attributes of an element say of its visibility. `tiny` None: as around it."""

    unseen: bool
    tiny: bool | None


class _Page:
    """Keeps track of open elements, and of what they mean for the text."""

    def __init__(self) -> None:
        self._text = PlainText()
        self._open: list[_Element] = [_Element("", unseen=False, tiny=False)]
        self._count: dict[str, int] = {}  # open elements of each tag
        self._lists: list[_Element] = []
        self._looks: dict[str, _Look] = {"": _Look(False, None)}  # the same attributes come again and again

    def written(self) -> str:
        """The text."""
        self._end_to(1)
        return self._text.content()

    def text(self, text: str) -> None:
        """Text between tags."""
        top = self._open[-1]
        if not top.unseen and not top.tiny:
            self._text.write(text, as_is=bool(self._count.get("pre")))

    def start(self, tag: str, rest: str) -> None:
        """A start tag."""
        if tag in _ENDED_BY:
            self._end_implied(_ENDED_BY[tag])
        elif tag == "a":
            self.end("a")
        look = self._looks.get(rest)
        if look is None:
            look = self._looks[rest] = _look(rest)
        within = self._open[-1]
        unseen = within.unseen or look.unseen or tag in _UNSEEN
        element = _Element(tag, unseen, within.tiny if look.tiny is None else look.tiny)
        if tag in _TELLING and not unseen:
            self._show(element, rest)
        if tag not in _VOID and len(self._open) < _MAX_DEPTH:
            self._open.append(element)
            self._count[tag] = self._count.get(tag, 0) + 1

    def end(self, tag: str) -> None:
        """An end tag; one that ends nothing is ignored."""
        if not self._count.get(tag):
            return
        at = len(self._open) - 1
        while self._open[at].tag != tag:
            at -= 1
        self._end_to(at)

    def _end_implied(self, ended: frozenset[str]) -> None:
        while self._open[-1].tag in ended:
            self._end_to(len(self._open) - 1)

    def _end_to(self, depth: int) -> None:
        """Close elements until `depth` are open."""
        while len(self._open) > depth:
            element = self._open.pop()
            self._count[element.tag] -= 1
            if element.tag in _TELLING and not element.unseen:
                self._leave(element)

    def _show(self, element: _Element, rest: str) -> None:
        tag = element.tag
        if tag in _BLOCKS:
            self._break(tag)
        if tag == "br":
            self._text.new_line()
        elif tag == "a":
            element.url = "".join(attributes(rest).get("href", "").split())
            element.begin = self._text.length
        elif tag == "img":
            self._text.write(attributes(rest).get("alt", ""))
        elif tag in _LISTS:
            self._lists.append(element)
        elif tag == "li":
            self._text.mark(self._item())

    def _item(self) -> str:
        """The mark of the next item of the innermost list."""
        if not self._lists:
            return "- "
        innermost = self._lists[-1]
        innermost.number += 1
        indent = "  " * min(len(self._lists) - 1, 10)
        return f"{indent}{innermost.number}. " if innermost.tag == "ol" else f"{indent}- "

    def _leave(self, element: _Element) -> None:
        tag = element.tag
        if tag == "a":
            self._text.add_link(element.url, element.begin)
        elif tag in _CELLS:
            self._text.gap()
        else:
            if tag in _LISTS:
                self._lists.pop()
            elif tag == "pre":
                self._text.trim()
            self._break(tag)

    def _break(self, tag: str) -> None:
        nested = self._lists and tag in _LISTS
        self._text.break_off(2 if tag in _PARAGRAPHS and not nested else 1)


def _look(rest: str) -> _Look:
    """From what stands in a start tag."""
    if not _OF_INTEREST.search(rest):
        return _Look(False, None)
    given = attributes(rest)
    style = given.get("style", "")
    sizes = _FONT_SIZE.findall(style)
    return _Look(
        _is_hidden(style) or "hidden" in given or given.get("data-skip-in-text") == "true",
        not sizes[-1].strip("0.") if sizes else None,
    )


def _is_hidden(style: str) -> bool:
    """`mso-hide:all` does not count: it stands on buttons that Outlook alone shows in another form."""
    return bool(_HIDDEN.search(style)) or bool(_FLAT.search(style) and _CUT_OFF.search(style))
