"""Models that are exported: what they need of ONNX, in small."""

from __future__ import annotations

from eagerflow import Input, Model, Sequential, layers as L, ops


def sequential(*parts):
    return lambda: Sequential(list(parts_of(parts)), name="net")


def parts_of(parts):
    for part in parts:
        yield part() if callable(part) and not isinstance(part, L.Layer) else part


def attention():
    x = Input((None, 16), name="words")
    found = L.MultiHeadAttention(2, 8, name="attention")(x, x)
    return Model(x, L.LayerNormalization(name="norm")(L.Add()([x, found])), name="net")


def transformer():
    ids = Input((12,), dtype="int32")
    places = ops.arange(12)
    x = L.Embedding(20, 16)(ids) + L.Embedding(12, 16)(places)
    x = L.LayerNormalization()(x + L.MultiHeadAttention(4, 4)(x, x, use_causal_mask=True))
    x = L.LayerNormalization()(x + L.Dense(16)(L.Dense(32, activation="gelu")(x)))
    return Model(ids, L.Dense(2)(L.GlobalAveragePooling1D()(x)))


def masked_attention():
    ids = Input((None,), dtype="int32")
    x = L.Embedding(10, 8, mask_zero=True)(ids)
    return Model(ids, L.MultiHeadAttention(2, 4)(x, x))


def causal_attention():
    x = Input((None, 8))
    return Model(x, L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))


def residual():
    x = Input((16, 16, 3))
    y = L.Conv2D(8, 3, padding="same", use_bias=False)(x)
    for stride in (1, 2):
        short = y if stride == 1 else L.Conv2D(8, 1, strides=2)(y)
        z = L.ReLU()(L.BatchNormalization()(L.Conv2D(8, 3, strides=stride, padding="same")(y)))
        y = L.ReLU()(L.Add()([short, L.BatchNormalization()(L.Conv2D(8, 3, padding="same")(z))]))
    return Model(x, L.Dense(5, activation="softmax")(L.GlobalAveragePooling2D()(y)))


def squeeze_and_excite():
    x = Input((12, 12, 4))
    y = L.DepthwiseConv2D(3, padding="same", activation="relu6")(x)
    scale = L.Reshape((1, 1, 4))(L.GlobalAveragePooling2D()(y))
    scale = L.Conv2D(4, 1, activation="hard_sigmoid")(L.Conv2D(2, 1, activation="relu")(scale))
    return Model(x, L.Flatten()(L.Multiply()([y, scale])))


def unet():
    x = Input((None, None, 2))
    down = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    deep = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(down))
    up = L.Conv2DTranspose(4, 2, strides=2)(deep)
    return Model(x, L.Conv2D(1, 1, activation="sigmoid")(L.Concatenate()([down, up])))


def two_by_two():
    a, b = Input((5,), name="a"), Input((3,), name="b")
    both = L.Concatenate()([a, b])
    return Model([a, b], [L.Dense(2, name="left")(both), L.Dense(1, name="right")(b)])


def dictionary():
    inputs = {"x": Input((4,), name="x"), "y": Input((4,), name="y")}
    return Model(inputs, {"sum": inputs["x"] + inputs["y"], "product": inputs["x"] * inputs["y"]})


def nested():
    inner = Sequential([L.Dense(4, activation="relu"), L.Dense(4)], name="inner")
    x = Input((4,))
    return Model(x, inner(inner(x)) + x)


class Gated(L.Layer):
    """A layer of somebody's own."""

    def build(self, shape):
        self.gate = self.add_weight((shape[-1],), name="gate", initializer="random_normal")

    def call(self, x):
        return x * ops.sigmoid(self.gate) + ops.where(x > 0, x, -2.0 * x) - ops.max(x, axis=-1, keepdims=True)


class Subclassed(Model):
    def __init__(self):
        super().__init__()
        self.inner, self.head = L.Dense(6, activation="relu"), L.Dense(2)

    def call(self, x):
        h = self.inner(x)
        return self.head(h), ops.mean(h, axis=-1)


def called():
    model = Subclassed()
    model(ops.ones((2, 5)))
    return model


def image(*parts, shape=(10, 10, 3)):
    return sequential(Input(shape), *parts)


def rows(*parts, width=8):
    return sequential(Input((width,)), *parts)


def sequence(*parts, width=4):
    return sequential(Input((None, width)), *parts)


