"""Names that people who know PyTorch, scikit-learn or Keras look for in a model, and what is used here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eagerflow.base.spellings import Elsewhere

__all__ = ["OtherWays"]


class OtherWays:
    """The part of `Model` that answers to names of PyTorch and scikit-learn, and to those of Keras that aren't here."""

    if not TYPE_CHECKING:  # for which they are mistakes
        eval = Elsewhere("Say it in the call: `model(x, training=False)`, which is the default.")
        load_state_dict = Elsewhere("Use `model.set_weights(arrays)` or `model.load_weights(path)`.")
        named_parameters = Elsewhere("Use `[(v.path, v) for v in model.weights]`.")
        parameters = Elsewhere("Use `model.trainable_weights`, or `model.weights` with all others.")
        score = Elsewhere("Use `model.evaluate(x, y, return_dict=True)`: the loss, and the metrics given to compile.")
        state_dict = Elsewhere("Use `model.get_weights()` or `model.save_weights(path)`.")
        train = Elsewhere("Say it in the call: `model(x, training=True)`; `model.fit` trains.")
        zero_grad = Elsewhere("Leave it out: a tape's gradients are new ones each time.")
