"""Bad input gets Resend's error, and nothing is accepted."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mailit.domain.api_keys import Permission
from tests.house import House, email

INVALID_TO = (
    "Invalid `to` field. The email address needs to follow the `email@example.com` or"
    " `Name <email@example.com>` format."
)


def refused(house: House, body: Any) -> tuple[int, str, str]:
    fault = house.request("POST", "/emails", body).fault
    assert house.request("GET", "/emails").json["data"] == []
    return fault


@pytest.mark.parametrize(
    "raw",
    [b"{", b"", b"nonsense", b'{"to": NaN}', b"\xff\xfe", b'{"subject": "\\ud800"}', b"[" * 100_000, b"1" * 5000],
    ids=["brace", "empty", "word", "nan", "utf16", "surrogate", "deep", "long"],
)
def test_malformed_json_is_400(acme: House, raw: bytes) -> None:
    status, name, message = acme.request("POST", "/emails", raw=raw).fault
    assert (status, name) in ((400, "validation_error"), (422, "validation_error"))
    assert "JSON" in message or "object" in message


@pytest.mark.parametrize("body", [[], "text", 5, None, True])
def test_a_body_that_is_no_object_is_422(acme: House, body: Any) -> None:
    raw = b"null" if body is None else None
    fault = acme.request("POST", "/emails", body, raw=raw).fault
    assert fault == (422, "validation_error", "The request body must be an object.")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"subject": 5}, "Invalid `subject` field. Expected a string."),
        ({"html": ["x"]}, "Invalid `html` field. Expected a string."),
        ({"to": 5}, "Invalid `to` field. Expected an array."),
        ({"to": [5]}, "Invalid `to[0]` field. Expected a string."),
        ({"tags": "x"}, "Invalid `tags` field. Expected an array."),
        ({"tags": [{"name": 1, "value": "x"}]}, "Invalid `tags[0].name` field. Expected a string."),
        ({"headers": []}, "Invalid `headers` field. Expected an object."),
        ({"headers": {"X-A": 1}}, "Invalid `headers.X-A` field. Expected a string."),
        ({"attachments": {}}, "Invalid `attachments` field. Expected an array."),
        ({"scheduled_at": 5}, "Invalid `scheduled_at` field. Expected a string."),
        ({"from": {}}, "Invalid `from` field. Expected a string."),
    ],
)
def test_wrong_types_name_their_field(acme: House, fields: dict[str, Any], message: str) -> None:
    assert refused(acme, email(**fields)) == (422, "validation_error", message)


@pytest.mark.parametrize("field", ["to", "subject", "from"])
def test_a_missing_field_is_named(acme: House, field: str) -> None:
    body = email()
    del body[field]
    assert refused(acme, body) == (422, "missing_required_field", f"Missing `{field}` field.")


def test_faults_are_reported_in_the_order_to_text_subject_from(acme: House) -> None:
    assert refused(acme, {})[2] == "Missing `to` field."
    assert refused(acme, {"to": "a@b.test"})[2] == "Missing `html` or `text` field."
    assert refused(acme, {"to": "a@b.test", "text": "x"})[2] == "Missing `subject` field."
    assert refused(acme, {"to": "a@b.test", "text": "x", "subject": ""})[2] == "Missing `from` field."


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_51_recipients_are_too_many(acme: House, field: str) -> None:
    addresses = [f"a{number}@example.net" for number in range(51)]
    status, name, message = refused(acme, email(**{field: addresses}))
    assert (status, name) == (422, "validation_error")
    assert message == f"Invalid `{field}` field. The maximum number of addresses is 50."


def test_no_recipients_are_too_few(acme: House) -> None:
    assert refused(acme, email(to=[]))[:2] == (422, "validation_error")


@pytest.mark.parametrize(
    "address",
    [
        "plain",
        "a@",
        "@b.test",
        "a@b",
        "a b@c.test",
        "a@b.test, c@d.test",
        "<a@b.test",
        "a@b@c.test",
        "a@[127.0.0.1]",
        "group: a@b.test;",
        "(comment)a@b.test",
        "@route:a@b.test",
        "a@b..test",
        "a@-b.test",
        ".a@b.test",
        f"{'a' * 65}@b.test",
        "a@foo_bär.test",
        "a@127.0.0.①",
        f"a@{'ü' * 55}.{'ü' * 55}.{'ü' * 55}.{'ü' * 55}.test",
        "",
    ],
)
def test_what_is_no_address_is_refused(acme: House, address: str) -> None:
    assert refused(acme, email(to=address)) == (422, "validation_error", INVALID_TO)


@pytest.mark.parametrize("field", ["from", "cc", "bcc", "reply_to"])
def test_a_domain_that_is_none_is_refused_in_every_field(acme: House, field: str) -> None:
    status, _, message = refused(acme, email(**{field: "a@foo_bär.test"}))
    assert status == 422
    assert message.startswith(f"Invalid `{field}` field. The email address needs")


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_1_to_100_items(acme: House, count: int) -> None:
    answer = acme.request("POST", "/emails/batch", [email()] * count)
    assert answer.fault == (422, "validation_error", "The batch must contain between 1 and 100 emails.")


def test_a_batch_is_an_array(acme: House) -> None:
    answer = acme.request("POST", "/emails/batch", email())
    assert answer.fault == (422, "validation_error", "The request body must be an array.")


def test_attachments_are_not_for_batches(acme: House) -> None:
    item = email(attachments=[{"filename": "a.txt", "content": "aGk="}])
    assert acme.request("POST", "/emails/batch", [item]).fault[0] == 422


def test_an_oversized_body_is_413(acme: House) -> None:
    answer = acme.request("POST", "/emails/batch", raw=b"[" + b" " * (10 * 1024 * 1024) + b"]")
    assert answer.fault == (413, "validation_error", "The request body must not exceed 10 MB.")


def test_attachments_over_40_mb_in_base64_are_refused(acme: House) -> None:
    content = base64.b64encode(bytes(16 * 1024 * 1024)).decode()
    status, name, message = refused(acme, email(attachments=[{"filename": "a.bin", "content": content}] * 2))
    assert (status, name) == (422, "invalid_attachment")
    assert "40MB" in message


@pytest.mark.parametrize(
    "attachment",
    [
        {"filename": "a.txt"},
        {"filename": "a.txt", "content": "not base64!"},
        {"filename": "a.txt", "content": [256]},
        {"filename": "a.txt", "content": 5},
        {"filename": "a.exe", "content": "aGk="},
        {"filename": "a.EXE ", "content": "aGk="},
        {"filename": "a\r\nBcc: x@y.test", "content": "aGk="},
        {"filename": "a.txt", "content": "aGk=", "content_type": "text/plain\r\nBcc: x@y.test"},
        {"filename": "a.txt", "content": "aGk=", "content_id": "x\r\nBcc: x@y.test"},
        {"filename": "a.txt", "content": "aGk=", "content_id": "x" * 128},
    ],
)
def test_bad_attachments_are_refused(acme: House, attachment: dict[str, Any]) -> None:
    assert refused(acme, email(attachments=[attachment]))[:2] == (422, "invalid_attachment")


@pytest.mark.parametrize("mark", ["\r\n", "\n", "\r", "\0"])
@pytest.mark.parametrize(
    "inject",
    [
        lambda text: {"subject": f"Hello{text}Bcc: x@y.test"},
        lambda text: {"from": f"Acme{text}Bcc: x@y.test <news@acme.test>"},
        lambda text: {"from": f"news@acme.test{text}Bcc: x@y.test"},
        lambda text: {"to": f"Ann{text}Bcc: x@y.test <ann@example.net>"},
        lambda text: {"cc": f"ann@example.net{text}x"},
        lambda text: {"bcc": f"ann{text}@example.net"},
        lambda text: {"reply_to": f"A{text}b <ann@example.net>"},
        lambda text: {"headers": {"X-Test": f"a{text}Bcc: x@y.test"}},
        lambda text: {"headers": {f"X-Test{text}Bcc": "x@y.test"}},
        lambda text: {"headers": {"Message-ID": f"<a@b.test>{text}Bcc: x@y.test"}},
        lambda text: {"tags": [{"name": f"a{text}b", "value": "c"}]},
        lambda text: {"tags": [{"name": "a", "value": f"b{text}c"}]},
    ],
)
def test_line_breaks_get_into_no_header(acme: House, mark: str, inject: Any) -> None:
    assert refused(acme, email(**inject(mark)))[0] == 422


@pytest.mark.parametrize(
    "name",
    ["From", "to", "CC", "Bcc", "Subject", "Date", "Received", "Return-Path", "DKIM-Signature", "ARC-Seal",
     "Content-Type", "MIME-Version", "Resent-To", "Authentication-Results", "X Y", "X:Y", "", "Ünicode"],
)  # fmt: skip
def test_headers_of_ours_cannot_be_set(acme: House, name: str) -> None:
    status, kind, message = refused(acme, email(headers={name: "x"}))
    assert (status, kind) == (422, "validation_error")
    assert "`headers`" in message


def test_a_header_cannot_be_given_twice_in_two_cases(acme: House) -> None:
    assert refused(acme, email(headers={"X-A": "1", "x-a": "2"}))[0] == 422


@pytest.mark.parametrize("moment", ["yesterday-ish", "", "in 31 days", "2020-13-45T00:00:00Z", "x" * 500])
def test_a_time_that_means_nothing_or_too_much_is_refused(acme: House, moment: str) -> None:
    assert refused(acme, email(scheduled_at=moment))[:2] == (422, "validation_error")


def test_sending_by_template_is_not_there_yet(acme: House) -> None:
    assert refused(acme, email(template={"id": "welcome"}))[:2] == (422, "validation_error")


def test_unknown_fields_are_ignored(acme: House) -> None:
    assert acme.send(nonsense=1, id="x", audience_id={}) is not None


def test_a_body_on_get_and_delete_is_ignored(acme: House) -> None:
    assert acme.request("GET", "/emails", {}).status == 200
    assert acme.request("GET", "/emails", raw=b"{broken").status == 200
    key = acme.request("POST", "/api-keys", {"name": "x"}).json["id"]
    assert acme.request("DELETE", f"/api-keys/{key}", {}).json == {"object": "api_key", "id": key, "deleted": True}


def test_no_key_is_401(acme: House) -> None:
    fault = acme.request("POST", "/emails", email(), key=None).fault
    assert fault == (401, "missing_api_key", "Missing API key in the authorization header.")


@pytest.mark.parametrize(
    "key", ["re_wrongwrong_000000000000000000000000", "x", "re_", "re_\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"]
)
def test_a_wrong_key_is_401(acme: House, key: str) -> None:
    assert acme.request("POST", "/emails", email(), key=key).fault == (401, "validation_error", "API key is invalid")


def test_a_sending_key_can_send_and_nothing_else(acme: House) -> None:
    key = acme.new_key(acme.team, Permission.SENDING)
    expected = (401, "restricted_api_key", "This API key is restricted to only send emails.")
    for function in acme.catalogue.routes:
        spec = function.spec
        path = spec.path
        for name in spec.parameters:
            path = path.replace(f"{{{name}}}", "01a20ce2-04e6-7000-869d-bd98f167a3d5")
        answer = acme.request(spec.method, path, email() if spec.id == "emails/send" else [email()], key=key)
        if spec.scope == "full":
            assert answer.fault == expected, spec.id
        else:
            assert answer.status in (200, 404), spec.id


def test_the_senders_domain_has_to_be_verified(acme: House) -> None:
    body = email(**{"from": "a@elsewhere.test"})
    message = "The `elsewhere.test` domain is not verified. Please, add and verify your domain."
    assert refused(acme, body) == (403, "validation_error", message)


@pytest.mark.parametrize("sender", ["a@sub.acme.test", "a@acme.test.evil.test", "acme.test <a@evil.test>"])
def test_the_senders_domain_has_to_be_that_very_domain(acme: House, sender: str) -> None:
    assert refused(acme, email(**{"from": sender}))[0] == 403


def test_a_key_bound_to_a_domain_sends_from_that_domain_only(acme: House) -> None:
    other = acme.verified("other.test")
    key = acme.new_key(acme.team, Permission.SENDING, other)
    assert acme.request("POST", "/emails", email(), key=key).fault[0] == 403
    assert acme.request("POST", "/emails", email(**{"from": "a@other.test"}), key=key).status == 200


def test_an_id_that_is_no_uuid_is_422(acme: House) -> None:
    fault = acme.request("GET", "/emails/nonsense").fault
    assert fault == (422, "invalid_parameter", "The `email_id` must be a valid UUID.")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1.5"])
def test_a_limit_is_1_to_100(acme: House, limit: str) -> None:
    status, name, message = acme.request("GET", f"/emails?limit={limit}").fault
    assert (status, name) == (422, "validation_error")
    assert message.startswith("The pagination limit must be a number between 1 and 100.")


def test_after_and_before_exclude_each_other(acme: House) -> None:
    one = "01a20ce2-04e6-7000-869d-bd98f167a3d5"
    assert acme.request("GET", f"/emails?after={one}&before={one}").fault[0] == 422
    assert acme.request("GET", "/emails?after=x").fault[0] == 422


def test_an_unknown_path_is_404(acme: House) -> None:
    fault = acme.request("GET", "/nowhere").fault
    assert fault == (404, "not_found", "The requested endpoint does not exist.")
    assert acme.request("GET", "/emails/01a20ce2-04e6-7000-869d-bd98f167a3d5/nowhere").fault[0] == 404


def test_another_method_is_405(acme: House) -> None:
    fault = acme.request("PUT", "/emails").fault
    assert fault == (405, "method_not_allowed", "Method is not allowed for the requested path.")


def test_the_sandbox_is_not_there_outside_sandbox_mode(acme: House) -> None:
    assert acme.request("GET", "/sandbox/messages").fault[0] == 404
