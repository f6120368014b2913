"""MIME parts: content types, transfer encodings, file names (RFC 2045, 2046, 2183, 2231)."""

from __future__ import annotations

import binascii
import re
from urllib.parse import quote

_CONTENT_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}"
    r"(?: *; *[A-Za-z0-9!#$&^_.+*-]{1,60}=(?:[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,200}|\"[ !#-\[\]-~]{0,200}\"))*"
)
_ASCII = bytes(range(128))
_LONGEST_LINE = 990  # 998 is the limit of RFC 5322 §2.1.1
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,127}")  # RFC 2392 §2, without angle brackets
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # controls, and what turns text around
_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")
_PIECE = 60  # characters of one RFC 2231 section


def is_content_type(text: str) -> bool:
    """True for `type/subtype` with parameters."""
    return len(text) <= 255 and _CONTENT_TYPE.fullmatch(text) is not None


def text_part(kind: str, text: str) -> bytes:
    """A `text/<kind>` part, headers and body, 7-bit clean with CRLF line ends."""
    # RFC 5322 §2.3: CR and LF only occur together.
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    encoding, body = _encode_text(lines.replace("\n", "\r\n").encode("utf-8", "replace"))
    return b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (
        kind.encode(),
        encoding,
        body,
    )


def _encode_text(body: bytes) -> tuple[bytes, bytes]:
    if b"\0" in body:
        raise ValueError("a text must not contain NUL")
    if body.isascii() and max(map(len, body.split(b"\r\n"))) <= _LONGEST_LINE:
        return b"7bit", body
    if len(body.translate(None, _ASCII)) * 6 > len(body):
        return b"base64", base64_lines(body)
    quoted = binascii.b2a_qp(body, istext=True)
    if b"\n" not in body:  # then b2a_qp breaks lines with LF alone
        quoted = quoted.replace(b"\n", b"\r\n")
    return b"quoted-printable", quoted


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 characters (RFC 2045 §6.8)."""
    encoded = binascii.b2a_base64(data, newline=False)
    return b"\r\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76)) + b"\r\n"


def file_part(filename: str | None, content_type: str, content: bytes, content_id: str | None) -> bytes:
    """An attached file, or an inline one where it has a content id."""
    if not is_content_type(content_type) or content_type.lower().startswith(("multipart/", "message/")):
        # RFC 2046 §5.1, §5.2.1: these types must not be base64.
        content_type = "application/octet-stream"
    lines = [
        f"Content-Type: {content_type}",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: " + ("inline" if content_id else "attachment") + _filename(filename),
    ]
    if content_id:
        if not _CONTENT_ID.fullmatch(content_id):
            raise ValueError("not a content id")
        lines.append(f"Content-ID: <{content_id}>")
    head = "\r\n".join(lines)
    return head.encode() + b"\r\n\r\n" + base64_lines(content)


def _filename(filename: str | None) -> str:
    if not filename:
        return ""
    filename = _UNPRINTABLE.sub("_", filename)
    plain = _UNQUOTABLE.sub("_", filename)
    if plain == filename:
        return f';\r\n filename="{filename}"'
    # The full name first: some readers take whichever they see first.
    return _extended(filename) + f';\r\n filename="{plain}"'


def _extended(filename: str) -> str:
    """RFC 2231 §4.1: the full name, percent-encoded, in sections where it is long."""
    encoded = quote(filename, safe="", errors="replace")
    if len(encoded) <= _PIECE:
        return f";\r\n filename*=utf-8''{encoded}"
    pieces = re.findall(rf"(?:%[0-9A-F]{{2}}|[^%]){{1,{_PIECE // 3}}}", encoded)
    charset = "utf-8''"
    return "".join(
        f";\r\n filename*{number}*={charset if number == 0 else ''}{piece}" for number, piece in enumerate(pieces)
    )
