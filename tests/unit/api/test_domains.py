"""Domains: the records to publish, and what their look-up makes of them."""

from __future__ import annotations

import pytest

from tests.house import House, email


def create(house: House, **fields: object) -> dict[str, object]:
    answer = house.request("POST", "/domains", {"name": "acme.test", **fields})
    assert answer.status == 201, answer.text
    found: dict[str, object] = answer.json
    return found


def check(house: House, domain_id: object) -> dict[str, str]:
    """Ask for verification, let the worker run, and give the states by record."""
    assert house.request("POST", f"/domains/{domain_id}/verify").json == {"object": "domain", "id": domain_id}
    house.work()
    domain = house.request("GET", f"/domains/{domain_id}").json
    states = {f"{record['record']}/{record['type']}/{record['name']}": record["status"] for record in domain["records"]}
    return {"domain": domain["status"], **states}


def test_a_new_domain_says_which_records_to_publish(house: House) -> None:
    domain = create(house, name="Acme.TEST.", capabilities={"receiving": "enabled"})
    assert domain["name"] == "acme.test"
    assert domain["status"] == "not_started"
    records = [(r["record"], r["type"], r["name"], r["status"]) for r in domain["records"]]  # type: ignore[attr-defined]
    assert records == [
        ("DKIM", "TXT", "mailit._domainkey", "not_started"),
        ("DKIM", "TXT", "mailit-ed25519._domainkey", "not_started"),
        ("SPF", "MX", "send", "not_started"),
        ("SPF", "TXT", "send", "not_started"),
        ("DMARC", "TXT", "_dmarc", "not_started"),
        ("Receiving", "MX", "@", "not_started"),
    ]
    values = [record["value"] for record in domain["records"]]  # type: ignore[attr-defined]
    assert values[0].startswith("v=DKIM1; k=rsa; p=MII")
    assert values[1].startswith("v=DKIM1; k=ed25519; p=")
    assert values[2:4] == ["mx.mailit.test", "v=spf1 a:mx.mailit.test ~all"]


def test_private_keys_are_not_stored_in_clear(house: House) -> None:
    from mailit.stores.domains import Domains

    domain = create(house)
    stored = Domains(house.deps.table).get(house.team, str(domain["id"]))
    assert stored is not None
    for key in stored.keys:
        # Neither PKCS#8's header nor anything of the public key is to be seen.
        assert b"\x02\x01\x00\x30" not in key.sealed


def test_published_records_verify_a_domain(house: House) -> None:
    domain = create(house)
    house.publish(domain)
    states = check(house, domain["id"])
    assert set(states.values()) == {"verified"}


def test_nothing_published_is_pending_then_failed(house: House) -> None:
    domain = create(house)
    assert check(house, domain["id"])["domain"] == "pending"
    for _ in range(80):
        house.clock.forward(3600)
        house.tick("verify_domains")
        house.work()
    assert house.request("GET", f"/domains/{domain['id']}").json["status"] == "failed"


def test_some_records_make_a_domain_partially_verified(house: House) -> None:
    domain = create(house)
    house.publish(domain)
    del house.names.zone["mailit-ed25519._domainkey.acme.test", "TXT"]
    states = check(house, domain["id"])
    assert states["domain"] == "partially_verified"
    assert states["DKIM/TXT/mailit-ed25519._domainkey"] == "pending"
    assert states["DKIM/TXT/mailit._domainkey"] == "verified"
    assert house.request("POST", "/emails", email()).fault[0] == 403


def test_dmarc_is_advice(house: House) -> None:
    domain = create(house)
    house.publish(domain)
    del house.names.zone["_dmarc.acme.test", "TXT"]
    assert check(house, domain["id"])["domain"] == "verified"


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("mailit._domainkey.acme.test", "TXT", ("v=DKIM1; k=rsa; p=AAAA",)),
        ("send.acme.test", "TXT", ("v=spf1 include:elsewhere.test ~all",)),
        ("send.acme.test", "TXT", ("v=spf1 a:mx.mailit.test ~all", "v=spf1 -all")),
        ("send.acme.test", "TXT", ("v=spf1 -all a:mx.mailit.test",)),
        ("send.acme.test", "MX", ("10 mx.elsewhere.test",)),
    ],
)
def test_wrong_records_do_not_verify(house: House, name: str, kind: str, records: tuple[str, ...]) -> None:
    domain = create(house)
    house.publish(domain)
    house.names.zone[name, kind] = records
    assert check(house, domain["id"])["domain"] == "partially_verified"


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("send.acme.test", "v=spf1 ip4:192.0.2.1 +a:mx.mailit.test include:x.test -all"),
        ("_dmarc.acme.test", "v=DMARC1;p=reject;rua=mailto:a@b.test"),
    ],
)
def test_records_that_say_more_verify_too(house: House, name: str, record: str) -> None:
    domain = create(house)
    house.publish(domain)
    house.names.zone[name, "TXT"] = (record,)
    assert set(check(house, domain["id"]).values()) == {"verified"}


