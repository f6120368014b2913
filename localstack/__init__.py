"""The real `template.yaml` on a LocalStack-compatible emulator: `python -m localstack up | down`."""
