"""`python -m edge` as a process: asked to stop it finishes what runs, killed it loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailit import wiring
from mailit.contracts.jobs import OutboundJob, Outcome, ResultJob
from mailit.domain.lanes import Lane
from mailit.ports.queue import Job
from mailit.stores.deliveries import Deliveries
from mailit.stores.queues import RESULTS, outbound
from mailit.wiring import Wired
from mailit.wiring.settings import load
from tests.parts.deadline import wait_for
from tests.parts.running import ROOT, SOURCES
from tests.parts.scripted_smtp import ACCEPTING, GREETING, TRANSACTION, ScriptedSmtp

pytestmark = pytest.mark.system

SLOW = f"{GREETING}\n{TRANSACTION.replace('S: 250 2.0.0 queued', 'wait 0.5')}\nS: 250 2.0.0 queued\nhang"
NEVER = f"{GREETING}\n{TRANSACTION.replace('S: 250 2.0.0 queued', 'hang')}"


class Edge:
    """The process, in sandbox mode, so that all mail goes to `port`; and its data, seen from here."""

    def __init__(self, folder: Path, port: int) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILIT_")}
        self._environment = {
            **inherited,
            "PYTHONPATH": SOURCES,
            "MAILIT_DATA": str(folder / "data"),
            "MAILIT_MASTER_KEY": "A" * 43 + "=",
            "MAILIT_SMTP_PORT": str(port),
            "MAILIT_LEASE": "1",
            "MAILIT_VISIBILITY": "1",
        }
        self._log = folder / "edge.log"
        self.wired: Wired = wiring.build(load(self._environment))
        self._ids = self.wired.deps.ids

    def send(self) -> None:
        """One job with its recipient's row."""
        deps, now = self.wired.deps, self.wired.deps.clock.now()
        job = OutboundJob(
            team="team",
            email_id=self._ids.new(now),
            recipient=0,
            mail_from="bounces@send.acme.test",
            rcpt_to="ann@example.net",
            domain="example.net",
            lane=Lane.CRITICAL,
            message_id="1@acme.test",
            message="Subject: Hello\r\n\r\nHi.\r\n",
        )
        row = Deliveries(deps.table).new(job.team, job.email_id, 0, job.rcpt_to, "to", now)
        deps.outbox.commit([row], [Job(outbound(job.lane), job.model_dump_json())])

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "edge", "--roles", "outbound"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_for(lambda: process.poll() is not None or "edge ready" in self.log(), 15, "the edge")
            assert process.poll() is None, self.log()
            yield process
        finally:
            process.kill()
            process.wait()

    def log(self) -> str:
        return self._log.read_text("utf-8")

    def result(self) -> ResultJob:
        """What was reported, one result."""
        (message,) = wait_for(lambda: self.wired.deps.queue.receive(RESULTS), 15, "a result")
        return ResultJob.model_validate_json(message.body)


def test_sigterm_lets_a_delivery_end_and_takes_no_new_one(tmp_path: Path) -> None:
    with ScriptedSmtp(SLOW) as server:
        edge = Edge(tmp_path, server.port)
        edge.send()
        with edge.running() as process:
            wait_for(lambda: server.messages, 10, "the message")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0, edge.log()
            edge.send()
        assert edge.result().outcome is Outcome.DELIVERED
        assert len(server.messages) == 1
        edge.wired.engine.close()


def test_a_delivery_that_kill_9_cut_off_is_made_by_the_next_edge(tmp_path: Path) -> None:
    with ScriptedSmtp(NEVER, ACCEPTING) as server:
        edge = Edge(tmp_path, server.port)
        edge.send()
        with edge.running() as process:
            wait_for(lambda: server.messages, 10, "the message")
            process.kill()
            process.wait()
        with edge.running():
            result = edge.result()
        assert (result.outcome, result.attempt) == (Outcome.DELIVERED, 2)
        edge.wired.engine.close()


def test_the_log_has_no_addresses_and_no_content(tmp_path: Path) -> None:
    with ScriptedSmtp(ACCEPTING) as server:
        edge = Edge(tmp_path, server.port)
        edge.send()
        with edge.running():
            edge.result()
            wait_for(lambda: "result=delivered" in edge.log(), 5, "the line of the attempt")
        assert "ann@" not in edge.log()
        assert "Hello" not in edge.log()
        edge.wired.engine.close()
