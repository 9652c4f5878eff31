"""The methods of `Model` that Keras 2 had, for its tutorials: each says what stands in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy

from eagerflow.base import tree
from eagerflow.base.spellings import behaviour, respelled
from eagerflow.data.feed import ArrayFeed
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.compiled import Compiled

F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["LOADING", "OlderSpellings", "hand_validation_data", "in_order_of_keras_2"]

# Arguments of Keras 2's `fit` and its kin about how a generator is read; they never change what is computed.
LOADING = ("max_queue_size", "pickle_safe", "use_multiprocessing", "workers")


_KERAS_1 = {
    "max_q_size": "max_queue_size",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps",
    "nb_worker": "workers",
    "pickle_safe": "use_multiprocessing",
    "samples_per_epoch": "steps_per_epoch",
    "val_samples": "steps",
}


def in_order_of_keras_2(*names: str) -> Callable[[F], F]:
    """A decorator for `compile`, whose third and fourth argument have changed places since Keras 2.

    Args:
        *names: what these arguments by position mean in programs of Keras 2.
    """

    def change(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if behaviour.keras_2 and 3 < len(args) <= 3 + len(names):  # self, optimizer, loss
            return args[:3], {**dict(zip(names, args[3:])), **kwargs}
        return args, kwargs

    return respelled(change)


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


_of_keras_1 = respelled(_counted, *_KERAS_1)


def _in_batches(source: Any, samples: int, name: str) -> tuple[Any, int | None]:
    """What to read from, and how many batches of it have so many samples; None for all of them."""
    if isinstance(source, (tuple, list)) or source is None:
        return source, None  # arrays
    size = getattr(source, "batch_size", None)
    if not isinstance(size, int):
        source = source if isinstance(source, _Counted) else _Counted(source, name)
        size = source.size
    return source, -(-samples // size)


class _Counted:
    """A generator whose batches all have as many samples as the first.

    Args:
        batches: the generator.
        name: the argument that counts samples.
    """

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


def _others(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that mean something beside the generator."""
    without = ("self", "generator", "max_queue_size", "workers", "use_multiprocessing")
    return {name: value for name, value in arguments.items() if name not in without}


class OlderSpellings:
    """The part of `Model` with Keras 2's names."""

    @_of_keras_1
    def fit_generator(
        self: Any,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: Any = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        validation_freq: Any = 1,
        class_weight: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: Any = True,
        initial_epoch: int = 0,
    ) -> Any:
        """Keras 2's name for `fit`, which takes generators too. The other arguments are those of `fit`.

        Args:
            generator: a generator or another iterable of batches.
            steps_per_epoch: batches per epoch; default: all.
            epochs: how often to go through the data.
            verbose: 0: silent; 1: a bar; 2: a line per epoch.
            callbacks: a callback or a list of them.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, or batches.
            validation_steps: batches per validation; default: all.
            validation_freq: validate after every this many epochs.
            class_weight: a dict from class numbers to weights in the loss.
            max_queue_size: accepted for Keras 2's signature; it changes nothing.
            workers: accepted for Keras 2's signature; it changes nothing.
            use_multiprocessing: accepted for Keras 2's signature; it changes nothing.
            shuffle: whether the batches of a `PyDataset` come in another order in each epoch.
            initial_epoch: the number of epochs done already.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> batches = iter([(np.ones((4, 2)), np.ones(4))] * 2)
        >>> model.fit_generator(batches, steps_per_epoch=2, verbose=0).epoch
        [0]
        """
        return self.fit(generator, **_others(locals()))

    @_of_keras_1
    def evaluate_generator(
        self: Any,
        generator: Any,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Any = 0,
    ) -> Any:
        """Keras 2's name for `evaluate`, which takes generators too.

        Args:
            generator: a generator or another iterable of batches.
            steps: the number of batches; default: all.
            callbacks: a callback or a list of them.
            max_queue_size: accepted for Keras 2's signature; it changes nothing.
            workers: accepted for Keras 2's signature; it changes nothing.
            use_multiprocessing: accepted for Keras 2's signature; it changes nothing.
            verbose: 0: silent; 1: a bar; 2: a line.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> model.evaluate_generator(iter([(np.ones((4, 2)), np.zeros(4))]), steps=1)
        4.0
        """
        return self.evaluate(generator, **_others(locals()))

    @_of_keras_1
    def predict_generator(
        self: Any,
        generator: Any,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Any = 0,
    ) -> Any:
        """Keras 2's name for `predict`, which takes generators too.

        Args:
            generator: a generator or another iterable of batches.
            steps: the number of batches; default: all.
            callbacks: a callback or a list of them.
            max_queue_size: accepted for Keras 2's signature; it changes nothing.
            workers: accepted for Keras 2's signature; it changes nothing.
            use_multiprocessing: accepted for Keras 2's signature; it changes nothing.
            verbose: 0: silent; 1: a bar; 2: a line.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict_generator(iter([np.ones((2, 3))]), steps=1).tolist()
        [[3.0], [3.0]]
        """
        return self.predict(generator, **_others(locals()))

    def predict_proba(self: Any, x: Any, batch_size: int = 32, verbose: Any = 0) -> Any:
        """The same as `predict`, under Keras 1's name for models that give probabilities.

        Args:
            x: as for `predict`.
            batch_size: samples per step.
            verbose: 0: silent; 1: a bar; 2: a line.

        >>> model = ef.Sequential([ef.layers.Activation("softmax")])
        >>> model.predict_proba(np.zeros((1, 2))).tolist()
        [[0.5, 0.5]]
        """
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self: Any, x: Any, batch_size: int = 32, verbose: Any = 0) -> numpy.ndarray:
        """The most likely class of each sample, as integers; for a model with one output, 1 where it is above 0.5.

        Args:
            x: as for `predict`.
            batch_size: samples per step.
            verbose: 0: silent; 1: a bar; 2: a line.

        >>> model = ef.Sequential([ef.layers.Activation("softmax")])
        >>> model.predict_classes(np.array([[1.0, 3.0], [2.0, 0.0]])).tolist()
        [1, 0]
        """
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


def hand_validation_data(callbacks: Any, feed: Any) -> None:
    """In programs of Keras 2, callbacks find the validation data in `self.validation_data`: `[x, y, weights]`.

    Args:
        callbacks: the callbacks of a `fit`; those that have such an attribute already keep theirs.
        feed: what it validates on; None is handed out for anything but arrays.
    """
    if not behaviour.keras_2:
        return
    data = None
    if isinstance(feed, ArrayFeed):
        x, y, weights = unpack_x_y_sample_weight(feed.parts)
        targets = [numpy.asarray(part) for part in tree.flatten(y) if part is not None]
        given = [part for part in tree.flatten(weights) if part is not None]
        data = [numpy.asarray(part) for part in tree.flatten(x)] + targets
        data += [numpy.asarray(w) for w in given] or [numpy.ones(len(t), "float32") for t in targets]
    for callback in callbacks:
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
