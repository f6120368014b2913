#!/bin/sh
# Starts MiniStack, a LocalStack-compatible emulator, on loopback, in the foreground. GATEWAY_PORT is its port (4566).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
export BIND_HOST=127.0.0.1
# It would open an MQTT broker on every interface.
export IOT_MTLS_ENABLED=0
exec "${MAILIT_EMULATOR_PYTHON:-$here/.venv-emulator/bin/python}" -P -m ministack
