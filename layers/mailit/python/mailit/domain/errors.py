"""The one error tree, and how each branch is shown.

    MailItError
    ├── ApiError                 an answer: status, Resend's name, a message for the caller
    └── PortError                what a port (table, queue, blobs, DNS, HTTP) could not do
        ├── ConditionFailed      a conditional write found another state; nothing was written by it
        ├── NotFound             the blob or row asked for is not there
        ├── Unavailable          transient: throttled, timed out, connection lost, disk full; try again
        └── Refused              permanent: the target may not be used (private address, bad URL, too large)

An `ApiError` is rendered by `mailit.http` alone, as `{"statusCode", "name", "message"}` (contract §2).
An `Unavailable` that reaches the HTTP shim is a 503, in a worker the message is redelivered.
SMTP's own errors live with the edge and answer "permanent or transient?".
"""

from __future__ import annotations


class MailItError(Exception):
    """Root of everything MailIt raises on purpose."""


class ApiError(MailItError):
    """An answer to the caller of the HTTP API, in Resend's shape."""

    def __init__(self, status: int, name: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message
        self.retry_after = retry_after  # seconds; only on 429


class PortError(MailItError):
    """A port could not do what it was asked."""


class ConditionFailed(PortError):
    """A conditional write found the row in another state."""


class NotFound(PortError):
    """What was asked for does not exist."""


class Unavailable(PortError):
    """Transient: the same call may work later."""


class Refused(PortError):
    """Permanent: the same call will never work."""


def invalid(message: str) -> ApiError:
    """422 `validation_error`: a field is wrong."""
    return ApiError(422, "validation_error", message)


def missing_field(field: str) -> ApiError:
    """422 `missing_required_field`, in the words of the live API."""
    return ApiError(422, "missing_required_field", f"Missing `{field}` field.")


def not_found(what: str) -> ApiError:
    """404 `not_found`: also for what belongs to another team."""
    return ApiError(404, "not_found", f"{what} not found")


def forbidden(message: str) -> ApiError:
    """403 `validation_error`: the sender or the domain may not be used."""
    return ApiError(403, "validation_error", message)
