"""What a service says when it does not do what it was asked, in the words of the ports.

Transient unless known better: a table that is not there yet, a role that lacks a right and a token that has expired
are put right by an operator, and the mail is still there then.
"""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)
from pynamodb.exceptions import PynamoDBException

from mailit.domain.errors import ConditionFailed, PortError, Refused, Unavailable

FOREIGN = (BotoCoreError, ClientError, PynamoDBException)
"""What a call may raise."""

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
    if code in _REFUSED or isinstance(error, ParamValidationError):
        return Fault(Refused(f"refused: {code or type(error).__name__}"))
    if code is not None:
        clear = code in _NOT_DONE or (status is not None and status < 500)
        return Fault(Unavailable(f"the service answered {code}"), unclear=not clear)
    never_sent = isinstance(error, (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError))
    return Fault(Unavailable(f"no answer: {type(error).__name__}"), unclear=not never_sent)


def _code(error: Exception) -> tuple[str | None, int | None]:
    if not isinstance(error, ClientError):
        return None, None
    code = error.response.get("Error", {}).get("Code", "Unknown")
    return code, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
