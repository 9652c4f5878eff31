"""Scripts with one mistake each: `PLANTED` maps a kind of finding to variants of it.

The guilty line ends with `# here`; scripts without such a line have none that is more guilty than others.
"""

from __future__ import annotations

import textwrap

__all__ = ["PLANTED", "PRELUDE", "script"]

PRELUDE = """\
import numpy as np
import eagerflow as ef
from eagerflow import layers, ops
ef.utils.set_random_seed(1)
rng = np.random.default_rng(1)
x = rng.normal(size=(128, 8)).astype("float32")
target = (x[:, :1] - 0.5 * x[:, 1:2]).astype("float32")
number = (x[:, 0] + x[:, 1] > 0).astype("int32") + (x[:, 2] > 0.5).astype("int32")
onehot = np.eye(3, dtype="float32")[number]
binary = (x[:, :1] > 0).astype("float32")
"""

LOOP = """\
for step in range(20):
    with ef.GradientTape() as tape:
        loss = loss_of(model(x, training=True))
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
"""


def script(source: str) -> tuple[str, int | None]:
    """The whole script of a variant, and the number of its guilty line."""
    body = textwrap.dedent(source).replace("LOOP\n", LOOP)
    whole = PRELUDE + body
    guilty = [i for i, line in enumerate(whole.splitlines(), 1) if line.endswith("# here")]
    return whole, guilty[0] if guilty else None


