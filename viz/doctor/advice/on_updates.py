"""What to do about weights that never change, or that are changed against what was meant."""

from __future__ import annotations

__all__ = ["ON_UPDATES"]

ON_UPDATES = {
    "frozen": "Give the optimizer all of model.trainable_variables, or set layer.trainable = False to keep it.",
    "frozen.all": (
        "Set layer.trainable = True for what should learn. In a GAN, set the discriminator's trainable to True before "
        "its own step, and to False before that of the model of both. (In a script of Keras 2, compile remembers "
        "trainable: compile the discriminator while it is True.)"
    ),
    "frozen.unbuilt": (
        "Take model.trainable_variables behind the model's first call, or in each step; or give the model an Input, "
        "which builds it at once."
    ),
    "frozen.nothing": (
        "Leave trainable = False out there: in a loop, the generator's step leaves the discriminator still by itself, "
        "as its optimizer is given generator.trainable_variables alone. Or set it to True again before that step."
    ),
    "frozen.random": (
        "Let them learn: set trainable = True. Or give them trained weights before they are frozen: "
        "load_weights, or weights='imagenet' instead of weights=None. If random features are meant, leave "
        "them as they are."
    ),
    "frozen.in_call": (
        "Make layers once, in __init__ (self.dense = layers.Dense(10)), and only call them in call: then they keep "
        "their weights, and the model knows them."
    ),
    "frozen.in_call.variable": (
        "Make it once, in build: self.w = self.add_weight(shape=..., initializer=...), and only compute with self.w in "
        "call."
    ),
    "frozen.constant": (
        "Make weights with self.add_weight(shape=..., initializer=...), or as a Variable; an array that is meant to "
        "stay is fine as it is."
    ),
    "frozen.optimizer": "Make the optimizer, or call compile, once, before the loop.",
    "frozen.anew": "Make the model and its optimizer once, before the loop.",
    "frozen.forgotten": (
        "Take all of model.trainable_variables, in tape.gradient and for the optimizer; where layers shall stay as "
        "they are, say so: layer.trainable = False."
    ),
    "frozen.left_out": (
        "Add its weights, in tape.gradient and for the optimizer: variables = first.trainable_variables + "
        "second.trainable_variables; if it should stay as it is, say so: its trainable = False."
    ),
    "frozen.taken": (
        "Give this step the weights of the network that it should train, in tape.gradient and for the optimizer: in a "
        "GAN, tape.gradient(generator_loss, generator.trainable_variables)."
    ),
    "frozen.rounded": (
        "See that more of the gradient arrives: relu, he_normal, normalization or shortcuts; Adam makes steps of the "
        "same size from small gradients."
    ),
    "frozen.copies": (
        "Give the optimizer the model's own variables: "
        "optimizer.apply_gradients(zip(gradients, model.trainable_variables))."
    ),
    "frozen.compiled": (
        "Call model.compile(...) again after changing trainable: compile remembers what was trainable, as in Keras 2."
    ),
    "frozen.zeros": (
        "Look at what is done with the gradients between the tape and the optimizer: a mask of zeros, a factor of 0, "
        "or limits such as clip(gradient, 0, 0), where clip(gradient, -1, 1) is meant."
    ),
    "frozen.update": "Give the gradients to an optimizer: optimizer.apply(gradients, variables).",
    "frozen.rate": "Set a learning rate above 0; good first values: 0.001 for Adam, 0.01 for SGD.",
    "opposed_updates": (
        "Give each optimizer the weights of its own network, in tape.gradient and in apply: in a GAN, the "
        "discriminator's step takes discriminator.trainable_variables alone, and stop_gradient(generator(noise)) as "
        "its input. Where a compiled model trains the generator through the discriminator, set "
        "discriminator.trainable = False before gan.compile and each gan.train_on_batch, and True before each "
        "discriminator.train_on_batch."
    ),
    "opposed_updates.deceived": (
        "Train the generator's weights alone in its step: give generator.trainable_variables to tape.gradient and to "
        "the optimizer. Where a compiled model trains the generator through the discriminator, set "
        "discriminator.trainable = False before gan.compile and each gan.train_on_batch, and True before each "
        "discriminator.train_on_batch."
    ),
}
