"""`infra/openfaas/stack.yaml`: one function per group of resources, all of the same image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tools.bundle.model import Bundle
from tools.bundle.names import Node

LIMIT = 15
"""Functions that OpenFaaS's Community Edition runs."""

# Resources whose rows live together are one function; any other is a function of its own.
_GROUPS: Mapping[str, str] = {
    "audiences": "audience",
    "contacts": "audience",
    "contact_imports": "audience",
    "contact_properties": "audience",
    "segments": "audience",
    "topics": "audience",
    "automations": "campaigns",
    "broadcasts": "campaigns",
    "events": "campaigns",
    "templates": "campaigns",
    "logs": "usage",
    "metrics": "usage",
}
_EVERYWHERE = "health"  # each function answers `/healthz`
_LOCAL = "sandbox"  # for this machine alone

_ENVIRONMENT: Node = {
    # of-watchdog: HTTP to the gateway, which serves the resources named in MAILIT_FUNCTIONS.
    "mode": "http",
    "upstream_url": "http://127.0.0.1:5000",
    "ready_path": "/healthz",
    "exec_timeout": "60s",
    "read_timeout": "65s",
    "write_timeout": "65s",
    "MAILIT_API_HOST": "127.0.0.1",
    "MAILIT_API_PORT": "5000",
    "MAILIT_WORKERS": "1",
    "MAILIT_ENGINE": "aws",
    "MAILIT_PREFIX": "${MAILIT_PREFIX:-mailit-}",
    "MAILIT_BUCKET": "${MAILIT_BUCKET:-mailit}",
    "MAILIT_AWS_ENDPOINT": "${MAILIT_AWS_ENDPOINT:-}",
    "MAILIT_HOSTNAME": "${MAILIT_HOSTNAME:-localhost}",
    "MAILIT_OUTBOUND": "${MAILIT_OUTBOUND:-sandbox}",
    "MAILIT_MASTER_KEY_FILE": "/var/openfaas/secrets/mailit-master-key",
    "AWS_SHARED_CREDENTIALS_FILE": "/var/openfaas/secrets/mailit-aws-credentials",
    "AWS_REGION": "${AWS_REGION:-us-east-1}",
}


def groups(resources: Iterable[str]) -> dict[str, list[str]]:
    """Functions by name, each with its resources as folders below `functions/`."""
    found: dict[str, list[str]] = {}
    for resource in resources:
        if resource not in (_EVERYWHERE, _LOCAL):
            found.setdefault(_GROUPS.get(resource, resource), []).append(resource)
    return dict(sorted(found.items()))


def stack(bundle: Bundle) -> Node:
    """The whole document."""
    return {
        "version": 1.0,
        "provider": {"name": "openfaas", "gateway": "${OPENFAAS_URL:-http://127.0.0.1:8080}"},
        "functions": {
            f"mailit-{name}".replace("_", "-"): _function(of) for name, of in groups(bundle.resources).items()
        },
    }


def _function(resources: list[str]) -> Node:
    return {
        "image": "${MAILIT_IMAGE:-mailit-functions:latest}",
        "skip_build": True,
        "environment": {"MAILIT_FUNCTIONS": ",".join(resources), **_ENVIRONMENT},
        "secrets": ["mailit-master-key", "mailit-aws-credentials"],
        "annotations": {
            "com.openfaas.health.http.path": "/_/health",
            "com.openfaas.ready.http.path": "/_/ready",
        },
        "labels": {"com.openfaas.scale.min": "1"},
        "requests": {"memory": "64Mi"},
        "limits": {"memory": "256Mi"},
        "readonly_root_filesystem": True,
    }