MODELS = {
    "mlp": rows(L.Dense(16, activation="relu"), L.Dropout(0.5), L.Dense(3, activation="softmax")),
    "activations": rows(
        *[
            L.Dense(6, activation=name)
            for name in "relu tanh sigmoid gelu silu elu selu softplus softsign hard_sigmoid leaky_relu relu6".split()
        ],
        L.PReLU,
        L.LeakyReLU,
        L.ELU,
    ),
    "cnn": image(
        L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D, L.BatchNormalization, L.Flatten, lambda: L.Dense(4)
    ),
    "residual": residual,
    "squeeze and excite": squeeze_and_excite,
    "separable": image(L.SeparableConv2D(6, 3, padding="same"), L.AveragePooling2D(3, 2, "same"), L.GlobalMaxPooling2D),
    "strides, same": image(L.Conv2D(4, 3, strides=2, padding="same"), L.MaxPooling2D(3, 2, "same"), shape=(11, 8, 3)),
    "channels first": image(L.Conv2D(4, 3, data_format="channels_first"), L.Flatten, shape=(3, 9, 9)),
    "dilated": image(L.Conv2D(4, 3, dilation_rate=2, padding="same")),
    "grouped": image(L.Conv2D(8, 3, groups=4), shape=(8, 8, 4)),
    "any size": image(
        L.Conv2D(4, 3, padding="same"), L.GlobalAveragePooling2D, lambda: L.Dense(2), shape=(None, None, 3)
    ),
    "transposed": image(L.Conv2DTranspose(4, 3, strides=2, padding="same"), L.Conv2DTranspose(2, 4, strides=3)),
    "upsampled": image(L.UpSampling2D, L.ZeroPadding2D, L.Cropping2D),
    "bilinear": image(L.UpSampling2D(2, interpolation="bilinear")),
    "unet": unet,
    "volumes": image(L.Conv3D(4, 3), L.MaxPooling3D, L.GlobalAveragePooling3D, shape=(8, 8, 8, 2)),
    "conv1d": sequence(
        L.Conv1D(6, 3, padding="causal", dilation_rate=2), L.Conv1D(4, 3, padding="same"), L.GlobalMaxPooling1D
    ),
    "lstm": sequence(L.LSTM(6, return_sequences=True), L.LSTM(4)),
    "gru": sequence(L.GRU(6, return_sequences=True), L.GRU(4)),
    "gru, reset before": sequence(L.GRU(6, reset_after=False)),
    "simple rnn": sequence(L.SimpleRNN(6, return_sequences=True), L.SimpleRNN(4)),
    "simple rnn, other activations": sequence(
        L.SimpleRNN(6, "relu", return_sequences=True),
        L.SimpleRNN(5, "sigmoid", return_sequences=True, go_backwards=True),
        L.SimpleRNN(4, None),
    ),
    "bidirectional lstm": sequence(L.Bidirectional(L.LSTM(6, return_sequences=True)), L.Bidirectional(L.LSTM(4))),
    "bidirectional gru": sequence(L.Bidirectional(L.GRU(5), merge_mode="sum")),
    "masked lstm": sequential(
        Input((None,), dtype="int32"), L.Embedding(10, 5, mask_zero=True), L.LSTM(6, return_sequences=True), L.LSTM(4)
    ),
    "masked gru": sequential(Input((None,), dtype="int32"), L.Embedding(10, 5, mask_zero=True), L.GRU(4)),
    "embedding": sequential(Input((None,), dtype="int32"), L.Embedding(10, 4), L.GlobalAveragePooling1D, L.Dense(2)),
    "attention": attention,
    "transformer": transformer,
    "normalizations": image(
        L.GroupNormalization(1), L.LayerNormalization(), L.UnitNormalization(), L.RMSNormalization()
    ),
    "numbers": rows(
        L.Normalization(mean=0.5, variance=2.0), L.Rescaling(1 / 3, 0.1), L.Discretization([-1.0, 0.0, 1.0])
    ),
    "shapes": sequential(Input((4, 6)), L.Permute((2, 1)), L.Reshape((3, 8)), L.Flatten(), L.RepeatVector(3)),
    "lambda": rows(L.Lambda(lambda x: ops.sin(x) * 2 + x[:, ::-1] ** 2), L.Lambda(lambda x: ops.softmax(x)[:, :-2])),
    "own layer": rows(Gated),
    "two inputs and outputs": two_by_two,
    "dictionaries": dictionary,
    "nested": nested,
    "subclassed": called,
    "steps": sequence(L.TimeDistributed(L.Dense(3)), L.LSTM(4)),
    "frames": sequential(
        Input((None, 8, 8, 1)), L.TimeDistributed(L.Conv2D(2, 3)), L.TimeDistributed(L.GlobalMaxPooling2D()), L.GRU(3)
    ),
    "masked steps": sequential(
        Input((None,), dtype="int32"), L.Embedding(10, 4, mask_zero=True), L.TimeDistributed(L.Dense(3)), L.LSTM(2)
    ),
    "masked attention": masked_attention,
    "causal attention": causal_attention,
    "strides, any size": image(*[L.Conv2D(3, 3, strides=2, padding="same") for _ in range(4)], shape=(None, None, 3)),
    "flat, any length": sequence(*[L.Conv1D(3, 3, strides=2, padding="same") for _ in range(3)], L.Flatten),
    "resized, any size": image(L.Resizing(5, 7), L.UpSampling2D(2, interpolation="bilinear"), shape=(None, None, 3)),
    "cropped, any size": image(L.CenterCrop(4, 4), shape=(None, None, 3)),
    "normalized by row": image(
        L.BatchNormalization(axis=1), L.LayerNormalization(axis=1), L.LayerNormalization([1, 2])
    ),
    "float64": sequential(Input((4,), dtype="float64"), L.Dense(3, dtype="float64")),
}

