"""Port `Blobs` on S3, through MinIO's client."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mailit.domain.errors import NotFound, PortError, Refused, Unavailable
from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.patience import Patience
from mailit.ports.blobs import check_key

T = TypeVar("T")

_MISSING = frozenset({"NoSuchKey", "NoSuchVersion"})
_BEYOND = "InvalidRange"


class S3Blobs:
    """Port `Blobs`. The client is made at the first call."""

    def __init__(self, config: AwsConfig, patience: Patience) -> None:
        self._config = config
        self._patience = patience
        self._lock = threading.Lock()
        self._client: Any = None

    def put(self, key: str, data: bytes) -> None:
        check_key(key)
        client = self._opened()
        self._run(lambda: client.put_object(self._config.bucket, key, io.BytesIO(data), len(data)))

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        check_key(key)
        if start < 0 or (length is not None and length < 0):
            raise Refused("not a range")
        client = self._opened()
        if length == 0:  # S3 has no empty range
            self._run(lambda: client.stat_object(self._config.bucket, key))
            return b""
        return self._run(lambda: self._read(client, key, start, length or 0))

    def _read(self, client: Any, key: str, start: int, length: int) -> bytes:
        response = client.get_object(self._config.bucket, key, offset=start, length=length)
        try:
            data: bytes = response.read()
            return data
        finally:
            response.close()
            response.release_conn()

    def delete(self, key: str) -> None:
        check_key(key)
        client = self._opened()
        self._run(lambda: client.remove_object(self._config.bucket, key))

    def _run(self, call: Callable[[], T]) -> T:
        """Every operation may be repeated: a put of the same bytes, a delete of what is gone."""
        from minio.error import MinioException, S3Error
        from urllib3.exceptions import HTTPError

        last: PortError = Unavailable("not tried")
        for _ in self._patience.turns():
            try:
                return call()
            except S3Error as error:
                if error.code == _BEYOND:
                    return b""  # type: ignore[return-value]
                if error.code in _MISSING:
                    raise NotFound("no such blob") from None
                last = Unavailable(f"blobs: the service answered {error.code}")
            except (MinioException, HTTPError, OSError, ValueError) as error:
                last = Unavailable(f"blobs: {type(error).__name__}")
        raise last

    def _opened(self) -> Any:
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = make_client(self._config)
        return self._client


def make_client(config: AwsConfig) -> Any:
    """A client of the service. Credentials: environment, shared file, container or instance role."""
    import urllib3
    from minio import Minio
    from minio.credentials.providers import AWSConfigProvider, ChainedProvider, EnvAWSProvider, IamAwsProvider

    where = urlsplit(config.s3 or f"https://s3.{config.region}.amazonaws.com")
    return Minio(
        where.netloc,
        secure=where.scheme == "https",
        region=config.region,
        credentials=ChainedProvider([EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider()]),
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=3, read=30), maxsize=config.connections, retries=urllib3.Retry(0)
        ),
    )
