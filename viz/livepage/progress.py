"""How far training has come, how fast it is, and how long it will take."""

from __future__ import annotations

import math
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from viz.facts.formatting import clean
from viz.recorder.descriptions import learning_rate_of
from viz.recorder.step_tracker import rows_of

__all__ = ["BUSY", "Progress", "reference", "sizes"]

_WINDOW = 10.0  # seconds over which speed is measured
_SETTLED = 20  # batches in a running mean that doesn't jump any more; at most a quarter of an epoch's
_MOST_TOLD = 2  # how many of those that ended before are told of
BUSY = ("training", "evaluating", "predicting")
_TURNS = 16  # steps outside of `fit`, in which models that take turns, as in a GAN, are told together


class Progress:
    """What is known of the run.

    Attributes:
        in_epoch: how many steps of this epoch have been made.
        in_fit: whether `fit` runs.
    """

    def __init__(self, model: Any = None) -> None:
        self.in_epoch = 0
        self.in_fit = False
        self._planned = False  # whether what trains, or trained last, is a `fit`, which knows its epochs
        self._model = model
        self._marks: deque[tuple[float, int, int]] = deque([(time.perf_counter(), 0, 0)])
        self._samples = 0
        self._started: float | None = None
        self._last: dict[str, Any] = {}
        self._seen: Callable[[], Any] = _nothing
        self._per_epoch: int | None = None
        self._had_epoch = False  # since this model is trained
        self._facts: dict[str, Any] = {}
        self._of: list[Any] = []  # the models that the facts are of
        self._turns: deque[Callable[[], Any]] = deque(maxlen=_TURNS)  # models of the last steps outside of `fit`
        self._fit_began = (0.0, 0)  # when, and after which step
        self._first_epoch = 0  # of that `fit`
        self._rested: dict[str, Any] = {}  # what was told before it began
        self._around: BaseException | None = None  # what was being handled when `fit` began
        self._over: list[dict[str, Any]] = []  # how each of the last `fit` ended

    def begin_model(self) -> None:
        """Another model is trained from here on."""
        self._had_epoch = False

    def begin_fit(self, step: int, model: Any, first_epoch: int = 0) -> None:
        """`fit` begins to train this model: what was told of one before it holds no longer."""
        self._fit_began = (time.perf_counter(), step)
        self._around = sys.exc_info()[1]
        self._rested = {name: self._facts[name] for name in ("mode", "took") if name in self._facts}
        self.in_fit = self._planned = True
        self._facts["before"] = list(self._over)
        self.in_epoch, self._first_epoch, self._per_epoch = 0, first_epoch, None
        self._seen, self._last = reference(model), {}
        self._turns.clear()
        self.begin(step)
        self.wake()
        if model is not None:
            self._describe(model)

    def end_fit(self, step: int) -> None:
        """`fit` is over, after these many steps, maybe by an error."""
        (began, before), self.in_fit = self._fit_began, False
        error, around, self._around = sys.exc_info()[1], self._around, None
        failed = error is not around and isinstance(error, Exception)
        if step == before and not failed:  # it had no epoch to train
            self._planned = False
            self._facts.pop("mode", None)
            self._facts |= self._rested
            return
        over = self._schedule(self._seen(), 0.0).get("eta") == 0.0
        self._facts["mode"] = "failed" if failed else "done" if over else "stopped"
        self._facts["took"] = time.perf_counter() - began
        self._over = [*self._over, {name: self._facts[name] for name in ("mode", "took")}][-_MOST_TOLD:]

    @property
    def is_last_step(self) -> bool:
        """Whether the step that begins is the last one of `fit`, unless a callback stops it before."""
        done, epochs, steps = self._plan(self._seen()) if self.in_fit else (0, None, None)
        return done + 1 == epochs and steps is not None and self.in_epoch + 1 == steps and steps * epochs > 1

    def _plan(self, model: Any) -> tuple[int, int | None, int | None]:
        """How many epochs a model's `fit` has done, of how many, and the steps of each, where they are known."""
        history: Any = getattr(model, "history", None)
        params = getattr(history, "params", None)
        known = params if isinstance(params, dict) else {}
        done = history.epoch[-1] + 1 if known and getattr(history, "epoch", None) else self._first_epoch
        return done, int(known.get("epochs") or 0) or None, known.get("steps") or self._per_epoch

    @property
    def model(self) -> Any:
        """What was trained last, where it is known and still there."""
        return self._seen()

    def rest(self, failed: bool) -> bool:
        """The program waits for what its user does next, so nothing trains; gives whether that is news."""
        if self._facts.get("mode") not in BUSY:
            return False
        self._facts["mode"] = "failed" if failed else "idle"
        return True

    def wake(self) -> None:
        """Training goes on after a rest."""
        self._facts["mode"] = "training"
        self._facts.pop("took", None)
        self._last.pop("took", None)

    @property
    def is_done(self) -> bool:
        """Whether the last news were that `fit` has ended."""
        return "took" in self._facts

    def begin(self, step: int) -> None:
        """A stretch of training begins: what lies before doesn't count for the speed."""
        if self._started is None:
            self._started = time.perf_counter()
        self._marks = deque([(time.perf_counter(), step, self._samples)])

    def count(self, inputs: Any, model: Any) -> None:
        """A training step of this model has taken in this batch, which may be shorter than others."""
        self.count_own(rows_of(inputs) or 0, 0)
        if not self.in_fit:
            self._turns.append(reference(model))

    def count_own(self, rows: int, weights: int) -> None:
        """A training step had these many rows, in a loop of the user's own, whose models hold these many numbers."""
        self._samples += rows
        if self._planned and not self.in_fit:
            self._marks.clear()  # what lies between `fit` and this is not the speed of a loop
            self._last = {}
        self._planned = self.in_fit
        if weights and self._model is None:
            self._facts["params"] = weights

    def unsettled(self) -> bool:
        """Is the running mean of few batches yet? It begins anew with each epoch, and then tells little.

        The first epoch is shown as a whole, as nothing else tells where training has begun.
        """
        steps = self._plan(self._seen())[2]
        return self._had_epoch and steps is not None and self.in_epoch <= min(_SETTLED, steps // 4)

    def end_epoch(self, epoch: int) -> None:
        """An epoch is over: now it is known how many steps it has."""
        self._had_epoch = True
        self._per_epoch = self.in_epoch or self._per_epoch
        self.in_epoch = 0

    def status(self, step: int, now: float, owner: Any, mode: str) -> dict[str, Any]:
        """Everything that the page says of the run, as plain data.

        Args:
            step: training steps so far.
            now: by `time.perf_counter`.
            owner: the model, in a loop of the user's own the optimizer, None at the end.
            mode: `"training"`, `"evaluating"`, `"predicting"`, or `""` for no news.
        """
        if owner is None:
            self._last |= self._facts
            return {**self._last, "step": step, **self._elapsed(now), **self._schedule(self._seen(), 0.0)}
        model = owner if hasattr(owner, "optimizer") or hasattr(owner, "layers") else self._model
        optimizer = getattr(model, "optimizer", None) if model is owner else owner
        if self._started is None:
            self._started = now
        rate, samples = self._rates(step, now)
        found: dict[str, Any] = {"step": step, "rate": rate}
        if mode:
            self._facts["mode"] = mode
            self._facts.pop("took", None)
        if model is not None:
            self._describe(model)
        if optimizer is not None:
            self._facts["optimizer"] = clean(getattr(optimizer, "name", ""), 60)
            self._facts["learning_rate"] = learning_rate_of(optimizer)
        if samples and mode == "training":
            found["samples"] = samples
        elif "samples" in self._last:
            found["samples"] = self._last["samples"]  # of the training that an evaluation interrupts
        self._seen = reference(model)
        self._last = {**self._facts, **found, **self._elapsed(now), **self._schedule(model, rate)}
        return self._last

    def _elapsed(self, now: float) -> dict[str, float]:
        """Seconds since training began."""
        return {} if self._started is None else {"elapsed": now - self._started}

    def _rates(self, step: int, now: float) -> tuple[float, float]:
        """Steps and samples per second."""
        marks = self._marks
        marks.append((now, step, self._samples))
        while len(marks) > 2 and now - marks[0][0] > _WINDOW:
            marks.popleft()
        (since, before, had), elapsed = marks[0], now - marks[0][0]
        return ((step - before) / elapsed, (self._samples - had) / elapsed) if since < now else (0.0, 0.0)

    def _describe(self, model: Any) -> None:
        taking_turns = {id(other): other for turn in self._turns if (other := turn()) is not None}
        models = list({**taking_turns, id(model): model}.values()) if taking_turns else [model]
        models.sort(key=_name)
        if self._facts.get("params") and list(map(id, models)) == list(map(id, self._of)):
            return
        self._of = models
        self._facts["model"] = ", ".join([_name(each) for each in models])[:120]
        built = [each for each in models if getattr(each, "built", False)]
        if built:
            weights = {id(weight): weight for each in built for weight in getattr(each, "weights", ())}
            self._facts["params"] = sum(sizes(weights.values()))
        else:
            self._facts.pop("params", None)  # of a model before it

    def _schedule(self, model: Any, rate: float) -> dict[str, Any]:
        """Epochs and the time that is left, where `fit` knows them."""
        done, epochs, steps = self._plan(model)
        if not self._planned or not epochs:
            return {}
        stopped = bool(getattr(model, "stop_training", False)) and done > 0  # by a callback: no other epoch follows
        over = not self.in_epoch and (stopped or done >= epochs)
        epoch, inside = (done, steps) if over else (min(done + 1, epochs), self.in_epoch)
        found: dict[str, Any] = {"epoch": epoch, "epochs": epochs, "in_epoch": inside, "per_epoch": steps}
        if over:
            found["eta"] = 0.0
        elif steps and rate:
            found["eta"] = max(0.0, ((epochs - done) * steps - self.in_epoch) / rate)
        return found


def _nothing() -> None:
    return None


def reference(model: Any) -> Callable[[], Any]:
    """Gives the object as long as the program holds it."""
    try:
        return weakref.ref(model)
    except TypeError:  # None, or an object that can't be watched
        return _nothing


def sizes(weights: Iterable[Any]) -> list[int]:
    """How many numbers each of these variables holds."""
    return [math.prod(map(int, weight.shape)) for weight in weights]


def _name(model: Any) -> str:
    return clean(getattr(model, "name", type(model).__name__), 120)
