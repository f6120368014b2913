"""The whole path on engine `aws` against MiniStack, each stage through a counting proxy of its own.

Accept, dispatch and record run here as Lambda would run them: a handler is called with an event. `mapping` is Lambda's
event source mapping: it receives ten messages at most without waiting for more, calls the handler, and deletes what
was not reported as failed. AWS bills those two calls as any other; on another host they are the triggers' own. The
edge is the real process. Not counted: set-up, empty receives (apart, as `idle`), and what timers do by the hour.

How full a batch is depends on how busy the system is: a single email that finds pollers waiting is a batch of one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from gateway.catalogue import load
from gateway.wsgi import Gateway
from mailit import wiring
from mailit.domain.emails import Event
from mailit.domain.lanes import Lane
from mailit.engines.aws.migrate import migrate
from mailit.engines.aws.sqs import make_client
from mailit.stores.listing import Window
from mailit.stores.queues import QUEUES, RESULTS, dispatch
from mailit.stores.tables import TABLES
from mailit.usecases.deps import Deps
from mailit.wiring.seed import seed
from mailit.wiring.settings import load as load_settings
from mailit.work import QueueWorker
from tests.parts.deadline import wait_for
from tests.parts.ministack import CREDENTIALS, ROOT, MiniStack
from tools.bench import mail
from tools.bench.aws_calls import Counter, lambda_units, prices, usd_per_million
from tools.bench.figures import LeftOut
from tools.bench.folder import temporary
from tools.bench.rig import Rig, add_domain, clean, environment
from tools.bench.sink import other_side
from tools.bench.tap import Tap

_STAGES = ("accept", "dispatch", "edge", "record")
MAPPING = "mapping"
_BATCHES, _BATCH = 10, 100
_SINGLES, _CLIENTS = 200, 8
_LONES = 5
_WARM = 20  # emails before the measurement: keys loaded, addresses of queues known
_POLLERS = 5  # of each queue, as Lambda begins with

# A function's duration is estimated: its CPU time on this machine, at the share of a CPU that its memory brings
# (Lambda gives a whole one with 1,769 MB), and its calls one after the other. Cold starts are left out.
_MEGABYTES = 512  # `Memory` of template.yaml
_CPU_SHARE = _MEGABYTES / 1769
_CALL_SECONDS = 0.006


def measure() -> dict[str, float]:
    """Batch, single and lone."""
    if not emulator_there():
        raise LeftOut("the emulator is not set up: make emulator")
    values: dict[str, float] = {}
    with bench() as path:
        bodies = [mail.batch(1000 + first * _BATCH, _BATCH) for first in range(_BATCHES)]
        path.run("/emails/batch", bodies, 1)
        path.tell("batches of 100", emails := _BATCHES * _BATCH)
        values |= {"aws_calls_batch": path.counter.count() / emails, "usd_per_million": path.price(emails)}
        path.run("/emails", [mail.single(number) for number in range(_SINGLES)], _CLIENTS)
        path.tell(f"single, {_CLIENTS} clients", _SINGLES)
        values |= {
            "aws_calls_single": path.counter.count() / _SINGLES,
            "usd_per_million_single": path.price(_SINGLES),
        }
        path.run_lone([mail.single(5000 + number) for number in range(_LONES)])
        path.tell("alone on an idle system", _LONES)
        values |= {"aws_calls_lone": path.counter.count() / _LONES}
        path.check()
    return values


class Counted:
    """A MailIt whose calls are counted; `counter` has those of the last run."""

    def __init__(self, deps: Deps, rig: Rig, counter: Counter, used: Usage) -> None:
        self._deps = deps
        self._rig = rig
        self._used = used
        self.counter = counter
        self._sent = 0

    def run(self, path: str, bodies: Sequence[bytes], clients: int) -> None:
        """Send these and wait until all is recorded."""
        self._begin()
        self._send(path, bodies, clients)
        self._until_recorded()

    def run_lone(self, bodies: Sequence[bytes]) -> None:
        """One after the other, each when there is nothing else."""
        self._begin()
        for body in bodies:
            self._send("/emails", [body], 1)
            self._until_recorded()

    def _begin(self) -> None:
        self.counter.reset()
        self._used.reset()

    def _send(self, path: str, bodies: Sequence[bytes], clients: int) -> None:
        failures: list[Exception] = []

        def client(its: Sequence[bytes]) -> None:
            for body in its:
                try:
                    self._used.measure("accept", partial(self._rig.post, path, body))
                except RuntimeError as error:
                    failures.append(error)

        threads = [threading.Thread(target=client, args=(bodies[number::clients],)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        self._sent += sum(body.count(b'"subject"') for body in bodies)

    def _until_recorded(self) -> None:
        def idle() -> bool:
            stats = [self._deps.queue.stats(spec.name) for spec in QUEUES]
            return all(item.waiting == item.in_flight == 0 for item in stats)

        # What follows from a message is sent before it is deleted; its answers are counted a little later.
        wait_for(idle, within=240, what="empty queues")
        time.sleep(0.3)

    def check(self) -> None:
        """Every email was delivered, and that is recorded."""
        team, found, after = add_domain(self._deps), 0, None
        while True:
            page = self._deps.emails.page(team, Window(limit=100, after=after))
            found += sum(email.last_event is Event.DELIVERED for email in page.items)
            if not page.has_more:
                break
            after = page.items[-1].id
        if found != self._sent:
            raise RuntimeError(f"{found} of {self._sent} emails were delivered")

    def units(self) -> dict[str, float]:
        """Everything that is billed, of the last run."""
        functions = [stage for stage in _STAGES if stage != "edge"]
        seconds = sum(self._used.seconds.values()) / _CPU_SHARE + self.counter.count(functions) * _CALL_SECONDS
        invocations = sum(self._used.invocations.values())
        return {
            **self.counter.units,
            **lambda_units(invocations, seconds, _MEGABYTES),
            "api_gateway_request": self._used.invocations["accept"],
        }

    def price(self, emails: int) -> float:
        """USD for a million such emails."""
        return usd_per_million(self.units(), emails, prices())

    def tell(self, what: str, emails: int) -> None:
        """Print the last run."""
        sys.stdout.write(f"\n{what}: calls per email\n" + _table(self, emails) + "\n")


def _table(path: Counted, emails: int) -> str:
    counter, stages = path.counter, (*_STAGES, MAPPING)
    kinds = sorted({kind for _, kind in counter.calls})
    lines = [["", *stages, "all"]]
    for kind in kinds:
        counts = [counter.calls[stage, kind] for stage in stages]
        lines.append([kind, *(f"{count / emails:.2f}" if count else "" for count in (*counts, sum(counts)))])
    lines.append(["all", *(f"{counter.count([stage]) / emails:.2f}" for stage in stages)])
    lines[-1].append(f"{counter.count() / emails:.2f}")
    text = [f"{line[0]:<34}" + "".join(f"{cell:>10}" for cell in line[1:]) for line in lines]
    text.append(f"without the mapping's: {counter.count(_STAGES) / emails:.2f}; idle receives: {counter.idle}")
    every, units = prices(), path.units()
    text += [
        f"{kind:<22}{count / emails:>10.3f} an email{count * every[kind] / emails:>10.2f} USD a million"
        for kind, count in units.items()
    ]
    text.append(f"{'all':<41}{path.price(emails):>10.2f} USD a million")
    return "\n".join(text)


class Usage:
    """What the functions took. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Measure anew."""
        self.invocations = dict.fromkeys(_STAGES, 0)
        self.seconds = dict.fromkeys(_STAGES, 0.0)

    def measure(self, stage: str, call: Callable[[], Any]) -> Any:
        """What `call` returns; its CPU time is noted."""
        before = time.thread_time()
        try:
            return call()
        finally:
            used = time.thread_time() - before
            with self._lock:
                self.invocations[stage] += 1
                self.seconds[stage] += used


@contextmanager
def bench() -> Iterator[Counted]:
    """All of it, warm."""
    os.environ |= CREDENTIALS
    with ExitStack() as stack:
        folder = stack.enter_context(temporary("aws"))
        emulator = stack.enter_context(MiniStack(folder))
        side = stack.enter_context(other_side())
        counter, used = Counter(), Usage()
        tap = stack.enter_context(Tap(emulator.endpoint, counter.add).open(*_STAGES, MAPPING))
        name = uuid.uuid4().hex[:8]

        def settings(endpoint: str) -> dict[str, str]:
            return {**environment(folder / "data", **side), **aws_settings(endpoint, name)}

        def deps_at(endpoint: str) -> Deps:
            wired = wiring.build(load_settings(settings(endpoint)))
            stack.callback(wired.engine.close)
            return wired.deps

        direct_settings = load_settings(settings(emulator.endpoint))
        assert direct_settings.aws is not None
        migrate(direct_settings.aws, TABLES, QUEUES)
        direct = deps_at(emulator.endpoint)
        key, team, catalogue = seed(direct).key, add_domain(direct), load()
        accept = catalogue.on(deps_at(tap.url("accept")))
        rig = Rig(direct, accept, Gateway(accept, direct.clock.now), team, key)
        mapping = load_settings(settings(tap.url(MAPPING))).aws
        assert mapping is not None
        sqs = make_client(mapping)
        for stage, worker, queues in (
            ("dispatch", "dispatch", [dispatch(lane) for lane in Lane]),
            ("record", "record_results", [RESULTS]),
        ):
            workers = catalogue.on(deps_at(tap.url(stage))).workers
            handler = next(item for item in workers if item.spec.name == worker)
            call = partial(_measured, used, stage, handler)
            for queue in queues * _POLLERS:
                window = 1.0 if queue == RESULTS else 0.0  # as the template has it
                stack.enter_context(_mapped(sqs, f"{mapping.prefix}{queue}", call, window))
        stack.enter_context(_edge(folder, settings(tap.url("edge"))))
        path = Counted(direct, rig, counter, used)
        path.run("/emails", [mail.single(9000 + number) for number in range(_WARM)], 2)
        path.run("/emails/batch", [mail.batch(9100, _WARM)], 1)
        yield path


def _measured(used: Usage, stage: str, handler: QueueWorker, event: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = used.measure(stage, partial(handler, event))
    return answer


def aws_settings(endpoint: str, name: str) -> dict[str, str]:
    """Settings of engine `aws` on an emulator."""
    return {
        "MAILIT_ENGINE": "aws",
        "MAILIT_AWS_ENDPOINT": endpoint,
        "MAILIT_PREFIX": f"b-{name}-",
        "MAILIT_BUCKET": f"bucket-{name}",
        "AWS_REGION": "us-east-1",
        **CREDENTIALS,
    }


def emulator_there() -> bool:
    """Whether MiniStack is set up."""
    return Path(os.environ.get("MAILIT_EMULATOR_PYTHON") or ROOT / ".venv-emulator/bin/python").exists()


@contextmanager
def _mapped(sqs: Any, queue: str, handler: Callable[[dict[str, Any]], dict[str, Any]], window: float) -> Iterator[None]:
    """One poller of an event source mapping. `window`: seconds in which it gathers messages up to a batch."""
    ended = threading.Event()
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def receive(limit: int, wait: int = 2) -> list[dict[str, Any]]:
        found = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=limit, WaitTimeSeconds=wait, AttributeNames=["ApproximateReceiveCount"]
        )
        return list(found.get("Messages") or [])

    def poll() -> None:
        while not ended.is_set():
            messages = receive(10)
            until = time.monotonic() + window
            while messages and len(messages) < 10 and time.monotonic() < until:
                messages += receive(10 - len(messages), 1)
            if messages:
                answer = handler({"Records": [_record(message, queue) for message in messages]})
                failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
                done = [message["ReceiptHandle"] for message in messages if message["MessageId"] not in failed]
                entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(done)]
                if entries:
                    sqs.delete_message_batch(QueueUrl=url, Entries=entries)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(10)


def _record(message: dict[str, Any], queue: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes") or {},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:::{queue}",
        "awsRegion": "us-east-1",
    }


@contextmanager
def _edge(folder: Path, settings: dict[str, str]) -> Iterator[None]:
    log = folder / "edge.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", "--roles", "outbound"],
            env={**clean(os.environ), **settings},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_for(lambda: "edge ready" in log.read_text() or process.poll() is not None, within=20, what="the edge")
        if process.poll() is not None:
            raise RuntimeError(f"the edge ended: {log.read_text()[-500:]}")
        yield
    finally:
        process.terminate()
        process.wait(20)
