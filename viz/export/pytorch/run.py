"""A run of TensorBoard's, and the runs below it that PyTorch's methods write to."""

from __future__ import annotations

import os

from viz.export.tensorboard_events import EventLog

__all__ = ["Run"]


class Run(EventLog):
    """An event file, and those of the runs below it.

    Args:
        log_dir: the run's folder.
        call: who writes, for errors.
        purge_step: see `EventLog`.
        flush_secs: likewise.
        filename_suffix: likewise.

    Attributes:
        log_dir: the run's folder, as a text.
    """

    def __init__(
        self, log_dir: str, call: str, purge_step: int | None = None, flush_secs: float = 10, filename_suffix: str = ""
    ) -> None:
        super().__init__(log_dir, call, purge_step, flush_secs, filename_suffix)
        self.log_dir, self._purged_from = log_dir, purge_step
        self._others: dict[str, EventLog] = {}  # the runs below this one

    def get_logdir(self) -> str:
        """The folder of the run."""
        return self.log_dir

    def flush(self) -> None:
        """Writes everything to disk, so that TensorBoard can read it.

        >>> import viz
        >>> from pathlib import Path
        >>> with viz.SummaryWriter("run") as log:
        ...     log.scalar("loss", 0.5, step=1)
        ...     log.flush()  # TensorBoard sees it from here on
        ...     print(any(path.stat().st_size for path in Path("run").iterdir()))
        True
        """
        super().flush()
        for log in self._others.values():
            log.flush()

    def close(self) -> None:
        """Closes the file. Later calls begin another file.

        >>> import viz
        >>> from pathlib import Path
        >>> log = viz.SummaryWriter("logs")
        >>> log.scalar("loss", 0.5, step=1)
        >>> log.close()
        >>> any(path.stat().st_size for path in Path("logs").iterdir())
        True
        """
        super().close()
        for log in self._others.values():
            log.close()

    def _below(self, name: str) -> EventLog:
        """The run of that name below this one."""
        if name not in self._others:
            folder = os.path.join(self.log_dir, name)
            self._others[name] = EventLog(folder, "log_dir", self._purged_from, self._flush_seconds, self._suffix)
        return self._others[name]
