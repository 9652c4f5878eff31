"""What to do about weights that get no gradient."""

from __future__ import annotations

__all__ = ["ON_GRADIENTS"]

ON_GRADIENTS = {
    "no_gradient": (
        "Use the layer on the way to the loss, inside the tape, without .numpy(), stop_gradient, argmax or "
        "round; if it should stay as it is, set layer.trainable = False."
    ),
    "no_gradient.cut": (
        "Take a loss that changes a little when the answers do: crossentropies instead of argmax or an accuracy, "
        "squares instead of rounded numbers; what is counted belongs into metrics."
    ),
    "no_gradient.stopped": (
        "Leave stop_gradient out of this step, whose weights get their gradients through it. In a GAN it belongs into "
        "the discriminator's step, discriminator(stop_gradient(generator(noise))), and not into the generator's, "
        "discriminator(generator(noise)), where the optimizer is given the generator's weights alone."
    ),
    "no_gradient.stopped_part": (
        "Leave stop_gradient out there; if these weights should stay as they are, leave them out of what the tape and "
        "the optimizer are given, or set layer.trainable = False."
    ),
    "no_gradient.before_tape": (
        "Move that call into the block of the tape, with GradientTape() as tape: a tape records only what runs while "
        "it is open."
    ),
    "no_gradient.behind_tape": (
        "Move the loss into the block of the tape, one step to the right: a tape records only what runs while it is "
        "open."
    ),
    "no_gradient.numpy": (
        "Leave .numpy(), float() and functions of NumPy out there: layers, losses and ops (ops.log for np.log) take "
        "tensors as they are. Take numbers to print after the tape."
    ),
    "no_gradient.loss_weight": (
        "Give that output a weight above 0, compile(loss_weights={...}), or leave it out of the model while it isn't "
        "to be learnt."
    ),
    "no_gradient.predict": (
        "Call the model itself: answers = model(x, training=True). predict gives NumPy arrays, which no tape knows."
    ),
    "no_gradient.weights": (
        "Give rows a weight above 0: look at how sample_weight (or class_weight) is made, and whether any row fits its "
        "condition."
    ),
    "no_gradient.ignored": (
        "Look at what marks the labels that don't count, print(numpy.unique(y)), and at how that mark gets into them: "
        "a shift by one, a padding over everything, a mask that is inverted (True stands for what counts)."
    ),
    "no_gradient.zero_loss": (
        "Print the loss of a single row beside its label and its answer. Is a mask inverted, are all labels the number "
        "that is left out, or is everything multiplied by 0?"
    ),
    "no_gradient.float16": (
        "Scale the loss, as fit does by itself: optimizer = optimizers.LossScaleOptimizer(optimizer), and in the tape "
        "loss = optimizer.scale_loss(loss); or use mixed_bfloat16, which has float32's range."
    ),
    "no_gradient.input": (
        "Look which tensor each layer is called with: was one input used twice? What isn't needed, leave out of "
        "Model(inputs, outputs) and of the data."
    ),
    "no_gradient.one_step": (
        "Are the numbers of a row one after the other in time? Then make each of them a step: x.reshape(rows, steps, "
        "1). If they are columns, use Dense instead of a recurrent layer."
    ),
    "no_gradient.uncalled": "Call it in the model's call method, or remove it.",
}
