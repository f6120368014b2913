"""The bench's sums."""

from __future__ import annotations

import os

import pytest

from tools.bench import cpu, mail
from tools.bench.aws_calls import Counter, lambda_units, prices, usd_per_million
from tools.bench.figures import FIGURES, Figure, ratios, table


def test_a_million_emails_cost_what_their_calls_cost() -> None:
    counted = {"dynamodb_write_unit": 1000, "sqs_request": 500, "s3_put": 0}
    # 10 write units and 5 requests for each of 100 emails.
    assert usd_per_million(counted, 100, prices()) == pytest.approx(10 * 0.625 + 5 * 0.40)


def test_what_has_no_price_is_no_bargain() -> None:
    with pytest.raises(KeyError):
        usd_per_million({"gold": 1}, 1, prices())


def test_calls_are_counted_as_they_are_billed() -> None:
    counter = Counter()
    entry = {"MessageBody": "x" * 50 * 1024, "MessageGroupId": "team"}
    counter.add("accept", "SQS.SendMessageBatch", 200, {"Entries": [entry, entry]}, {})
    counter.add("mapping", "SQS.ReceiveMessage", 200, {}, {"Messages": [{"Body": "x"}]})
    counter.add("mapping", "SQS.ReceiveMessage", 200, {}, {})
    counter.add("accept", "S3.PUT", 200, {}, {})
    counter.add("accept", "S3.DELETE", 204, {}, {})
    consumed = {"ConsumedCapacity": [{"CapacityUnits": 3.0}, {"CapacityUnits": 2.0}]}
    counter.add("accept", "DynamoDB.BatchWriteItem", 200, {}, consumed)
    counter.add("accept", "DynamoDB.GetItem", 200, {}, {"ConsumedCapacity": {"CapacityUnits": 0.5}})
    counter.add("edge", "DynamoDB.UpdateItem", 400, {}, {"__type": "a#ConditionalCheckFailedException"})
    assert (counter.count(), counter.count(["edge"]), counter.idle) == (7, 1, 1)
    assert counter.units == {
        "sqs_request": 3,
        "sqs_fair_request": 2,
        "s3_put": 1,
        "dynamodb_write_unit": 6.0,
        "dynamodb_read_unit": 0.5,
    }


def test_lambda_is_billed_by_requests_and_memory_seconds() -> None:
    assert lambda_units(10, 2.0, 512) == {"lambda_request": 10, "lambda_gb_second": 1.0}


@pytest.mark.parametrize(
    ("figure", "value", "verdict"),
    [
        (Figure("a", "", 100), 100, "ok"),
        (Figure("a", "", 100), 80, "missed by 20%"),
        (Figure("a", "", 100, most=True), 100, "ok"),
        (Figure("a", "", 100, most=True), 150, "missed by 50%"),
        (Figure("a", ""), 1, ""),
    ],
)
def test_a_missed_target_says_by_how_much(figure: Figure, value: float, verdict: str) -> None:
    assert figure.verdict(value) == verdict


def test_ratios_need_both_sides() -> None:
    assert ratios({"path_batch_msg_per_cpu_s": 300}) == {}
    assert ratios({"path_batch_msg_per_cpu_s": 300, "postfix_opendkim_msg_per_cpu_s": 200}) == {"path_batch_ratio": 1.5}


def test_the_table_shows_what_was_measured_and_the_notes() -> None:
    shown = table({"dispatch_msg_per_cpu_s": 1500, "path_batch_ratio": 1.2}, ["edge left out"]).splitlines()
    assert [line.split()[0] for line in shown] == ["figure", "dispatch_msg_per_cpu_s", "path_batch_ratio", "note:"]
    assert "≥ 1,200  ok" in shown[1]
    assert "missed by 20%" in shown[2]


def test_figures_have_keys_of_their_own() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)


def test_a_message_has_the_size_it_should_and_is_always_the_same() -> None:
    body = mail.email(7)
    assert 3300 <= len(body["html"]) <= 3700
    assert 1450 <= len(body["text"]) <= 1500
    assert body == mail.email(7)
    assert body["html"] != mail.email(8)["html"]


def test_cpu_time_of_a_tree_grows() -> None:
    before = cpu.seconds([os.getpid()])
    deadline = os.times().user + 0.05
    while os.times().user < deadline:
        sum(range(1000))
    assert cpu.seconds([os.getpid()]) > before