FUNCTIONS = {
    "products": (lambda x: ops.matmul(x, ops.transpose(x)), (None, 4)),
    "sorted": (lambda x: ops.sort(x, axis=1), (None, 6)),
    "rounded": (lambda x: ops.floor(x * 3) + ops.mod(x, 0.7) + ops.sign(x) * ops.ceil(x) + ops.round(x), (None, 5)),
    "logs": (lambda x: ops.log1p(ops.exp(x)) + ops.log2(ops.absolute(x) + 1), (None, 5)),
    "reduced": (
        lambda x: ops.concatenate([ops.sum(x, 1), ops.prod(x, 1), ops.max(x, 1), ops.min(x, 1), ops.mean(x, 1)]),
        (None, 3, 4),
    ),
    "places": (lambda x: ops.argmax(x, -1) + ops.argmin(x, -1), (None, 7)),
    "logic": (lambda x: ops.where(ops.logical_and(x > 0, ops.not_equal(x, 1.0)), x, ops.zeros_like(x)), (None, 5)),
    "one hot": (lambda x: ops.one_hot(ops.cast(ops.clip(x * 2 + 2, 0, 3), "int32"), 4), (None, 3)),
    "split": (lambda x: ops.stack(ops.split(x, 3, axis=1)[::-1], axis=-1), (None, 6)),
    "padded": (lambda x: ops.pad(x, [[0, 0], [1, 2]], constant_values=3.0), (None, 4)),
    "running": (lambda x: ops.cumsum(x, axis=1) - x[:, :1], (None, 5)),
    "positions": (lambda x: x + ops.cast(ops.arange(ops.shape(x)[1]), "float32"), (None, None)),
    "middle": (lambda x: x[:, 1:-1] - ops.tile(x[:, :1], (1, ops.shape(x)[1] - 2)), (None, None)),
    "largest": (lambda x: ops.top_k(x, 3)[0] + ops.cast(ops.top_k(x, 3)[1], "float32"), (None, 6)),
    "looked up": (lambda x: ops.take(ops.reshape(ops.arange(20.0), (10, 2)), ops.argmax(x, -1), axis=0), (None, 7)),
    "halves": (
        lambda x: x[:, : ops.shape(x)[1] // 2] + ops.sum(x[:, ops.shape(x)[1] // 2 :], 1, keepdims=True),
        (None, None),
    ),
    "by the length": (lambda x: ops.sum(x, 1) / x.shape[1] + x[:, 0] * (1 / x.shape[1]) ** 0.5, (None, None)),
    "triangles": (lambda x: ops.tril(x[:, None] * x[:, :, None]) + ops.eye(ops.shape(x)[1]), (None, None)),
    "bools": (lambda x: ops.cast((x > 0) & (x < 1) | ops.logical_xor(x > 2, x < -1), "float32"), (None, 5)),
    "flattened": (lambda x: ops.cumsum(x) + ops.cast(ops.argsort(x, axis=None), "float32"), (3, 4)),
    "einsum": (lambda x: ops.einsum("bij,bkj->bik", x, x), (None, 3, 4)),
}
