"""One function per route, worker and timer, with what calls it."""

from __future__ import annotations

from mailit.domain.lanes import SHARES
from mailit.stores.queues import RESULTS
from mailit.work.spec import TimerSpec, WorkerSpec
from tools.bundle import names
from tools.bundle.model import Bundle, folder, handler
from tools.bundle.names import Node, arn, ref, sub
from tools.bundle.roles import role_of_resource, role_of_worker

_API_TIMEOUT = 29  # API Gateway waits no longer
_TIMER_TIMEOUT = 300
_PER_SHARE = 10  # functions at once, for each share of a lane


def functions(bundle: Bundle) -> Node:
    """All of them."""
    made: Node = {}
    for spec in bundle.routes:
        made[names.camel(spec.id)] = _function(
            spec.id.replace("/", "-"), handler(spec), role_of_resource(folder(spec)), _API_TIMEOUT
        )
    for worker in bundle.workers:
        made[names.worker(worker.name)] = _worker(worker, bundle)
    for timer in bundle.timers:
        made[names.worker(timer.name)] = _timer(timer)
    return made


def _function(name: str, handler: str, role: str, timeout: int) -> Node:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": sub(f"${{AWS::StackName}}-{name}"),
            "Handler": handler,
            "Role": arn(role),
            "Timeout": timeout,
        },
    }


def _job(name: str, timeout: int, events: Node) -> Node:
    made = _function(f"workers-{name}".replace("_", "-"), f"workers.{name}.handler", role_of_worker(name), timeout)
    made["Properties"]["Events"] = events
    return made


def _worker(spec: WorkerSpec, bundle: Bundle) -> Node:
    """A third of the visibility is left for messages that wait in Lambda for their turn."""
    timeout = min(bundle.visibility(name) for name in spec.queues) * 2 // 3
    return _job(spec.name, timeout, {names.camel(name): _source(spec, name) for name in spec.queues})


def _source(spec: WorkerSpec, queue: str) -> Node:
    properties: Node = {
        "Queue": arn(names.queue(queue)),
        # Jobs that wait for somebody outside don't wait for one another as well.
        "BatchSize": 1 if queue in spec.slow else spec.batch,
        # Nobody waits for results to the second, and a batch of ten costs as much as a batch of one.
        "MaximumBatchingWindowInSeconds": 1 if queue == RESULTS else 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    share = next((share for lane, share in SHARES.items() if queue.endswith(f"-{lane}")), None)
    if share:
        # Otherwise broadcasts could take all there is.
        properties["ScalingConfig"] = {"MaximumConcurrency": share * _PER_SHARE}
    return {"Type": "SQS", "Properties": properties}


def _timer(spec: TimerSpec) -> Node:
    schedule = {"Type": "Schedule", "Properties": {"Schedule": _rate(spec.every)}}
    return _job(spec.name, min(spec.every, _TIMER_TIMEOUT), {"Every": schedule})


def _rate(seconds: int) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds % length == 0:
            count = seconds // length
            return f"rate({count} {unit}{'s' if count > 1 else ''})"
    raise ValueError(f"EventBridge does not run anything every {seconds} s")


GLOBALS: Node = {
    "Function": {
        "Runtime": "python3.13",
        "Architectures": ["x86_64"],
        "CodeUri": "functions/",
        "MemorySize": ref("Memory"),
        "Layers": [ref("MailItLayer"), ref("DepsLayer")],
        "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": ref("Logs")},
    }
}
