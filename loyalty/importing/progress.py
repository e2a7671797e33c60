"""How far an import is: a bar on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["Bar", "Lines", "Progressing", "progress"]

_EVERY: Final = 5.0
"""Seconds between plain lines."""


class Progressing(Protocol):
    """What the import tells about its progress."""

    def begin(self, what: str, size: int) -> None:
        """Begin a pass over a file of `size` bytes."""
        ...

    def at(self, rows: int, position: int) -> None:
        """Say how many rows are done, and how many bytes of the file are taken."""
        ...


def progress(console: Console, clock: Callable[[], float] = time.monotonic) -> "Bar | Lines":
    """Return the progress that suits where we write."""
    return Bar(console) if console.is_terminal else Lines(console, clock)


class Bar:
    """A bar with rows, rate and time left; the time left follows the position in the file."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None
        self._began = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, what: str, size: int) -> None:
        self._began = time.monotonic()
        self._task = self._progress.add_task(what, total=size, rows=0, rate=0.0)

    def at(self, rows: int, position: int) -> None:
        if self._task is not None:
            rate = rows / max(1e-9, time.monotonic() - self._began)
            self._progress.update(self._task, completed=position, rows=rows, rate=rate)


class Lines:
    """A line every five seconds."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._what, self._size, self._began, self._said = "", 0, 0.0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def begin(self, what: str, size: int) -> None:
        self._what, self._size = what, size
        self._began = self._said = self._clock()

    def at(self, rows: int, position: int) -> None:
        now = self._clock()
        if now - self._said < _EVERY:
            return
        self._said, seconds = now, now - self._began
        done = position / max(1, self._size)
        left = f", {seconds / done - seconds:.0f} s left" if done else ""
        self._console.print(f"{self._what}: {rows:,} rows ({done:.0%}), {rows / seconds:,.0f} rows/s{left}")
