"""Names in the template: `emails/send-batch` → `EmailsSendBatch`, `release_due` → `ReleaseDue`."""

from __future__ import annotations

import re
from typing import Any

Node = dict[str, Any]
"""A piece of a template."""


def camel(name: str) -> str:
    """A logical id: letters and digits only."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))


def worker(name: str) -> str:
    """Logical id of a worker or timer."""
    return f"Workers{camel(name)}"


def table(name: str) -> str:
    """Logical id of a table."""
    return f"{camel(name)}Table"


def queue(name: str) -> str:
    """Logical id of a queue."""
    return f"{camel(name)}Queue"


def dead_letters(name: str) -> str:
    """Logical id of a queue's dead-letter queue."""
    return f"{camel(name)}DeadLetters"


def ref(name: str) -> Node:
    """A parameter, or a resource's own id."""
    return {"Ref": name}


def arn(name: str) -> Node:
    """A resource's ARN."""
    return {"Fn::GetAtt": [name, "Arn"]}


def sub(text: str) -> Node:
    """Text with `${…}` in it."""
    return {"Fn::Sub": text}
