"""What all parts are: started when they are made, ended at the end of a `with`."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Part(ABC):
    """A server or the like that a test starts."""

    @abstractmethod
    def close(self) -> None:
        """End it, and only it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
