"""An SMTP server that takes everything and writes down what it took: `python sink_program.py RECORDS`.

Prints its port. Before it answers 250 to a message, RECORDS has a line of JSON for each recipient: what it
acknowledged is on file, and what is on file twice was sent twice.
"""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import uvloop

_MESSAGE_ID = re.compile(rb"^message-id:[ \t\r\n]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(rb"<([^>]*)>")
_LONGEST_LINE = 4096  # octets of a command
_END = b"\r\n.\r\n"
_EHLO = (
    b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 104857600\r\n250 ENHANCEDSTATUSCODES"
)


class Records:
    """The file; one write per message, so that lines never mix."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def add(self, sender: bytes, recipients: list[bytes], content: bytes) -> None:
        """`content`: the message as it came in DATA, dots still stuffed."""
        header, _, _ = content.partition(b"\r\n\r\n")
        found = _MESSAGE_ID.search(header)
        message_id = found.group(1).strip().decode("utf-8", "replace") if found else ""
        lines = (
            json.dumps(
                {
                    "recipient": recipient.decode("utf-8", "replace"),
                    "message_id": message_id,
                    "sender": sender.decode("utf-8", "replace"),
                    "size": len(content),
                }
            )
            for recipient in recipients
        )
        os.write(self._descriptor, "".join(line + "\n" for line in lines).encode())


class Session(asyncio.Protocol):
    """One connection (RFC 5321, with PIPELINING: replies of one read go out together)."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._buffer = bytearray()
        self._in_data = False
        self._sender: bytes | None = None
        self._recipients: list[bytes] = []
        self._scanned = 0
        self._commands: dict[bytes, Callable[[bytes], bytes]] = {
            b"EHLO": lambda _: self._reset(_EHLO),
            b"HELO": lambda _: self._reset(b"250 sink.test"),
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"RSET": lambda _: self._reset(b"250 2.0.0 ok"),
            b"NOOP": lambda _: b"250 2.0.0 ok",
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self._transport = transport
        transport.write(b"220 sink.test ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies: list[bytes] = []
        while (reply := self._step()) is not None:
            replies.append(reply)
        if replies:
            self._transport.write(b"".join(reply + b"\r\n" for reply in replies))
        if (replies and replies[-1].startswith(b"221")) or (not self._in_data and len(self._buffer) > _LONGEST_LINE):
            self._transport.close()

    def _step(self) -> bytes | None:
        """The reply to the next thing in the buffer; None when it is not there yet."""
        return self._end_of_data() if self._in_data else self._command()

    def _command(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        verb = line[:4].upper()
        if verb == b"QUIT":
            self._buffer.clear()
            return b"221 2.0.0 bye"
        known = self._commands.get(verb)
        return known(line) if known else b"502 5.5.1 not known here"

    def _mail(self, line: bytes) -> bytes:
        found = _ADDRESS.search(line)
        if self._sender is not None or found is None:
            return b"503 5.5.1 not now"
        self._sender = found.group(1)
        return b"250 2.1.0 ok"

    def _rcpt(self, line: bytes) -> bytes:
        found = _ADDRESS.search(line)
        if self._sender is None or found is None:
            return b"503 5.5.1 not now"
        self._recipients.append(found.group(1))
        return b"250 2.1.5 ok"

    def _data(self, line: bytes) -> bytes:
        if not self._recipients:
            return b"503 5.5.1 no recipients"
        self._in_data = True
        self._scanned = 0
        # The CRLF of the command counts as the first of CRLF.CRLF (an empty message).
        self._buffer[:0] = b"\r\n"
        return b"354 go on"

    def _end_of_data(self) -> bytes | None:
        end = self._buffer.find(_END, self._scanned)
        if end < 0:
            self._scanned = max(0, len(self._buffer) - len(_END))
            return None
        content = bytes(self._buffer[2 : end + 2])
        del self._buffer[: end + len(_END)]
        assert self._sender is not None
        self._records.add(self._sender, self._recipients, content)
        self._in_data = False
        return self._reset(b"250 2.0.0 taken")

    def _reset(self, reply: bytes) -> bytes:
        self._sender = None
        self._recipients = []
        return reply


async def serve(records: Records) -> None:
    """Until SIGTERM."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    server = await loop.create_server(lambda: Session(records), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"port {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await end.wait()


if __name__ == "__main__":
    uvloop.run(serve(Records(Path(sys.argv[1]))))
