"""Training steps as people write them in loops of their own, for whatever looks at their pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.picture.architectures import anew

RANDOM = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype("float32")


def dense_net(name: str, *widths: int) -> ef.Sequential:
    inner = [layers.Dense(width, activation="relu") for width in widths[1:-1]]
    return ef.Sequential([layers.Input((widths[0],)), *inner, layers.Dense(widths[-1])], name=name)


def traced(step: Any) -> viz.Recording:
    """A step, behind one in which optimizers make their variables."""
    step()
    with viz.trace() as t, viz.step():
        step()
    for i, op in enumerate(t.ops):  # the same times in every run, so that the same words stand in the boxes
        op.start, op.end = i * 100_000, i * 100_000 + 1000 + i * 7919 % 90_000
    return t


def descent(model: Any, loss: Any, optimizer: Any = None) -> list[Any]:
    """A step of an optimizer; without one, the gradients."""
    with ef.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, model.trainable_variables)
    if optimizer is not None:
        optimizer.apply(gradients, model.trainable_variables)
    return gradients


def polyak():
    """Q-learning with a target network, which follows the other slowly."""
    online, target = dense_net("online", 4, 16, 2), dense_net("target", 4, 16, 2)
    optimizer = ef.optimizers.Adam()
    state, after, reward, action = numbers(8, 4), numbers(8, 4), numbers(8), RANDOM.integers(0, 2, 8)

    def step():
        wanted = ops.stop_gradient(reward + 0.99 * ops.max(target(after), axis=-1))

        def loss():
            values = ops.sum(online(state) * ops.one_hot(action, 2), axis=-1)
            return ops.mean(ops.square(values - wanted))

        descent(online, loss, optimizer)
        for copy, weight in zip(target.variables, online.variables):
            copy.assign(0.01 * weight + 0.99 * copy)

    return traced(step), None


def averaged():
    """A moving average of the weights, kept by hand; gradients are clipped by hand, too."""
    model, optimizer = dense_net("net", 4, 8, 8, 2), ef.optimizers.Adam()
    averages = [ef.Variable(w.numpy(), name=f"mean_{w.name}") for w in model.trainable_variables]
    x, y = numbers(8, 4), numbers(8, 2)

    def step():
        found = descent(model, lambda: ops.mean(ops.square(model(x) - y)))
        optimizer.apply([ops.clip(each, -1, 1) for each in found], model.trainable_variables)
        for average, weight in zip(averages, model.trainable_variables):
            average.assign(0.99 * average + 0.01 * weight)

    return traced(step), model


def own_descent():
    """Gradient descent without an optimizer."""
    model, x, y = dense_net("net", 4, 8, 2), numbers(8, 4), numbers(8, 2)

    def step():
        found = descent(model, lambda: ops.mean(ops.square(model(x) - y)))
        for weight, each in zip(model.trainable_variables, found):
            weight.assign_sub(0.1 * each)

    return traced(step), model


def own_momentum():
    """The same with momentum, and gradients scaled to a norm, in all."""
    model, x, y = dense_net("net", 4, 8, 2), numbers(8, 4), numbers(8, 2)
    speeds = [ef.Variable(np.zeros(w.shape, "float32"), name=f"speed_{w.name}") for w in model.trainable_variables]

    def step():
        found = descent(model, lambda: ops.mean(ops.square(model(x) - y)))
        norm = ops.sqrt(sum([ops.sum(ops.square(each)) for each in found]))
        scale = ops.minimum(1.0, 1.0 / norm)
        for weight, each, speed in zip(model.trainable_variables, found, speeds):
            speed.assign(0.9 * speed + scale * each)
            weight.assign_sub(0.1 * speed)

    return traced(step), model


def actor_critic():
    """Three losses in one, of two heads."""
    state = layers.Input((4,), name="state")
    common = layers.Dense(16, activation="relu", name="common")(state)
    heads = [layers.Dense(2, activation="softmax", name="actor")(common), layers.Dense(1, name="critic")(common)]
    model, optimizer = ef.Model(state, heads, name="actor_critic"), ef.optimizers.Adam()
    seen, action, earned = numbers(16, 4), RANDOM.integers(0, 2, 16), numbers(16)

    def loss():
        chances, value = model(seen, training=True)
        better = earned - ops.squeeze(value, -1)
        told = ops.log(ops.sum(chances * ops.one_hot(action, 2), axis=-1))
        entropy = -ops.mean(ops.sum(chances * ops.log(chances + 1e-8), axis=-1))
        return -ops.mean(told * ops.stop_gradient(better)) + 0.5 * ops.mean(ops.square(better)) - 0.01 * entropy

    return traced(lambda: descent(model, loss, optimizer)), model


def triplet():
    """One network for three inputs."""
    tower, optimizer = dense_net("tower", 6, 8, 4), ef.optimizers.Adam()
    anchor, near, far = numbers(8, 6), numbers(8, 6), numbers(8, 6)

    def loss():
        a, b, c = tower(anchor), tower(near), tower(far)
        inner, outer = (ops.sum(ops.square(a - each), axis=-1) for each in (b, c))
        return ops.mean(ops.maximum(inner - outer + 0.2, 0.0))

    return traced(lambda: descent(tower, loss, optimizer)), tower


def two_losses():
    """A GAN whose step gives one forward pass two losses, and asks for the gradients of each."""
    generator, discriminator = dense_net("generator", 4, 8, 6), dense_net("discriminator", 6, 8, 1)
    optimizers, judge = (ef.optimizers.Adam(), ef.optimizers.Adam()), ef.losses.BinaryCrossentropy(from_logits=True)
    real, noise = numbers(8, 6), numbers(8, 4)

    def step():
        with ef.GradientTape() as of_generator, ef.GradientTape() as of_discriminator:
            fake = generator(noise, training=True)
            seen, taken = discriminator(real, training=True), discriminator(fake, training=True)
            gen_loss = judge(ops.ones_like(taken), taken)
            disc_loss = judge(ops.ones_like(seen), seen) + judge(ops.zeros_like(taken), taken)
        up = of_generator.gradient(gen_loss, generator.trainable_variables)
        down = of_discriminator.gradient(disc_loss, discriminator.trainable_variables)
        optimizers[0].apply(up, generator.trainable_variables)
        optimizers[1].apply(down, discriminator.trainable_variables)

    return traced(step), None


def penalized_critic():
    """A critic's step with a penalty of its gradient with respect to what it sees, which is differentiated again."""
    critic, optimizer = dense_net("critic", 4, 8, 1), ef.optimizers.Adam()
    real, fake = numbers(8, 4), numbers(8, 4)

    def step():
        with ef.GradientTape() as tape:
            between = ef.Tensor(0.5 * real + 0.5 * fake)
            with ef.GradientTape() as inner:
                inner.watch(between)
                score = critic(between, training=True)
            slope = inner.gradient(score, between)
            penalty = ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), axis=1) + 1e-8) - 1.0))
            loss = ops.mean(critic(fake)) - ops.mean(critic(real)) + 10.0 * penalty
        optimizer.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)

    return traced(step), critic


_MADE = (polyak, averaged, own_descent, own_momentum, actor_critic, triplet, two_losses, penalized_critic)
LOOPS = {made.__name__: anew(made) for made in _MADE}
