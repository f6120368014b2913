"""What a service says when it does not do what it was asked, in the words of the ports.

Transient unless known better: a table that is not there yet, a role that lacks a right and a token that has expired
are put right by an operator, and the mail is still there then.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailit.domain.errors import ConditionFailed, PortError, Refused, Unavailable

_NEVER_SENT = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "NoCredentialsError"})


def foreign() -> tuple[type[Exception], ...]:
    """What a call may raise. Imported when something was raised: the libraries take a tenth of a second."""
    from botocore.exceptions import BotoCoreError, ClientError
    from pynamodb.exceptions import PynamoDBException

    return BotoCoreError, ClientError, PynamoDBException


_CONDITION = "ConditionalCheckFailedException"
_REFUSED = frozenset(
    {
        "ValidationException",
        "SerializationException",
        "ItemCollectionSizeLimitExceededException",
        "InvalidMessageContents",
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong",
    }
)
# The service answered, and had not carried out anything.
_NOT_DONE = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "ThrottledException",
        "Throttling",
        "RequestLimitExceeded",
        "RequestThrottled",
        "TransactionConflictException",
        "SlowDown",
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`unclear`: nobody knows whether the call was carried out."""

    error: PortError
    unclear: bool = False


def fault_of(error: Exception) -> Fault:
    """What a foreign exception means. Its text may quote rows and is not passed on."""
    code, status = _code(error)
    if code == _CONDITION:
        return Fault(ConditionFailed("the row is in another state"))
    if code in _REFUSED:
        return Fault(Refused(f"refused: {code}"))
    if code is not None:
        clear = code in _NOT_DONE or (status is not None and status < 500)
        return Fault(Unavailable(f"the service answered {code}"), unclear=not clear)
    name = type(error).__name__
    return Fault(Unavailable(f"no answer: {name}"), unclear=name not in _NEVER_SENT)


def _code(error: Exception) -> tuple[str | None, int | None]:
    response = getattr(error, "response", None)
    if response is None:
        return None, None
    return response.get("Error", {}).get("Code", "Unknown"), response.get("ResponseMetadata", {}).get("HTTPStatusCode")
