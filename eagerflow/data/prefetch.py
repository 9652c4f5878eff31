"""Work ahead in threads: what comes next is made while the present is used."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["ahead", "in_order"]

_END: Any = object()


def ahead(make: Callable[[], Iterable[Any]], count: int) -> Iterator[Any]:
    """The elements of `make()`, made in a thread of their own, at most `count` ahead.

    An exception in the thread is raised here, in its place. The thread ends when the iterator is dropped.
    """
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(max(1, count))
    stopped = threading.Event()

    def put(item: tuple[Any, BaseException | None]) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        error: BaseException | None = None
        try:
            for element in make():
                if not put((element, None)):
                    return
        except BaseException as caught:  # noqa: BLE001 - raised again in the thread that asks
            error = caught
        put((_END, error))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True)
    thread.start()
    try:
        while True:
            element, error = ready.get()
            if error is not None:
                raise error
            if element is _END:
                return
            yield element
    finally:
        stopped.set()
        thread.join(timeout=1)


def in_order(function: Callable[[Any], Any], arguments: Iterable[Any], workers: int, count: int) -> Iterator[Any]:
    """`function` of each argument, in their order, computed by several threads at most `count` ahead."""
    pending: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="eagerflow-data") as pool:
        try:
            for argument in arguments:
                pending.append(pool.submit(contextvars.copy_context().run, function, argument))
                if len(pending) > max(count, workers):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
