"""Scripts that train as they should, in all styles: the doctor has nothing to say but hints."""

from __future__ import annotations

import itertools
import textwrap

from tests.viz.doctor.planted import PRELUDE

__all__ = ["HEALTHY"]

_LOOP = """\
for epoch in range(epochs):
    order = rng.permutation(len(x))
    for i in range(0, len(x), 16):
        rows = order[i : i + 16]
        with ef.GradientTape() as tape:
            loss = loss_of(model(x[rows], training=True), rows)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""

_WRITTEN = {
    "mlp, one class of three": """
        model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, number, epochs=15, batch_size=16, validation_split=0.25, verbose=0)
        model.evaluate(x, number, verbose=0)
        model.predict(x, verbose=0)
    """,
    "mlp, one-hot labels, logits": """
        model = ef.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(3)])
        model.compile("sgd", ef.losses.CategoricalCrossentropy(from_logits=True))
        model.fit(x, onehot, epochs=10, batch_size=16, verbose=0)
    """,
    "yes or no, flat labels": """
        model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        model.fit(x, binary[:, 0], epochs=20, batch_size=16, verbose=0)
    """,
    "yes or no, learned to the end": """
        model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1, activation="sigmoid")])
        model.compile(ef.optimizers.Adam(0.05), "binary_crossentropy")
        model.fit(x, binary, epochs=60, batch_size=32, verbose=0)
    """,
    "several labels at once": """
        both = np.concatenate([binary, 1 - binary, (x[:, 1:2] > 0)], axis=1).astype("float32")
        model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy")
        model.fit(x, both, epochs=10, verbose=0)
    """,
    "regression": """
        model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        model.fit(x, target, epochs=20, batch_size=16, validation_split=0.2, verbose=0)
    """,
    "a line, by SGD": """
        a = np.linspace(-1, 1, 64)[:, None]
        model = ef.Sequential([layers.Dense(1)])
        model.compile(ef.optimizers.SGD(0.1), "mse")
        model.fit(a, 3 * a + 2, epochs=50, batch_size=8, verbose=0)
    """,
    "regression with flat targets": """
        model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)])
        model.compile("rmsprop", "mae")
        model.fit(x, target[:, 0], epochs=10, verbose=0)
    """,
    "integers from 0 to 10": """
        a = rng.integers(0, 10, (128, 4))
        model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(a, a.sum(axis=1), epochs=10, verbose=0)
    """,
    "exclusive or": """
        a = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
        b = np.array([[0], [1], [1], [0]], "float32")
        model = ef.Sequential([layers.Dense(8, activation="tanh"), layers.Dense(1, activation="sigmoid")])
        model.compile(ef.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
        model.fit(a, b, epochs=200, batch_size=4, verbose=0)
    """,
    "convolutions with batch normalization": """
        images = rng.random((64, 8, 8, 1)).astype("float32")
        labels = (images[:, :4].mean((1, 2, 3)) > 0.5).astype(int)
        model = ef.Sequential([
            layers.Input((8, 8, 1)), layers.Conv2D(8, 3, padding="same", use_bias=False), layers.BatchNormalization(),
            layers.ReLU(), layers.MaxPooling2D(), layers.Conv2D(16, 3, activation="relu"), layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3), layers.Dense(2, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(images, labels, epochs=6, batch_size=16, validation_split=0.25, verbose=0)
        model.predict(images, verbose=0)
    """,
    "images scaled in the model": """
        images = rng.integers(0, 256, (64, 6, 6, 3)).astype("uint8")
        model = ef.Sequential([layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(),
                               layers.Dense(3, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(images, number[:64], epochs=4, verbose=0)
    """,
    "columns normalized in the model": """
        a = x * np.array([1, 10, 100, 1000, 1, 1, 1, 1]) + 500.0
        normalize = layers.Normalization()
        normalize.adapt(a)
        model = ef.Sequential([normalize, layers.Dense(8, activation="relu"), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(a, target, epochs=5, verbose=0)
    """,
    "batch normalization first": """
        model = ef.Sequential([layers.BatchNormalization(), layers.Dense(8, activation="relu"), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(100 * x, target, epochs=5, verbose=0)
        model.predict(x[:1], verbose=0)
    """,
    "a last batch of one": """
        model = ef.Sequential([layers.Dense(8), layers.BatchNormalization(), layers.ReLU(), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x[:65], target[:65], batch_size=16, epochs=3, verbose=0)
    """,
    "lstm on words": """
        words = rng.integers(0, 50, (64, 12))
        labels = (words == 7).any(axis=1).astype(int)
        model = ef.Sequential([layers.Embedding(50, 8, mask_zero=True), layers.LSTM(16), layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        model.fit(words, labels, epochs=6, batch_size=16, validation_split=0.25, verbose=0)
    """,
    "gru both ways, on a series": """
        t = np.arange(200) / 5
        series = np.stack([np.sin(t[i : i + 20]) for i in range(150)])[..., None].astype("float32")
        model = ef.Sequential([layers.Bidirectional(layers.GRU(8, return_sequences=True)), layers.GRU(8), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(series[:, :-1], series[:, -1], epochs=3, batch_size=16, verbose=0)
    """,
    "a simple recurrent network, unrolled": """
        series = rng.normal(size=(32, 6, 2)).astype("float32")
        model = ef.Sequential([layers.SimpleRNN(8, unroll=True), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(series, series.sum((1, 2))[:, None], epochs=4, batch_size=8, verbose=0)
    """,
    "a transformer block": """
        words = rng.integers(0, 30, (64, 10))
        labels = (words[:, 0] % 3)
        inputs = ef.Input((10,), dtype="int32")
        h = layers.Embedding(30, 16)(inputs) + layers.Embedding(10, 16)(ops.arange(10))
        for _ in range(2):
            a = layers.LayerNormalization()(h)
            h = h + layers.MultiHeadAttention(2, 8, dropout=0.1)(a, a)
            a = layers.LayerNormalization()(h)
            h = h + layers.Dense(16)(layers.Dense(32, activation="gelu")(a))
        outputs = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(h))
        model = ef.Model(inputs, outputs)
        model.compile(ef.optimizers.AdamW(1e-3), "sparse_categorical_crossentropy")
        model.fit(words, labels, epochs=6, batch_size=16, verbose=0)
    """,
    "a causal language model, in a loop": """
        words = rng.integers(0, 20, (64, 9))
        class Model(ef.Model):
            def __init__(self):
                super().__init__()
                self.embed = layers.Embedding(20, 16)
                self.attend = layers.MultiHeadAttention(2, 8)
                self.norm, self.head = layers.LayerNormalization(), layers.Dense(20)
            def call(self, tokens):
                h = self.embed(tokens)
                h = self.norm(h + self.attend(h, h, use_causal_mask=True))
                return self.head(h)
        model, optimizer = Model(), ef.optimizers.Adam(1e-3)
        crossentropy = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
        losses = []
        for step in range(40):
            with ef.GradientTape() as tape:
                loss = crossentropy(words[:, 1:], model(words[:, :-1]))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            losses.append(float(loss))
    """,
    "an autoencoder": """
        images = rng.random((64, 16)).astype("float32")
        encoder = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)])
        decoder = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(16, activation="sigmoid")])
        inputs = ef.Input((16,))
        model = ef.Model(inputs, decoder(encoder(inputs)))
        model.compile("adam", "binary_crossentropy")
        model.fit(images, images, epochs=8, batch_size=16, verbose=0)
    """,
    "a convolutional autoencoder": """
        images = rng.random((32, 8, 8, 1)).astype("float32")
        model = ef.Sequential([
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid")])
        model.compile("adam", "mse")
        model.fit(images, images, epochs=6, batch_size=8, verbose=0)
    """,
    "a variational autoencoder": """
        class VAE(ef.Model):
            def __init__(self):
                super().__init__()
                self.encode, self.mean, self.spread = layers.Dense(16, activation="relu"), layers.Dense(2), layers.Dense(2)
                self.decode = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(8)])
                self.seeds = ef.random.SeedGenerator(1)
            def call(self, inputs):
                h = self.encode(inputs)
                mean, spread = self.mean(h), self.spread(h)
                self.add_loss(-0.05 * ops.mean(1 + spread - ops.square(mean) - ops.exp(spread)))
                return self.decode(mean + ops.exp(0.5 * spread) * ef.random.normal(mean.shape, seed=self.seeds))
        model = VAE()
        model.compile("adam", "mse")
        model.fit(x, x, epochs=10, batch_size=16, verbose=0)
    """,
    "a generative adversarial network": """
        generator = ef.Sequential([layers.Dense(16, activation="leaky_relu"), layers.BatchNormalization(), layers.Dense(8)])
        judge = ef.Sequential([layers.Dense(16, activation="leaky_relu"), layers.Dropout(0.3), layers.Dense(1)])
        g_optimizer, d_optimizer = ef.optimizers.Adam(1e-3), ef.optimizers.Adam(1e-3)
        crossentropy = ef.losses.BinaryCrossentropy(from_logits=True)
        for step in range(60):
            real = x[rng.integers(0, 128, 32)]
            noise = rng.normal(size=(32, 4)).astype("float32")
            with ef.GradientTape() as g_tape, ef.GradientTape() as d_tape:
                fake = generator(noise, training=True)
                on_real, on_fake = judge(real, training=True), judge(fake, training=True)
                g_loss = crossentropy(ops.ones_like(on_fake), on_fake)
                d_loss = crossentropy(ops.ones_like(on_real), on_real) + crossentropy(ops.zeros_like(on_fake), on_fake)
            g_grads = g_tape.gradient(g_loss, generator.trainable_variables)
            d_grads = d_tape.gradient(d_loss, judge.trainable_variables)
            g_optimizer.apply_gradients(zip(g_grads, generator.trainable_variables))
            d_optimizer.apply_gradients(zip(d_grads, judge.trainable_variables))
    """,
    "two inputs, two outputs": """
        a, b = ef.Input((8,)), ef.Input((8,))
        shared = layers.Dense(16, activation="relu")
        h = layers.Concatenate()([shared(a), shared(b)])
        model = ef.Model([a, b], [layers.Dense(1, name="size")(h), layers.Dense(3, activation="softmax", name="kind")(h)])
        model.compile("adam", {"size": "mse", "kind": "sparse_categorical_crossentropy"}, loss_weights={"size": 0.5, "kind": 1.0})
        model.fit([x, x[::-1]], {"size": target, "kind": number}, epochs=6, verbose=0)
    """,
    "residual blocks": """
        inputs = h = ef.Input((8,))
        h = layers.Dense(16)(h)
        for _ in range(8):
            h = h + layers.Dense(16, activation="relu")(layers.LayerNormalization()(h))
        model = ef.Model(inputs, layers.Dense(1)(h))
        model.compile("adam", "mse")
        model.fit(x, target, epochs=6, batch_size=16, verbose=0)
    """,
    "frozen layers": """
        base = ef.Sequential([layers.Dense(16, activation="relu"), layers.BatchNormalization()])
        base(x)
        base.trainable = False
        model = ef.Sequential([base, layers.Dense(3, activation="softmax")])
        model.compile(ef.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
        model.fit(x, number, epochs=5, verbose=0)
    """,
    "a frozen base in inference mode, then fine-tuned": """
        base = ef.Sequential([layers.Dense(16, activation="relu"), layers.BatchNormalization(), layers.Dense(8)])
        base(x)
        inputs = ef.Input((8,))
        model = ef.Model(inputs, layers.Dense(1)(base(inputs, training=False)))
        base.trainable = False
        model.compile(ef.optimizers.Adam(1e-2), "mse")
        model.fit(x, target, epochs=3, verbose=0)
    """,
    "a loop with validation": """
        model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)])
        optimizer, crossentropy = ef.optimizers.Adam(1e-2), ef.losses.SparseCategoricalCrossentropy(from_logits=True)
        accuracy = ef.metrics.SparseCategoricalAccuracy()
        for epoch in range(8):
            for i in range(0, 96, 16):
                with ef.GradientTape() as tape:
                    loss = crossentropy(number[i : i + 16], model(x[i : i + 16], training=True))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            accuracy.update_state(number[96:], model(x[96:], training=False))
            value = float(crossentropy(number[96:], model(x[96:], training=False)))
    """,
    "weights of one's own, updated by hand": """
        w, b = ef.Variable(np.zeros((8, 1), "float32")), ef.Variable(np.zeros(1, "float32"))
        for step in range(40):
            with ef.GradientTape() as tape:
                loss = ops.mean(ops.square(x @ w + b - target))
            for v, g in zip((w, b), tape.gradient(loss, [w, b])):
                v.assign_sub(0.1 * g)
    """,
    "logistic regression by hand": """
        w = ef.Variable(np.zeros((8, 1), "float32"))
        for step in range(60):
            with ef.GradientTape() as tape:
                p = ops.sigmoid(x @ w)
                loss = ops.mean(ef.losses.binary_crossentropy(binary, p))
            w.assign_sub(0.5 * tape.gradient(loss, w))
    """,
    "a training step of one's own": """
        class Net(ef.Model):
            def __init__(self):
                super().__init__()
                self.hidden, self.head = layers.Dense(16, activation="relu"), layers.Dense(1)
            def call(self, inputs):
                return self.head(self.hidden(inputs))
            def train_step(self, data):
                inputs, labels = data
                with ef.GradientTape() as tape:
                    loss = self.compute_loss(y=labels, y_pred=self(inputs, training=True))
                self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
                return {"loss": loss}
        model = Net()
        model.compile("adam", "mse")
        model.fit(x, target, epochs=8, verbose=0)
    """,
    "gradients of gradients": """
        model = ef.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(1)])
        optimizer = ef.optimizers.Adam(1e-2)
        for step in range(20):
            with ef.GradientTape() as outer:
                points = ef.Tensor(x)
                with ef.GradientTape() as inner:
                    inner.watch(points)
                    p = model(points)
                slope = inner.gradient(p, points)
                loss = ops.mean(ops.square(p - target)) + 0.01 * ops.mean(ops.square(slope))
            optimizer.apply(outer.gradient(loss, model.trainable_variables), model.trainable_variables)
    """,
    "data from a generator": """
        def batches():
            while True:
                rows = rng.integers(0, 128, 16)
                yield x[rows], number[rows]
        model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(batches(), steps_per_epoch=10, epochs=3, verbose=0)
    """,
    "train_on_batch": """
        model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])
        model.compile("adam", "mse")
        history = [model.train_on_batch(x, target) for _ in range(30)]
    """,
    "early stopping on little data": """
        model = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy")
        stop = ef.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
        model.fit(x[:40], binary[:40], validation_split=0.25, epochs=40, callbacks=[stop], verbose=0)
    """,
    "dropout, weight decay, a schedule": """
        rate = ef.optimizers.schedules.CosineDecay(0.0, 40, warmup_target=1e-2, warmup_steps=10)
        model = ef.Sequential([layers.Dense(32, activation="relu", kernel_regularizer="l2"), layers.Dropout(0.5), layers.Dense(1)])
        model.compile(ef.optimizers.AdamW(rate, weight_decay=1e-3, clipnorm=1.0), "huber")
        model.fit(x, target, epochs=6, batch_size=16, verbose=0)
    """,
    "a head that begins with zeros": """
        model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, kernel_initializer="zeros", activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, number, epochs=4, batch_size=16, verbose=0)
    """,
    "a network for sums of squares": """
        y = (x ** 2).sum(axis=1, keepdims=True)
        model = ef.Sequential([layers.Dense(32, activation="relu"), layers.Dense(32, activation="relu"), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x, y, epochs=10, batch_size=16, validation_split=0.2, verbose=0)
    """,
    "contrast of pairs": """
        encoder = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(4)])
        optimizer = ef.optimizers.Adam(1e-2)
        for step in range(20):
            with ef.GradientTape() as tape:
                a = ops.normalize(encoder(x[:32]), axis=-1)
                b = ops.normalize(encoder(x[:32] + 0.1 * rng.normal(size=(32, 8)).astype("float32")), axis=-1)
                logits = ops.matmul(a, ops.transpose(b)) / 0.1
                loss = ops.mean(ef.losses.sparse_categorical_crossentropy(np.arange(32), logits, from_logits=True))
            optimizer.apply(tape.gradient(loss, encoder.trainable_variables), encoder.trainable_variables)
    """,
    "policy gradients": """
        policy = ef.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(2, activation="softmax")])
        optimizer = ef.optimizers.Adam(1e-2)
        for episode in range(30):
            states = rng.normal(size=(20, 8)).astype("float32")
            actions = rng.integers(0, 2, 20)
            rewards = np.where(actions == (states[:, 0] > 0), 1.0, -1.0).astype("float32")
            with ef.GradientTape() as tape:
                p = policy(states)
                chosen = ops.sum(p * np.eye(2, dtype="float32")[actions], axis=-1)
                loss = -ops.mean(ops.log(chosen) * rewards)
            optimizer.apply(tape.gradient(loss, policy.trainable_variables), policy.trainable_variables)
    """,
    "Keras 2's spelling": """
        from keras.models import Sequential
        from keras.layers import Activation, Dense
        model = Sequential()
        model.add(Dense(16, input_dim=8))
        model.add(Activation("relu"))
        model.add(Dense(1, activation="sigmoid"))
        model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
        model.fit(x, binary, epochs=5, batch_size=16, verbose=0)
    """,
}

_GRID = {
    f"mlp, {activation}, {optimizer}, {loss}": f"""
        model = ef.Sequential([layers.Dense(24, activation="{activation}"), layers.Dense(24, activation="{activation}"),
                               layers.Dense({units})])
        model.compile("{optimizer}", {loss_code})
        model.fit(x, {labels}, epochs=5, batch_size=16, verbose=0)
    """
    for activation, optimizer, (loss, units, loss_code, labels) in itertools.product(
        ("relu", "tanh", "gelu", "selu", "sigmoid"),
        ("sgd", "adam", "rmsprop"),
        (
            ("classes", 3, "ef.losses.SparseCategoricalCrossentropy(from_logits=True)", "number"),
            ("regression", 1, '"mse"', "target"),
        ),
    )
}

_LOOPS = {
    f"loop, {activation}, {optimizer}": f"""
        epochs = 4
        model = ef.Sequential([layers.Dense(16, activation="{activation}"), layers.Dense(1)])
        optimizer = ef.optimizers.{optimizer}
        loss_of = lambda p, rows: ops.mean(ops.square(p - target[rows]))
        LOOP
    """
    for activation, optimizer in itertools.product(
        ("relu", "tanh"),
        ("SGD(0.05)", "SGD(0.05, momentum=0.9)", "Adam(0.01)", "Adagrad(0.05)", "Lion(1e-3)"),
    )
}

HEALTHY: dict[str, str] = {
    name: PRELUDE + textwrap.dedent(source).replace("LOOP\n", _LOOP)
    for name, source in {**_WRITTEN, **_GRID, **_LOOPS}.items()
}
