"""`Strategy`: how processes train one model together. The core asks it, and `distribution` sets another one."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["Strategy", "active", "sharing"]


class Strategy:
    """A single process, the default: all rows of a batch are its own, and nothing needs to be sent."""

    writes = True  # whether callbacks of this process write files
    synchronize_batch_norm: bool | None = None  # None: as each layer says

    def prepare(self, model: Any) -> None:
        """Before training: replicas begin with the same values."""

    def check_replicas(self, model: Any, where: str) -> None:
        """After an epoch and before saving: replicas are equal, and so is what layers keep of their rows."""

    def shard_feed(self, feed: Any) -> None:
        """Let a feed yield `(shard, rows)` instead of whole batches."""

    def loop(self, *arguments: Any) -> Any:
        """The loop that takes the place of `training.loop.Loop`; None for that one."""

    def common_file(self, path: str | None) -> tuple[str | None, Any]:
        """The file that all processes read, which is that of the first, if there is one; and what keeps it."""
        return path, None


class Active:
    """What applies now; while no step is shared, `shard` is None, and that test is all that a step pays."""

    strategy = Strategy()
    shard: Any = None  # the rows of the running step's batch that are this process's; None: all
    even = False  # whether every row is certain to have equally many values on all processes
    thread = 0  # the one that makes the steps; draws in others aren't theirs


active = Active()


@contextlib.contextmanager
def sharing(shard: Any) -> Iterator[None]:
    """Inside the block, steps work on this shard of a global batch; None: on whole batches."""
    here, before = threading.get_ident(), active.shard
    if shard is None and (before is None or active.thread != here):
        yield  # there is none; or the steps of another thread have one, such as while this one makes batches
        return
    active.shard, active.thread = shard, here
    try:
        yield
    finally:
        active.shard = before
