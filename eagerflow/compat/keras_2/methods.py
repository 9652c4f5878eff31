"""The methods of `Model` that Keras 2 had: each says what stands in its place."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.tracebacks import boundary
from eagerflow.compat.arguments import Older
from eagerflow.compat.keras_2.data import without_batch_size
from eagerflow.compat.keras_2.losses import with_captured
from eagerflow.compat.overrides import added, instead_of
from eagerflow.data.feed import ArrayFeed
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.compiled import Compiled
from eagerflow.training.loops import Fit
from eagerflow.training.trainer import Trainer

__all__ = ["CHANGES", "OVERRIDES"]

# About how a generator is read; they never change what is computed.
_LOADING = ("max_queue_size", "pickle_safe", "use_multiprocessing", "workers")
_KERAS_1 = {
    "max_q_size": "max_queue_size",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps",
    "nb_worker": "workers",
    "pickle_safe": "use_multiprocessing",
    "samples_per_epoch": "steps_per_epoch",
    "val_samples": "steps",
}


def _compile(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Metrics and weights of losses by position stood in the other order; a loss may use tensors of the model."""
    if 3 < len(args) <= 5:  # self, optimizer, loss
        args, kwargs = args[:3], {**dict(zip(("metrics", "loss_weights"), args[3:])), **kwargs}
    if len(args) > 2:
        args = (*args[:2], with_captured(args[0], args[2]), *args[3:])
    elif "loss" in kwargs:
        kwargs["loss"] = with_captured(args[0], kwargs["loss"])
    return args, kwargs


def _counted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Keras 1's arguments of `fit_generator` and its kin in today's names, samples counted in batches.

    A plain generator is asked for its first batch beforehand, to know how many samples its batches have.
    """
    model, *given = args
    if given:
        kwargs["generator"] = given.pop(0)
    for old in _KERAS_1.keys() & kwargs.keys():
        value = kwargs.pop(old)
        if "samples" in old and value is not None:
            which = "validation_data" if old == "nb_val_samples" else "generator"
            kwargs[which], value = _in_batches(kwargs.get(which), value, old)
        kwargs.setdefault(_KERAS_1[old], value)
    generator = [kwargs.pop("generator")] if "generator" in kwargs else []
    return (model, *generator, *given), kwargs


def _in_batches(source: Any, samples: int, name: str) -> tuple[Any, int | None]:
    """The source, and how many of its batches make up this many samples; None for all of them."""
    if isinstance(source, (tuple, list)) or source is None:
        return source, None  # arrays
    size = getattr(source, "batch_size", None)
    if not isinstance(size, int):
        source = source if isinstance(source, _Counted) else _Counted(source, name)
        size = source.size
    return source, -(-samples // size)


class _Counted:
    """A generator whose batches all have as many samples as the first."""

    def __init__(self, batches: Any, name: str) -> None:
        self.name = name
        self.batches = iter(batches)
        self.first = [next(self.batches)]
        self.size = _samples(self.first[0])

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        batch = self.first.pop() if self.first else next(self.batches)
        found = _samples(batch)
        if found != self.size:
            raise ValueError(
                f"{self.name} counts samples, and the generator's batches differ: {self.size} in the first, {found} "
                "now. Write steps_per_epoch= (validation_steps=, steps=), the number of batches."
            )
        return batch


def _samples(batch: Any) -> int:
    return len(tree.flatten(batch)[0])


class _Methods:
    """What `Model` has besides."""

    @boundary
    def fit_generator(
        self: Any,
        generator: Any,
        steps_per_epoch: Any = None,
        epochs: int = 1,
        verbose: Any = 1,
        callbacks: Any = None,
        **more: Any,
    ) -> Any:
        """`fit`, which takes generators too."""
        return self.fit(
            generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, callbacks=callbacks, **more
        )

    @boundary
    def evaluate_generator(self: Any, generator: Any, steps: Any = None, *, verbose: Any = 0, **more: Any) -> Any:
        """`evaluate`, which takes generators too."""
        return self.evaluate(generator, steps=steps, verbose=verbose, **more)

    @boundary
    def predict_generator(self: Any, generator: Any, steps: Any = None, *, verbose: Any = 0, **more: Any) -> Any:
        """`predict`, which takes generators too."""
        return self.predict(generator, steps=steps, verbose=verbose, **more)

    def predict_proba(self: Any, x: Any, batch_size: int = 32, verbose: Any = 0) -> Any:
        """`predict`, for models that give probabilities."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self: Any, x: Any, batch_size: int = 32, verbose: Any = 0) -> numpy.ndarray:
        """The most likely class of each sample, as integers; for a model with one output, 1 where it is above 0.5."""
        chances = numpy.asarray(self.predict(x, batch_size=batch_size, verbose=verbose))
        return chances.argmax(axis=-1) if chances.shape[-1] > 1 else (chances > 0.5).astype("int32")

    def reset_states(self: Any) -> None:
        """Resets the states of all stateful recurrent layers."""
        for layer in self._flatten_layers(include_self=False):
            if getattr(layer, "stateful", False):
                layer.reset_state()

    @property
    def compiled_loss(self: Any) -> OlderLoss:
        """The compiled loss, to be called in a custom `train_step`; `compute_loss` in Keras 3."""
        return OlderLoss(self._ready("compiled_loss"))

    @property
    def compiled_metrics(self: Any) -> OlderMetrics:
        """The compiled metrics, to be updated in a custom `train_step`; `compute_metrics` in Keras 3."""
        return OlderMetrics(self._ready("compiled_metrics"))