PLANTED: dict[str, dict[str, str]] = {
    "nonfinite": {
        "log in a functional model": """
            inputs = ef.Input((8,))
            h = layers.Dense(4, activation="relu")(inputs)
            h = ops.log(h)  # here
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "division in a layer of one's own": """
            class Normalize(layers.Layer):
                def call(self, inputs):
                    deviation = ops.std(inputs, axis=0)
                    return (inputs - ops.mean(inputs, axis=0)) / deviation  # here
            x[:, 3] = 1.0
            model = ef.Sequential([Normalize(), layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=32, verbose=0)
        """,
        "root at zero, backward only": """
            class Norm(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.dense = layers.Dense(4, use_bias=False)
                def call(self, inputs):
                    h = self.dense(inputs)
                    h = ops.relu(h) * 0.0
                    return ops.sum(ops.sqrt(h), axis=-1, keepdims=True)  # here
            model = Norm()
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "a loss of one's own in a loop": """
            w = ef.Variable(np.full((8, 1), -1.0, "float32"))
            for step in range(5):
                with ef.GradientTape() as tape:
                    p = x @ w
                    loss = -ops.mean(binary * ops.log(p))  # here
                w.assign_sub(0.1 * tape.gradient(loss, w))
        """,
        "exp overflows": """
            model = ef.Sequential([layers.Dense(4), layers.Lambda(lambda h: ops.exp(100.0 * h)), layers.Dense(1)])  # here
            model.compile("sgd", "mse")
            model.fit(10 * x, target, verbose=0)
        """,
        "NaN in the data": """
            x[7, 2] = np.nan
            model = ef.Sequential([layers.Dense(4), layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)  # here
        """,
        "NaN in the prediction": """
            model = ef.Sequential([layers.Dense(4), layers.Lambda(lambda h: ops.sqrt(h))])  # here
            model.predict(x, verbose=0)
        """,
    },
    "dead_relu": {
        "bias far below zero": """
            model = ef.Sequential([
                layers.Dense(16, activation="relu", bias_initializer=ef.initializers.Constant(-20.0)),  # here
                layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "negative weights on positive inputs": """
            inputs = ef.Input((8,))
            h = layers.Dense(16, kernel_initializer=ef.initializers.Constant(-0.1))(inputs)
            h = layers.ReLU()(h)  # here
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile("adam", "mse")
            model.fit(np.abs(x), target, batch_size=16, verbose=0)
        """,
        "maximum in a model of one's own, most units": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.inner, self.head = layers.Dense(20), layers.Dense(1)
                def call(self, inputs):
                    shift = ops.convert_to_tensor(np.where(np.arange(20) < 14, -50.0, 0.0).astype("float32"))
                    return self.head(ops.maximum(self.inner(inputs) + shift, 0))  # here
            model = Net()
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "killed by the learning rate, in a loop": """
            hidden = layers.Dense(16, activation="relu")  # here
            model = ef.Sequential([hidden, layers.Dense(1, bias_initializer="ones")])
            optimizer = ef.optimizers.SGD(20.0)
            loss_of = lambda p: ops.mean(ops.abs(p - target + 5.0))
            LOOP
        """,
    },
    "vanishing_gradient": {
        "many sigmoids": """
            model = ef.Sequential([layers.Dense(16, activation="sigmoid") for _ in range(10)] + [layers.Dense(1)])  # here
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "small weights before tanh": """
            inputs = h = ef.Input((8,))
            for i in range(8):
                h = layers.Dense(16, activation="tanh", kernel_initializer=ef.initializers.RandomNormal(stddev=0.01))(h)  # here
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile("adam", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "in a loop": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.first = layers.Dense(16, activation="sigmoid")  # here
                    self.inner = [layers.Dense(16, activation="sigmoid") for _ in range(12)]
                    self.head = layers.Dense(3)
                def call(self, h):
                    h = self.first(h)
                    for layer in self.inner:
                        h = layer(h)
                    return self.head(h)
            model, optimizer = Net(), ef.optimizers.SGD(0.01)
            crossentropy = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
            loss_of = lambda p: crossentropy(number, p)
            LOOP
        """,
    },
    "exploding_gradient": {
        "large initial weights": """
            large = ef.initializers.RandomNormal(stddev=3.0)
            model = ef.Sequential([layers.Dense(32, activation="relu", kernel_initializer=large) for _ in range(5)]
                                  + [layers.Dense(1, kernel_initializer=large)])
            model.compile(ef.optimizers.SGD(1e-12), "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "a recurrent matrix that amplifies": """
            words = rng.normal(size=(32, 40, 4)).astype("float32")
            inputs = ef.Input((40, 4))
            h = layers.SimpleRNN(8, activation="linear", recurrent_initializer=ef.initializers.Identity(gain=1.8))(inputs)
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile(ef.optimizers.Adam(1e-3), "mse")
            model.fit(words, target[:32], batch_size=8, verbose=0)
        """,
        "a loss times a million, in a loop": """
            model, optimizer = ef.Sequential([layers.Dense(8, activation="tanh"), layers.Dense(1)]), ef.optimizers.Adam()
            loss_of = lambda p: 1e6 * ops.mean(ops.square(p - target))
            LOOP
        """,
        "targets that aren't scaled": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.a, self.b = layers.Dense(16, activation="relu"), layers.Dense(1)
                def call(self, inputs):
                    return self.b(self.a(inputs))
            model = Net()
            model.compile("adam", "mse")
            model.fit(x, 300000.0 + 10000.0 * target, batch_size=16, verbose=0)
        """,
    },
    "no_gradient": {
        "a layer that is not on the way to the loss": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.used = layers.Dense(4)
                    self.aside = layers.Dense(4)  # here
                    self.head = layers.Dense(1)
                def call(self, inputs):
                    h = self.used(inputs)
                    self.aside(h)
                    return self.head(h)
            model = Net()
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "a layer that is never called": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(1)
                    self.forgotten = layers.Dense(4)  # here
                def call(self, inputs):
                    return self.head(inputs)
            model = Net()
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "stop_gradient in a functional model": """
            inputs = ef.Input((8,))
            h = layers.Dense(4, activation="tanh")(inputs)  # here
            model = ef.Model(inputs, layers.Dense(1)(ops.stop_gradient(h)))
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "through numpy, in a loop": """
            first = layers.Dense(4, activation="tanh")  # here
            head = layers.Dense(1)
            optimizer = ef.optimizers.SGD(0.01)
            for step in range(10):
                with ef.GradientTape() as tape:
                    loss = ops.mean(ops.square(head(first(x).numpy()) - target))
                variables = first.trainable_variables + head.trainable_variables
                optimizer.apply(tape.gradient(loss, variables), variables)
        """,
        "round has no slope": """
            model = ef.Sequential([
                layers.Dense(4),  # here
                layers.Lambda(lambda h: ops.round(h)),
                layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "everything times zero": """
            class Gate(layers.Layer):
                def call(self, inputs):
                    return inputs * 0.0
            inputs = ef.Input((8,))
            h = layers.Dense(4, activation="tanh")(inputs)  # here
            model = ef.Model(inputs, layers.Dense(1)(layers.Concatenate()([Gate()(h), inputs])))
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=8, verbose=0)
        """,
        "no weight at all": """
            model = ef.Sequential([layers.Dense(1)])  # here
            optimizer = ef.optimizers.SGD(0.1)
            loss_of = lambda p: ops.mean(ops.square(ops.convert_to_tensor(p.numpy()) - target))
            LOOP
        """,
    },
    "saturated": {
        "tanh after large weights": """
            model = ef.Sequential([
                layers.Dense(16, activation="tanh", kernel_initializer=ef.initializers.RandomNormal(stddev=20.0)),  # here
                layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "sigmoid of large inputs": """
            inputs = ef.Input((8,))
            h = layers.Dense(16)(inputs)
            h = ops.sigmoid(1000.0 * h)  # here
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "softmax of large logits": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(3)
                def call(self, inputs):
                    return ops.softmax(self.head(inputs) * 300.0)  # here
            model = Net()
            model.compile(ef.optimizers.SGD(1e-6), "sparse_categorical_crossentropy")
            model.fit(x, number, batch_size=16, verbose=0)
        """,
        "in a loop": """
            a = ef.Variable(30.0 * rng.normal(size=(8, 16)).astype("float32"))
            b = ef.Variable(rng.normal(size=(16, 1)).astype("float32"))
            for step in range(10):
                with ef.GradientTape() as tape:
                    h = ops.tanh(x @ a)  # here
                    loss = ops.mean(ops.square(h @ b - target))
                for v, g in zip((a, b), tape.gradient(loss, [a, b])):
                    v.assign_sub(0.01 * g)
        """,
    },
    "loss_mismatch": {
        "softmax over one unit": """
            model = ef.Sequential([
                layers.Dense(8, activation="relu"),
                layers.Dense(1, activation="softmax"),  # here
            ])
            model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
            model.fit(x, binary, verbose=0)
        """,
        "softmax and from_logits": """
            model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")])
            loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)  # here
            model.compile("adam", loss)
            model.fit(x, number, verbose=0)
        """,
        "softmax twice": """
            inputs = ef.Input((8,))
            h = layers.Dense(3, activation="softmax")(inputs)
            model = ef.Model(inputs, layers.Softmax()(h))  # here
            model.compile("adam", "categorical_crossentropy")
            model.fit(x, onehot, verbose=0)
        """,
        "logits for probabilities": """
            model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)])
            model.compile("adam", loss="sparse_categorical_crossentropy")  # here
            model.fit(x, number, verbose=0)
        """,
        "logits for probabilities, yes or no": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(1)
                def call(self, inputs):
                    return self.head(inputs)
            model = Net()
            model.compile("adam", "binary_crossentropy")  # here
            model.fit(x, binary, verbose=0)
        """,
        "logits for probabilities, in a loop": """
            model, optimizer = ef.Sequential([layers.Dense(3)]), ef.optimizers.SGD(0.01)
            loss_of = lambda p: ops.mean(ef.losses.categorical_crossentropy(onehot, p))  # here
            LOOP
        """,
        "sigmoid and from_logits, in a loop": """
            model, optimizer = ef.Sequential([layers.Dense(1, activation="sigmoid")]), ef.optimizers.SGD(0.01)
            crossentropy = ef.losses.BinaryCrossentropy(from_logits=True)  # here
            loss_of = lambda p: crossentropy(binary, p)
            LOOP
        """,
        "class numbers with categorical crossentropy": """
            model = ef.Sequential([layers.Dense(3, activation="softmax")])
            model.compile("adam", "categorical_crossentropy")  # here
            model.fit(x, number, verbose=0)
        """,
        "one-hot rows with sparse crossentropy": """
            model = ef.Sequential([layers.Dense(3, activation="softmax")])
            model.compile("adam", "sparse_categorical_crossentropy")  # here
            model.fit(x, onehot, verbose=0)
        """,
        "classes with binary crossentropy": """
            model = ef.Sequential([layers.Dense(3, activation="softmax")])
            model.compile("adam", "binary_crossentropy")  # here
            model.fit(x, onehot, verbose=0)
        """,
        "sigmoids with categorical crossentropy": """
            model = ef.Sequential([layers.Dense(3, activation="sigmoid")])
            model.compile("adam", "categorical_crossentropy")  # here
            model.fit(x, onehot, verbose=0)
        """,
        "softmax over one unit, in a loop": """
            w = ef.Variable(np.zeros((8, 1), "float32"))
            for step in range(5):
                with ef.GradientTape() as tape:
                    p = ops.softmax(x @ w)  # here
                    loss = ops.mean(ops.square(p - binary))
                w.assign_sub(0.1 * tape.gradient(loss, w))
        """,
    },
    "broadcast": {
        "in a loop": """
            model, optimizer = ef.Sequential([layers.Dense(1)]), ef.optimizers.SGD(0.01)
            flat = target[:, 0]
            loss_of = lambda p: ops.mean(ops.square(flat - p))  # here
            LOOP
        """,
        "in a loss of one's own": """
            class Error(ef.losses.Loss):
                def call(self, y_true, y_pred):
                    return ops.mean(ops.abs(y_pred - y_true))  # here
            inputs = ef.Input((8,))
            model = ef.Model(inputs, layers.Dense(1)(inputs))
            model.compile("sgd", Error())
            model.fit(x, target[:, 0], batch_size=32, verbose=0)
        """,
        "in a training step of one's own": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(1)
                def call(self, inputs):
                    return self.head(inputs)
                def train_step(self, data):
                    inputs, labels = data
                    with ef.GradientTape() as tape:
                        error = self(inputs) - labels  # here
                        loss = ops.mean(error * error)
                    self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
                    return {"loss": loss}
            model = Net()
            model.compile("sgd")
            model.fit(x, target[:, 0], batch_size=32, verbose=0)
        """,
        "a Loss that compares one number with several outputs": """
            class Error(ef.losses.Loss):
                def call(self, y_true, y_pred):
                    return ops.mean(ops.square(y_pred - y_true), axis=-1)
            model = ef.Sequential([layers.Dense(4)])
            model.compile("sgd", Error())  # here
            model.fit(x, target, verbose=0)
        """,
    },
    "unscaled_input": {
        "images from 0 to 255": """
            images = rng.integers(0, 256, (64, 6, 6)).astype("float32")
            model = ef.Sequential([layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")])
            model.compile("adam", "sparse_categorical_crossentropy")
            model.fit(images, number[:64], verbose=0)  # here
        """,
        "integers, into a convolution": """
            images = rng.integers(0, 256, (64, 6, 6, 1)).astype("uint8")
            inputs = ef.Input((6, 6, 1))
            h = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(inputs))
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile("adam", "mse")
            model.fit(images, target[:64], verbose=0)  # here
        """,
        "one large column, in a loop": """
            x[:, 4] = 40000.0 + 5000.0 * x[:, 4]
            model, optimizer = ef.Sequential([layers.Dense(8, activation="tanh"), layers.Dense(1)]), ef.optimizers.Adam()
            loss_of = lambda p: ops.mean(ops.square(p - target))
            for step in range(10):
                with ef.GradientTape() as tape:
                    loss = loss_of(model(x))  # here
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        """,
        "next to nothing": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.a, self.b = layers.Dense(8, activation="tanh"), layers.Dense(1)
                def call(self, inputs):
                    return self.b(self.a(inputs))
            model = Net()
            model.compile("adam", "mse")
            model.fit(1e-6 * x, target, verbose=0)  # here
        """,
    },
    "constant_output": {
        "weights of zero": """
            model = ef.Sequential([layers.Dense(8, activation="relu", kernel_initializer="zeros"),
                                   layers.Dense(1, kernel_initializer="zeros")])
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "the input is ignored": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(1)
                def call(self, inputs):
                    return self.head(ops.ones_like(inputs))
            model = Net()
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "units that never fire": """
            inputs = ef.Input((8,))
            h = layers.Dense(8, activation="relu", bias_initializer=ef.initializers.Constant(-30.0))(inputs)
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=16, verbose=0)
        """,
        "divided as integers, in a loop": """
            x = (np.abs(x).astype("int32") // 255).astype("float32")
            model, optimizer = ef.Sequential([layers.Dense(8, activation="tanh"), layers.Dense(1)]), ef.optimizers.SGD(0.01)
            loss_of = lambda p: ops.mean(ops.square(p - target))
            LOOP
        """,
    },
    "dtype_upcast": {
        "a float64 array in a layer": """
            scale = np.linspace(0.5, 2.0, 4)
            class Scale(layers.Layer):
                def call(self, inputs):
                    return inputs * scale  # here
            model = ef.Sequential([layers.Dense(4), Scale(), layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "a layer of float64": """
            inputs = ef.Input((8,))
            h = layers.Dense(4)(inputs)
            h = layers.Dense(4, dtype="float64")(h)  # here
            model = ef.Model(inputs, layers.Dense(1)(h))
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "cast in a model of one's own": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.a, self.b = layers.Dense(4), layers.Dense(1)
                def call(self, inputs):
                    h = self.a(inputs)
                    h = ops.cast(h, "float64")  # here
                    return self.b(h)
            model = Net()
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
        """,
        "weights of float64, in a loop": """
            model = ef.Sequential([layers.Dense(4, activation="tanh")])
            head = ef.Variable(np.zeros((4, 1)), dtype="float64")
            for step in range(5):
                with ef.GradientTape() as tape:
                    loss = ops.mean(ops.square(ops.matmul(model(x), head) - target))  # here
                head.assign_sub(0.1 * tape.gradient(loss, head))
        """,
    },
    "memory_growth": {
        "losses in a list": """
            model, optimizer = ef.Sequential([layers.Dense(1)]), ef.optimizers.SGD(0.01)
            losses = []
            for step in range(20):
                with ef.GradientTape() as tape:
                    loss = ops.mean(ops.square(model(x) - target))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
                losses.append(loss)  # here
        """,
        "tapes in a dict, in a function": """
            def train(steps):
                model, optimizer = ef.Sequential([layers.Dense(1)]), ef.optimizers.SGD(0.01)
                tapes = {}
                for step in range(steps):
                    with ef.GradientTape(persistent=True) as tape:
                        loss = ops.mean(ops.square(model(x) - target))
                    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
                    tapes[step] = tape  # here
            train(24)
        """,
        "a layer that remembers": """
            class Remember(layers.Layer):
                def __init__(self):
                    super().__init__()
                    self.seen = {"all": []}
                def call(self, inputs):
                    history.append(inputs)  # here
                    return inputs
            history = []
            model = ef.Sequential([layers.Dense(32), Remember(), layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=8, epochs=2, verbose=0)
        """,
        "predictions in an attribute": """
            class Trainer:
                def __init__(self):
                    self.model, self.optimizer = ef.Sequential([layers.Dense(8)]), ef.optimizers.SGD(0.01)
                    self.predictions = []
                def step(self):
                    with ef.GradientTape() as tape:
                        p = self.model(x)
                        loss = ops.mean(ops.square(p))
                    self.predictions.append(p)  # here
                    self.optimizer.apply(tape.gradient(loss, self.model.trainable_variables), self.model.trainable_variables)
            trainer = Trainer()
            for step in range(20):
                trainer.step()
        """,
        "gradients in a callback": """
            class Keep(ef.callbacks.Callback):
                def __init__(self):
                    super().__init__()
                    self.all = []
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(1)
                def call(self, inputs):
                    return self.head(inputs)
                def train_step(self, data):
                    inputs, labels = data
                    with ef.GradientTape() as tape:
                        loss = ops.mean(ops.square(self(inputs) - labels))
                    gradients = tape.gradient(loss, self.trainable_variables)
                    keep.all.append(gradients)  # here
                    self.optimizer.apply(gradients, self.trainable_variables)
                    return {"loss": float(loss)}
            keep = Keep()
            model = Net()
            model.compile("sgd")
            model.fit(x, target, batch_size=8, epochs=2, verbose=0, callbacks=[keep])
        """,
    },
    "slow_input": {
        "a generator that sleeps": """
            import time
            def batches():
                while True:
                    time.sleep(0.02)
                    yield x[:16], target[:16]
            model = ef.Sequential([layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(batches(), steps_per_epoch=14, verbose=0)  # here
        """,
        "a sequence that sleeps": """
            import time
            class Batches(ef.utils.PyDataset):
                def __len__(self):
                    return 14
                def __getitem__(self, index):
                    time.sleep(0.02)
                    return x[:16], target[:16]
            inputs = ef.Input((8,))
            model = ef.Model(inputs, layers.Dense(1)(inputs))
            model.compile("sgd", "mse")
            model.fit(Batches(), verbose=0)  # here
        """,
        "in a loop": """
            import time
            model, optimizer = ef.Sequential([layers.Dense(1)]), ef.optimizers.SGD(0.01)
            for step in range(14):
                time.sleep(0.02)
                with ef.GradientTape() as tape:
                    loss = ops.mean(ops.square(model(x) - target))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        """,
    },
    "slow_op": {
        "a loop over rows": """
            class Rows(layers.Layer):
                def call(self, inputs):
                    rows = []
                    for i in range(inputs.shape[0]):
                        for j in range(8):
                            rows.append(inputs[i] * 2.0 + 1.0)  # here
                    return ops.stack(rows)[: inputs.shape[0]]
            model = ef.Sequential([layers.Dense(8), Rows(), layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=128, epochs=12, shuffle=False, verbose=0)
        """,
        "a layer that computes in Python": """
            import time
            class Slow(layers.Layer):
                def call(self, inputs):  # here
                    time.sleep(0.03)
                    return inputs * 2.0
            inputs = ef.Input((8,))
            model = ef.Model(inputs, layers.Dense(1)(Slow()(inputs)))
            model.compile("sgd", "mse")
            model.fit(x, target, batch_size=8, verbose=0)
        """,
        "a huge product, in a loop": """
            big = layers.Dense(4000, activation="relu")  # here
            model, optimizer = ef.Sequential([big, layers.Dense(1)]), ef.optimizers.SGD(1e-4)
            wide = rng.normal(size=(64, 2000)).astype("float32")
            for step in range(11):
                with ef.GradientTape() as tape:
                    loss = ops.mean(ops.square(model(wide)))
                tape.gradient(loss, model.trainable_variables)
        """,
    },
    "label_range": {
        "classes counted from 1": """
            model = ef.Sequential([layers.Dense(3, activation="softmax")])
            model.compile("adam", "sparse_categorical_crossentropy")
            model.fit(x, number + 1, verbose=0)  # here
        """,
        "binary labels 1 and 2": """
            inputs = ef.Input((8,))
            model = ef.Model(inputs, layers.Dense(1, activation="sigmoid")(inputs))
            model.compile("adam", "binary_crossentropy")
            model.fit(x, binary + 1, verbose=0)  # here
        """,
        "minus one and one, in a loop": """
            model, optimizer = ef.Sequential([layers.Dense(1)]), ef.optimizers.SGD(0.01)
            crossentropy = ef.losses.BinaryCrossentropy(from_logits=True)
            for step in range(5):
                with ef.GradientTape() as tape:
                    p = model(x)
                    loss = crossentropy(2 * binary - 1, p)  # here
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        """,
        "a sigmoid for pixels from 0 to 255": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(4, activation="sigmoid")
                def call(self, inputs):
                    return self.head(inputs)
            model = Net()
            model.compile("adam", "mse")
            model.fit(x, rng.uniform(0, 255, (128, 4)).astype("float32"), verbose=0)  # here
        """,
        "class numbers too large, by a function in a loop": """
            model, optimizer = ef.Sequential([layers.Dense(3, activation="softmax")]), ef.optimizers.SGD(0.01)
            loss_of = lambda p: ops.mean(ef.losses.sparse_categorical_crossentropy(number + 5, p))  # here
            LOOP
        """,
    },
    "lr_too_high": {
        "SGD with 100": """
            model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])
            model.compile(ef.optimizers.SGD(100.0), "mse")  # here
            model.fit(x, target, batch_size=16, epochs=2, verbose=0)
        """,
        "Adam with 10": """
            inputs = ef.Input((8,))
            h = layers.Dense(16, activation="tanh")(inputs)
            model = ef.Model(inputs, layers.Dense(3, activation="softmax")(h))
            optimizer = ef.optimizers.Adam(learning_rate=10.0)  # here
            model.compile(optimizer, "sparse_categorical_crossentropy")
            model.fit(x, number, batch_size=16, epochs=2, verbose=0)
        """,
        "a loop that diverges slowly": """
            model = ef.Sequential([layers.Dense(1)])
            optimizer = ef.optimizers.SGD(0.9)  # here
            loss_of = lambda p: ops.mean(ops.square(p - target))
            LOOP
        """,
        "updates by hand": """
            w = ef.Variable(np.ones((8, 1), "float32"))
            for step in range(20):
                with ef.GradientTape() as tape:
                    loss = ops.mean(ops.square(ops.matmul(x, w) - target))
                w.assign_sub(5.0 * tape.gradient(loss, w))  # here
        """,
    },
    "lr_too_low": {
        "SGD with a billionth": """
            model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])
            model.compile(
                ef.optimizers.SGD(1e-9),  # here
                "mse")
            model.fit(x, target, batch_size=16, epochs=4, verbose=0)
        """,
        "Adam with a ten-millionth": """
            inputs = ef.Input((8,))
            model = ef.Model(inputs, layers.Dense(3, activation="softmax")(inputs))
            model.compile(ef.optimizers.Adam(1e-7), "sparse_categorical_crossentropy")  # here
            model.fit(x, number, batch_size=128, epochs=30, verbose=0)
        """,
        "in a loop": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.head = layers.Dense(1)
                def call(self, inputs):
                    return self.head(inputs)
            model = Net()
            optimizer = ef.optimizers.RMSprop(1e-8)  # here
            loss_of = lambda p: ops.mean(ops.square(p - target))
            LOOP
        """,
        "updates by hand": """
            w = ef.Variable(np.ones((8, 1), "float32"))
            for step in range(30):
                with ef.GradientTape() as tape:
                    loss = ops.mean(ops.square(ops.matmul(x, w) - target))
                w.assign_sub(1e-9 * tape.gradient(loss, w))  # here
        """,
    },
    "batchnorm_misuse": {
        "batches of one": """
            model = ef.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.Dense(1)])
            model.compile("sgd", "mse")
            model.fit(x[:20], target[:20], batch_size=1, verbose=0)  # here
        """,
        "images one by one": """
            images = rng.normal(size=(12, 6, 6, 1)).astype("float32")
            inputs = ef.Input((6, 6, 1))
            h = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
            model = ef.Model(inputs, layers.Dense(1)(layers.Flatten()(h)))
            model.compile("sgd", "mse")
            model.fit(images, target[:12], batch_size=1, verbose=0)  # here
        """,
        "training=True always": """
            class Net(ef.Model):
                def __init__(self):
                    super().__init__()
                    self.a, self.norm, self.b = layers.Dense(8), layers.BatchNormalization(), layers.Dense(1)
                def call(self, inputs, training=False):
                    return self.b(self.norm(self.a(inputs), training=True))  # here
            model = Net()
            model.compile("sgd", "mse")
            model.fit(x, target, verbose=0)
            model.predict(x, verbose=0)
        """,
        "training=False in the loop": """
            model = ef.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.Dense(1)])
            optimizer = ef.optimizers.SGD(0.01)
            for step in range(12):
                with ef.GradientTape() as tape:
                    p = model(x)  # here
                    loss = ops.mean(ops.square(p - target))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        """,
    },
    "overfit": {
        "labels by chance": """
            labels = rng.integers(0, 2, (128, 1))
            model = ef.Sequential([layers.Dense(128, activation="relu"), layers.Dense(1, activation="sigmoid")])
            model.compile(ef.optimizers.Adam(0.02), "binary_crossentropy")
            model.fit(x, labels, validation_split=0.5, epochs=25, verbose=0)  # here
        """,
        "few rows, many weights": """
            inputs = ef.Input((8,))
            h = layers.Dense(256, activation="relu")(inputs)
            model = ef.Model(inputs, layers.Dense(1)(layers.Dense(256, activation="relu")(h)))
            model.compile(ef.optimizers.Adam(0.01), "mse")
            noisy = target + 2 * rng.normal(size=target.shape)
            model.fit(x[:32], noisy[:32], validation_data=(x[32:], noisy[32:]), epochs=40, verbose=0)  # here
        """,
        "in a loop": """
            labels = rng.integers(0, 3, 128)
            model, optimizer = ef.Sequential([layers.Dense(128, activation="relu"), layers.Dense(3)]), ef.optimizers.Adam(0.02)
            crossentropy = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
            for epoch in range(30):
                for i in range(0, 64, 16):
                    with ef.GradientTape() as tape:
                        loss = crossentropy(labels[i : i + 16], model(x[i : i + 16]))
                    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
                value = crossentropy(labels[64:], model(x[64:]))  # here
        """,
    },
}
