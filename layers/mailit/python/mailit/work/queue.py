"""A queue worker as a deployable: an SQS event in, the messages that failed out (partial batch response)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from chalice.app import Chalice, SQSEvent
from pydantic import BaseModel, ValidationError

from mailit import wiring
from mailit.domain.errors import PortError
from mailit.usecases.deps import Deps
from mailit.work.spec import WorkerSpec

Handler = Callable[[Sequence[Any], Deps], None]

_log = logging.getLogger("mailit.work")


class QueueWorker:
    """Callable with (event, context), as AWS Lambda and the triggers do."""

    def __init__(self, spec: WorkerSpec, handler: Handler, deps: Callable[[], Deps] = wiring.get) -> None:
        self.spec = spec
        self._handler = handler
        self._deps = deps
        app = Chalice(spec.name, configure_logs=False, env={})
        self._entry = app.on_sqs_message(queue=spec.queues[0], batch_size=spec.batch, name=spec.name)(self._handle)

    def on(self, deps: Deps) -> QueueWorker:
        """The same worker on other Deps."""
        return QueueWorker(self.spec, self._handler, lambda: deps)

    def __call__(self, event: dict[str, Any], context: object = None) -> dict[str, Any]:
        """`{"batchItemFailures": [{"itemIdentifier": id}, …]}`: these come again, the others are done."""
        result: dict[str, Any] = self._entry(event, context)
        return result

    def _handle(self, event: SQSEvent) -> dict[str, Any]:
        jobs: dict[str, BaseModel] = {}
        failed: list[str] = []
        for record in event:
            message_id = str(record.to_dict()["messageId"])
            try:
                jobs[message_id] = self.spec.model.model_validate_json(record.body)
            except ValidationError as error:
                # Comes again until it is a dead letter: somebody has to look at it.
                _log.error(
                    "worker=%s message=%s is no job (%d faults)", self.spec.name, message_id, error.error_count()
                )
                failed.append(message_id)
        failed += self._run(jobs)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _run(self, jobs: dict[str, BaseModel]) -> list[str]:
        """Ids of the jobs that failed: the whole batch at once, and when that fails each alone."""
        if not jobs or self._succeeds(list(jobs.values()), "batch" if len(jobs) > 1 else next(iter(jobs))):
            return []
        if len(jobs) == 1:
            return list(jobs)
        return [message_id for message_id, job in jobs.items() if not self._succeeds([job], message_id)]

    def _succeeds(self, jobs: list[BaseModel], what: str) -> bool:
        try:
            self._handler(jobs, self._deps())
        except PortError as error:
            _log.warning("worker=%s message=%s: %s: %s", self.spec.name, what, type(error).__name__, error)
            return False
        except Exception as error:
            # Where, not what: messages of foreign exceptions quote addresses and bodies.
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("worker=%s message=%s failed: %s\n%s", self.spec.name, what, type(error).__name__, frames)
            return False
        return True