def _begin_fit(original: Any, self: Fit, *args: Any, **kwargs: Any) -> None:
    """Callbacks find the validation data in `self.validation_data`: `[x, y, weights]`; None for other than arrays."""
    original(self, *args, **kwargs)
    feed, data = self.validation, None
    if isinstance(feed, ArrayFeed):
        x, y, weights = unpack_x_y_sample_weight(feed.parts)
        targets = [numpy.asarray(part) for part in tree.flatten(y) if part is not None]
        given = [part for part in tree.flatten(weights) if part is not None]
        data = [numpy.asarray(part) for part in tree.flatten(x)] + targets
        data += [numpy.asarray(w) for w in given] or [numpy.ones(len(t), "float32") for t in targets]
    for callback in self.callbacks.callbacks:
        if getattr(callback, "validation_data", None) is None:
            callback.validation_data = data


class OlderLoss:
    """`model.compiled_loss(y, y_pred, ...)`: the loss of a batch, which it also adds to the mean that is reported."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None) -> Any:
        """The compiled loss plus `regularization_losses`.

        Raises:
            ValueError: when there is neither.
        """
        loss = self.compiled.loss
        terms = [] if loss is None else [loss(y_true, y_pred, sample_weight)]
        terms += list(regularization_losses or [])
        if not terms:
            raise ValueError("compiled_loss: there is no loss; pass loss=... to compile.")
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        self.compiled.track(total, y_pred)
        return total


class OlderMetrics:
    """`model.compiled_metrics`."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled

    @property
    def metrics(self) -> list[Any]:
        """The compiled metrics."""
        return [entry.metric for entry in self.compiled.metrics.entries]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch."""
        self.compiled.metrics.update(y_true, y_pred, sample_weight)
        self.compiled.measured = True

    def reset_state(self) -> None:
        """Start over."""
        for metric in self.metrics:
            metric.reset_state()


_generator = Older(first=_counted, asks=_KERAS_1)
CHANGES = {
    "Compilable.compile": Older(
        first=_compile,
        always=True,
        ignored=("class_mode", "experimental_run_tf_function", "sample_weight_mode"),
        only={"target_tensors": (None, "Pass the targets to fit.")},
    ),
    "Trainer.fit": Older(
        {"nb_epoch": "epochs"},
        first=without_batch_size,
        always=True,
        ignored=_LOADING,
        only={"show_accuracy": (False, "Write metrics=['accuracy'] in compile.")},
    ),
    "Trainer.evaluate": Older(first=without_batch_size, always=True, ignored=_LOADING),
    "Trainer.predict": Older(first=partial(without_batch_size, place=2), always=True, ignored=_LOADING),
    "ProgbarLogger.__init__": Older(ignored=["count_mode", "stateful_metrics"]),
    "_Methods.fit_generator": _generator,
    "_Methods.evaluate_generator": _generator,
    "_Methods.predict_generator": _generator,
}
OVERRIDES = [
    *added(Trainer, [name for name in vars(_Methods) if name[0] != "_"], _Methods),
    instead_of(Fit, "__init__", _begin_fit),
]
