"""A training loop of one's own, with types and without, and gradients of functions."""

import time
from typing import reveal_type

import numpy as np

import eagerflow as ef
from eagerflow import layers, ops

(x_train, y_train), (x_test, y_test) = ef.datasets.digits.load_data()
x_train = (x_train / 16).astype("float32").reshape(-1, 64)
dataset = ef.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(1000).batch(64)

model = ef.Sequential([ef.Input((64,)), layers.Dense(32, activation="relu"), layers.Dense(10)])
loss_fn = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = ef.optimizers.Adam(learning_rate=ef.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9))
train_loss = ef.metrics.Mean(name="loss")
train_accuracy = ef.metrics.SparseCategoricalAccuracy()


@ef.function
def train_step(x, y):
    with ef.GradientTape() as tape:
        logits = model(x, training=True)
        loss = loss_fn(y, logits) + sum(model.losses)
    grads = tape.gradient(loss, model.trainable_weights)
    grads = [ops.clip(g, -1.0, 1.0) for g in grads]
    optimizer.apply_gradients(zip(grads, model.trainable_weights, strict=True))
    train_accuracy.update_state(y, logits)
    return loss


for epoch in range(2):
    start = time.time()
    for step, (x_batch, y_batch) in enumerate(dataset):
        value = train_step(x_batch, y_batch)
        train_loss.update_state(value)
        if step % 200 == 0:
            print(f"loss at step {step}: {float(value):.4f}")
    print(
        f"{epoch}: {float(train_loss.result()):.4f}, {float(train_accuracy.result()):.2%}, {time.time() - start:.1f} s"
    )
    train_accuracy.reset_state()
    train_loss.reset_state()


def norm_of(gradients: list[ef.Tensor]) -> float:
    return float(ops.sqrt(sum((ops.sum(g * g) for g in gradients), ops.zeros(()))))


def typed_step(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    with ef.GradientTape(persistent=True) as tape:
        logits = model(x, training=True)
        loss = loss_fn(y, logits)
    gradients = tape.gradient(loss, model.trainable_variables)
    reveal_type(gradients)  # type: list[Tensor | Any]
    for gradient, variable in zip(gradients, model.trainable_variables, strict=True):
        if gradient is not None:
            variable.assign_sub(0.01 * gradient)
    optimizer.apply(gradients, model.trainable_variables)
    return float(loss), norm_of(gradients)


typed_step(x_train[:8], y_train[:8])
print(model(x_test[:1].reshape(1, 64), traning=False))  # error: traning
model(x_test, y_test, x_train, y_train)  # error: __call__

w, b = ef.Variable(ops.ones((3, 1)), name="w"), ef.Variable([0.0], name="b")
with ef.GradientTape() as both:
    squared = ops.mean((ops.ones((4, 3)) @ w + b) ** 2)
dw, db = both.gradient(squared, (w, b))
reveal_type(dw)  # type: Tensor | Any
w.assign_sub(dw * 0.1)
print(dw.shap)  # error: shap
with ef.GradientTape() as named:
    squared = ops.mean((ops.ones((4, 3)) @ w + b) ** 2)
by_name = named.gradient(squared, {"w": w, "b": b})
reveal_type(by_name)  # type: dict[str, Tensor | Any]
print(by_name["w"].shape, {name: float(ops.sum(g)) for name, g in by_name.items()})
with ef.GradientTape() as nested:
    squared = ops.sum(w * w)
inner = nested.gradient(squared, {"first": {"w": w}, "rest": [b]})
print(inner["first"]["w"], inner["rest"][0])
named.gradient(squared, w, unconnected="zero")  # error: gradient
named.gradients(squared, w)  # error: gradients

x = ef.Variable(3.0)
with ef.GradientTape() as outer:
    with ef.GradientTape() as middle:
        y = x * x * x
    slope = middle.gradient(y, x)
print(float(outer.gradient(slope, x)))
with ef.GradientTape() as rows:
    y = ops.stack([x, x * x])
reveal_type(rows.jacobian(y, x))  # type: Tensor

cube = ef.grad(lambda t: t**3)
reveal_type(cube(2.0))  # type: Tensor
print(cube(2.0).nunpy())  # error: nunpy
print(float(ef.grad(cube)(2.0)))


def square(t: ef.Tensor) -> ef.Tensor:
    return t * t


answer, rate = ef.value_and_grad(square)(3.0)
reveal_type(answer)  # type: Tensor
print(float(answer), float(rate))


def fitting(weights: dict[str, ef.Tensor], inputs: np.ndarray) -> ef.Tensor:
    return ops.mean((inputs @ weights["w"] + weights["b"]) ** 2)


weights = {"w": ops.ones((3, 1)), "b": ops.zeros(1)}
slopes = ef.grad(fitting)(weights, np.ones((4, 3)))
reveal_type(slopes)  # type: dict[str, Any]
weights = {name: weights[name] - 0.1 * g for name, g in slopes.items()}
number, slopes_too = ef.value_and_grad(fitting)(weights, np.ones((4, 3)))
print(number.shape, slopes_too["w"])
of_w, of_b = ef.grad(lambda w, b: ops.sum(w * b), argnums=(0, 1))(2.0, 3.0)
print(float(of_w) + float(of_b), ef.grad(lambda w, b: w * b, argnums=1)(2.0, 3.0).shape)
(kept, also) = ef.grad(lambda t: (t * t, "aux"), has_aux=True)(2.0)
reveal_type(ef.hessian(lambda t: ops.sum(t**3))([1.0, 2.0]))  # type: Tensor
reveal_type(ef.jacobian(lambda t: t * t)([1.0, 2.0]).shape)  # type: tuple[int, ...] | Any
out, pullback = ef.vjp(lambda a, b: a * b, 2.0, 5.0)
print([float(s) for s in pullback(1.0)], float(out))
ef.grad(3)  # error: grad