def test_a_dns_that_does_not_answer_takes_nothing_away(acme: House) -> None:
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    for key in acme.names.zone:
        acme.names.zone[key] = None
    assert check(acme, domain)["domain"] == "verified"
    assert acme.request("POST", "/emails", email()).status == 200


def test_a_dns_that_does_not_answer_verifies_nothing(house: House) -> None:
    domain = create(house)
    house.publish(domain)
    for key in house.names.zone:
        house.names.zone[key] = None
    states = check(house, domain["id"])
    assert states["domain"] == "pending"
    assert states["SPF/TXT/send"] == "temporary_failure"


def test_records_that_vanish_stop_sending_and_come_back_by_themselves(acme: House) -> None:
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    zone = dict(acme.names.zone)
    acme.names.zone.clear()
    acme.clock.forward(86_401)
    acme.tick("verify_domains")
    acme.work()
    assert acme.request("GET", f"/domains/{domain}").json["status"] == "failed"
    assert acme.request("POST", "/emails", email()).fault[0] == 403
    acme.names.zone.update(zone)
    acme.clock.forward(3601)
    acme.tick("verify_domains")
    acme.work()
    assert acme.request("GET", f"/domains/{domain}").json["status"] == "verified"


@pytest.mark.parametrize("name", ["", "x", "a..b", "-a.test", "a b.test", "a.test/", "127.0.0.1", "x" * 64 + ".test"])
def test_what_is_no_domain_is_refused(house: House, name: str) -> None:
    assert house.request("POST", "/domains", {"name": name}).fault[:2] == (422, "validation_error")


@pytest.mark.parametrize(
    "fields",
    [
        {"region": "mars"},
        {"tls": "maybe"},
        {"custom_return_path": "a.b"},
        {"custom_return_path": "a\r\nb"},
        {"open_tracking": "yes"},
        {"capabilities": {"sending": "disabled"}},
        {"capabilities": {"sending": "on"}},
    ],
)
def test_bad_options_are_refused(house: House, fields: dict[str, object]) -> None:
    assert house.request("POST", "/domains", {"name": "acme.test", **fields}).fault[:2] == (422, "validation_error")


def test_a_name_is_registered_once_over_all_teams(acme: House) -> None:
    _, other = acme.new_team()
    for key in (acme.key, other):
        fault = acme.request("POST", "/domains", {"name": "ACME.test"}, key=key).fault
        assert fault == (403, "validation_error", "The `acme.test` domain has been registered already.")


def test_a_removed_name_is_free(acme: House) -> None:
    _, other = acme.new_team()
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    assert acme.request("DELETE", f"/domains/{domain}").json == {"object": "domain", "id": domain, "deleted": True}
    assert acme.request("POST", "/emails", email()).fault[0] == 403
    assert acme.request("POST", "/domains", {"name": "acme.test"}, key=other).status == 201
    assert acme.request("DELETE", f"/domains/{domain}").fault[0] == 404


def test_settings_change_and_the_rest_stays(acme: House) -> None:
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    change = {"tls": "enforced", "open_tracking": True, "capabilities": {"receiving": "enabled"}, "id": "ignored"}
    assert acme.request("PATCH", f"/domains/{domain}", change).json == {"object": "domain", "id": domain}
    found = acme.request("GET", f"/domains/{domain}").json
    assert (found["tls"], found["open_tracking"], found["click_tracking"]) == ("enforced", True, False)
    assert found["capabilities"] == {"sending": "enabled", "receiving": "enabled"}
    acme.send()
    acme.work()
    assert acme.outbox()[0][1].require_tls


def test_a_domain_that_may_not_send_does_not(acme: House) -> None:
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    acme.request("PATCH", f"/domains/{domain}", {"capabilities": {"sending": "disabled", "receiving": "enabled"}})
    assert acme.request("POST", "/emails", email()).fault[0] == 403


def test_lists_give_all_domains_unless_asked_otherwise(house: House) -> None:
    ids = [create(house, name=f"d{number}.test")["id"] for number in range(4)][::-1]
    assert [item["id"] for item in house.request("GET", "/domains").json["data"]] == ids
    page = house.request("GET", "/domains?limit=2").json
    assert ([item["id"] for item in page["data"]], page["has_more"]) == (ids[:2], True)


def test_an_international_name_is_kept_as_a_label(house: House) -> None:
    assert create(house, name="b\u00fccher.example")["name"] == "xn--bcher-kva.example"
