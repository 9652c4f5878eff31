"""Names that people who know PyTorch or Keras look for in a model, and where their meaning is found here."""

from __future__ import annotations

from eagerflow.base.spellings import Elsewhere

__all__ = ["OtherWays"]


class OtherWays:
    """The part of `Model` that answers to PyTorch's names, and to those of Keras that aren't here."""

    eval = Elsewhere("Say it in the call: `model(x, training=False)`, which is the default.")
    export = Elsewhere("Nothing but Keras' own files is written here: `model.save('name.keras')`.")
    load_state_dict = Elsewhere("Use `model.set_weights(arrays)` or `model.load_weights(path)`.")
    named_parameters = Elsewhere("Use `[(v.path, v) for v in model.weights]`.")
    parameters = Elsewhere("Use `model.trainable_weights`, or `model.weights` with all others.")
    state_dict = Elsewhere("Use `model.get_weights()` or `model.save_weights(path)`.")
    train = Elsewhere("Say it in the call: `model(x, training=True)`; `model.fit` trains.")
    zero_grad = Elsewhere("Leave it out: a tape's gradients are new ones each time.")
