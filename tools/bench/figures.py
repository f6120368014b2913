"""The figures with their targets, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class LeftOut(Exception):
    """Cannot be measured here; says why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `target` None: there is none. `most`: the target is the most it may be, not the least."""

    key: str
    what: str
    target: float | None = None
    most: bool = False

    def verdict(self, value: float) -> str:
        """`ok`, or by how much the target was missed; empty without one."""
        if self.target is None:
            return ""
        if (value <= self.target) if self.most else (value >= self.target):
            return "ok"
        return f"missed by {abs(value - self.target) / self.target:.0%}"


FIGURES: tuple[Figure, ...] = (
    Figure("rsa_sign_ms", "this machine: one RSA-2048 signature, CPU ms"),
    Figure("dispatch_msg_per_cpu_s", "dispatch, DKIM twice, messages per CPU second", 1200),
    Figure("edge_out_msg_per_cpu_s", "edge outbound, messages per CPU second", 1500),
    Figure("path_batch_msg_per_cpu_s", "whole path, batches of 100, messages per CPU second"),
    Figure("path_single_msg_per_cpu_s", "whole path, single requests, messages per CPU second"),
    Figure("postfix_opendkim_msg_per_cpu_s", "Postfix and OpenDKIM, messages per CPU second"),
    Figure("path_batch_ratio", "whole path, batches, against Postfix and OpenDKIM", 1.5),
    Figure("path_single_ratio", "whole path, single, against Postfix and OpenDKIM", 1.0),
    Figure("path_batch_msg_per_s", "whole path, batches, messages per second"),
    Figure("path_single_msg_per_s", "whole path, single, messages per second"),
    Figure("postfix_opendkim_msg_per_s", "Postfix and OpenDKIM, messages per second"),
    Figure("accept_ms_p50_c1", "POST /emails, 1 client, median, ms"),
    Figure("accept_ms_p99_c1", "POST /emails, 1 client, 99th percentile, ms"),
    Figure("accept_ms_p50_c16", "POST /emails, 16 clients, median, ms"),
    Figure("accept_ms_p99_c16", "POST /emails, 16 clients, 99th percentile, ms"),
    Figure("idle_end_to_end_ms", "POST to message at the other side, idle, median, ms"),
    Figure("email_cpu_ms_1k", "an email with 1,000 in the store, CPU ms"),
    Figure("email_cpu_ms_100k", "an email with 100,000 in the store, CPU ms"),
    Figure("email_cpu_ms_1m", "an email with 1,000,000 in the store, CPU ms"),
    Figure("rows_1k_vs_1m_ratio", "cost with 1,000,000 against 1,000", 1.5, most=True),
    Figure("import_ms_aws", "functions/emails/send, import and wiring on aws, ms", 250, most=True),
    Figure("first_answer_ms_aws", "functions/emails/send, its first answer on aws after that, ms"),
    Figure("aws_calls_batch", "AWS calls per email, batches of 100", 8, most=True),
    Figure("aws_calls_single", "AWS calls per email, single", 14, most=True),
    Figure("aws_calls_lone", "AWS calls per email, alone on an idle system"),
    Figure("usd_per_million", "USD per million emails on AWS, batches of 100"),
    Figure("usd_per_million_single", "USD per million emails on AWS, single"),
)


def ratios(values: Mapping[str, float]) -> dict[str, float]:
    """What follows from two measurements."""
    yardstick = values.get("postfix_opendkim_msg_per_cpu_s")
    found = {}
    for way in ("batch", "single"):
        measured = values.get(f"path_{way}_msg_per_cpu_s")
        if yardstick and measured:
            found[f"path_{way}_ratio"] = measured / yardstick
    return found


def table(values: Mapping[str, float], notes: Sequence[str] = ()) -> str:
    """What was measured, in the order of `FIGURES`; then the notes."""
    rows = [
        (figure.key, _number(values[figure.key]), _target(figure), figure.verdict(values[figure.key]), figure.what)
        for figure in FIGURES
        if figure.key in values
    ]
    lines = [("figure", "value", "target", "", "what it is"), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    text = [
        f"{key:<{widths[0]}}  {value:>{widths[1]}}  {target:>{widths[2]}}  {verdict:<{widths[3]}}  {what}".rstrip()
        for key, value, target, verdict, what in lines
    ]
    return "\n".join([*text, *(f"note: {note}" for note in notes)]) + "\n"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'≤' if figure.most else '≥'} {_number(figure.target)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
