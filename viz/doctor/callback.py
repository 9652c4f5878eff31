"""`callbacks.Doctor`: the doctor beside `fit`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from eagerflow.base.output import write
from eagerflow.callbacks import Callback
from viz.doctor.diagnosis import Diagnosis
from viz.doctor.finding import Finding, kinds_of
from viz.doctor.report import text
from viz.doctor.watcher import Watcher

__all__ = ["Doctor"]


class Doctor(Callback):
    """Watches training and reports on stderr what is wrong with it: errors at once, everything else at the end.

    The first steps are examined in detail, later ones only for what is cheap to check. In data-parallel training it
    watches rank 0; the command `viz doctor` compares ranks.

    Args:
        verbose: 1: print the findings; 0: print nothing, they are in `diagnosis`.
        ignore: kinds of findings to leave out, such as `["label_leak"]`.

    Attributes:
        diagnosis: what was found so far, a `viz.doctor.Diagnosis`.

    >>> import numpy as np
    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.layers.Dense(1, activation="softmax")])
    >>> model.compile("adam", "mse")
    >>> doctor = ef.callbacks.Doctor(verbose=0)
    >>> history = model.fit(np.eye(4), np.ones((4, 1)), verbose=0, callbacks=[doctor])
    >>> doctor.diagnosis.kinds[0]
    'loss_mismatch'
    """

    _writes = True

    def __init__(self, verbose: int = 1, ignore: Sequence[str] = ()) -> None:
        super().__init__()
        self.ignore = kinds_of(ignore)
        self.verbose = verbose
        self._watcher: Watcher | None = None

    @property
    def diagnosis(self) -> Diagnosis:
        """What was found so far.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> doctor = ef.callbacks.Doctor(verbose=0)
        >>> history = model.fit(np.eye(4), np.ones((4, 1)), verbose=0, callbacks=doctor)
        >>> type(doctor.diagnosis).__name__
        'Diagnosis'
        """
        return Diagnosis(() if self._watcher is None else self._watcher.findings)

    def on_train_begin(self, logs: Any = None) -> None:
        self._detach()
        self._watcher = Watcher(self._say_errors if self.verbose else None, self.ignore)
        self._watcher.attach()

    def on_train_end(self, logs: Any = None) -> None:
        self._detach()
        rest = [finding for finding in self.diagnosis if finding.severity != "error"]
        if self.verbose and rest:
            write(f"{text(rest)}\n", sys.stderr)

    def _say_errors(self, finding: Finding) -> None:
        if finding.severity == "error":
            write(f"\n{text([finding])}\n", sys.stderr)

    def _detach(self) -> None:
        if self._watcher is not None:
            self._watcher.detach()
