"""A readable plain text made from HTML, for recipients and filters that want one."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

_SKIPPED = frozenset({"head", "script", "style", "title", "template", "noscript", "svg", "-comment", "-doctype"})
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre", "hr"})
_LINES = frozenset({"div", "tr", "li", "br", "section", "article", "header", "footer", "center", "dt", "dd", "form"})
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])"
    r"|max-height\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[ \t\r\n\f\u200b\u200c\u200d\u034f\u00ad\ufeff]+")
_TAG = re.compile(r"<[^<>]*>")
_NAMES = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})")
_VOID = frozenset({"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "source"})
_MAX_DEPTH = 5000  # parsing time grows with the square of the nesting: 5,000 take 0.03 s, 100,000 take 12 s
_MAX_INPUT = 2_000_000  # characters; what is beyond is left out of the text, not of the message


def text_from_html(html: str) -> str:
    """Plain text with `\\n` line ends: links as `text (url)`, list items with a dash, hidden parts left out."""
    html = html[:_MAX_INPUT]
    if html.count("<") > _MAX_DEPTH and _depth(html) > _MAX_DEPTH:
        return _BLANKS.sub(" ", unescape(_TAG.sub(" ", html))).strip()
    root = LexborHTMLParser(html).root
    writer = _Writer()
    node: LexborNode | None = root
    while node is not None:
        down = node.first_child if writer.enter(node) else None
        node = down if down is not None else _next(node, root, writer)
    return writer.text()


def _depth(html: str) -> int:
    """How deep the tags nest at most, roughly."""
    depth = deepest = 0
    for end, name in _NAMES.findall(html):
        if name.lower() not in _VOID:
            depth = max(0, depth - 1) if end else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _next(node: LexborNode, root: LexborNode | None, writer: _Writer) -> LexborNode | None:
    """The node after this one and all below it; leaves what is left on the way up. (No recursion: nesting is the
    sender's to choose.)"""
    current: LexborNode | None = node
    while current is not None:
        writer.leave(current)
        if current.next is not None:
            return current.next
        current = current.parent
        if current is None or (root is not None and current.mem_id == root.mem_id):
            return None
    return None


class _Writer:
    """Collects text; white space is folded as a browser does."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._breaks = 0  # line breaks wanted before the next text
        self._space = False
        self._links: list[tuple[str, int]] = []

    def enter(self, node: LexborNode) -> bool:
        """True when what is below the node is wanted."""
        tag = node.tag or ""
        if tag == "-text":
            self._write(node.text_content or "")
            return False
        if tag in _SKIPPED or _is_hidden(node):
            return False
        self._before(tag)
        if tag == "a":
            self._links.append((node.attributes.get("href") or "", len(self._out)))
        if tag == "img":
            self._write(node.attributes.get("alt") or "")
        return True

    def leave(self, node: LexborNode) -> None:
        """Everything below the node is written."""
        tag = node.tag or ""
        if tag == "a" and self._links and not _is_hidden(node):
            self._end_link(*self._links.pop())
        if tag in _PARAGRAPHS:
            self._breaks = max(self._breaks, 2)
        elif tag in _LINES:
            self._breaks = max(self._breaks, 1)
        elif tag in ("td", "th"):
            self._space = True

    def _before(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self._breaks = max(self._breaks, 2)
        elif tag in _LINES:
            self._breaks = max(self._breaks, 1)
        if tag == "li":
            self._write("- ", keep=True)

    def _end_link(self, url: str, start: int) -> None:
        shown = "".join(self._out[start:]).strip()
        if url.startswith(("http://", "https://", "mailto:")) and url.removeprefix("mailto:") != shown:
            self._write(f" ({url})" if shown else url)

    def _write(self, text: str, *, keep: bool = False) -> None:
        folded = text if keep else _BLANKS.sub(" ", text)
        if not folded.strip():
            self._space = self._space or bool(folded)
            return
        if self._breaks and self._out:
            self._out.append("\n" * self._breaks)
        elif self._out and (self._space or folded[0] == " "):
            self._out.append("" if self._out[-1].endswith((" ", "\n")) else " ")
        self._breaks = 0
        self._out.append(folded if keep else folded.strip(" "))
        self._space = not keep and folded[-1] == " "

    def text(self) -> str:
        """What was written."""
        joined = unicodedata.normalize("NFC", "".join(self._out)).replace("\u00a0", " ")
        return "\n".join(line.rstrip() for line in joined.split("\n")).strip()


def _is_hidden(node: LexborNode) -> bool:
    if (node.tag or "").startswith("-"):
        return False
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style") or ""))
