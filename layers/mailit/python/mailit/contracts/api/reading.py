"""From JSON to a request model, or the answer that says what is wrong with it (contract §2).

One fault is reported: the first in the order of the model's fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mailit.domain.errors import ApiError, invalid, missing_field

Model = TypeVar("Model", bound=BaseModel)

PAGINATION = (
    "The pagination limit must be a number between 1 and 100."
    " See https://resend.com/docs/pagination for more information."
)

_EXPECTED: Mapping[str, str] = {
    "string_type": "Expected a string.",
    "bool_type": "Expected a boolean.",
    "int_type": "Expected a number.",
    "float_type": "Expected a number.",
    "list_type": "Expected an array.",
    "dict_type": "Expected an object.",
    "model_type": "Expected an object.",
    "model_attributes_type": "Expected an object.",
    "bytes_type": "Expected base64.",
}


def read(model: type[Model], data: Any) -> Model:
    """`data` (parsed JSON) as a `model`; raises `ApiError`."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise api_error(error) from None


def api_error(error: ValidationError) -> ApiError:
    """Resend's error for the first fault."""
    first = error.errors(include_url=False)[0]
    path = _path(first["loc"])
    if not first["loc"] and first["type"] != "value_error":
        expected = "an array" if first["type"] == "list_type" else "an object"
        return invalid(f"The request body must be {expected}.")
    if first["type"] == "missing":
        return missing_field(path)
    if first["type"] == "value_error":
        return invalid(str(first["ctx"]["error"]))
    return invalid(f"Invalid `{path}` field. {_explain(first)}")


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _explain(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    if fault["type"] in ("literal_error", "enum"):
        return f"Expected {context['expected']}."
    if fault["type"] == "string_too_long":
        return f"The maximum length is {context['max_length']} characters."
    return _EXPECTED.get(fault["type"], f"{fault['msg']}.")
