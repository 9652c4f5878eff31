"""Random layers, losses, metrics, optimizers and small trainings: ours and Keras' on the same weights and data.

Cases are data, too: `[kind, name, settings, shape, seed]`. Keras computes in float64, we in float32, where the fast
kernels are: numbers agree to what float32 holds, relative to the largest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Case", "answers", "differs", "random_case"]

Case = list[Any]
_TOLERANCE = {"layer": 3e-5, "loss": 2e-5, "metric": 2e-5, "optimizer": 1e-4, "training": 2e-3}
_KINDS = ("layer", "loss", "metric", "optimizer", "training")
_ACTIVATIONS = "relu tanh sigmoid linear gelu silu elu softmax softplus hard_sigmoid".split()
_REGRESSION = "MeanSquaredError MeanAbsoluteError Huber LogCosh CosineSimilarity MeanSquaredLogarithmicError".split()
_CLASSES = "CategoricalCrossentropy BinaryCrossentropy KLDivergence CategoricalHinge BinaryFocalCrossentropy".split()
_METRICS = """MeanSquaredError RootMeanSquaredError CategoricalAccuracy BinaryAccuracy AUC Precision Recall
    TopKCategoricalAccuracy CosineSimilarity F1Score R2Score""".split()
_OPTIMIZERS = "SGD Adam AdamW RMSprop Adagrad Adadelta Adamax Nadam Ftrl Lion Adafactor".split()


def random_case(seed: int) -> Case:
    """One of all kinds, most of them layers."""
    rng = np.random.default_rng(seed)

    def pick(*given: Any) -> Any:
        return given[int(rng.integers(len(given)))]

    kind = str(rng.choice(_KINDS, p=[0.72, 0.1, 0.08, 0.06, 0.04]))
    if kind == "layer":
        name, settings, shape = _layer(pick)
        return [kind, name, settings, shape, seed]
    if kind == "loss":
        settings = {"reduction": pick("sum_over_batch_size", "sum", "none"), "weights": pick(True, False)}
        return [kind, pick(*_REGRESSION, *_CLASSES), settings, [pick(1, 3, 17, 300), pick(2, 5, 40)], seed]
    if kind == "metric":
        return [kind, pick(*_METRICS), {"weights": pick(True, False)}, [pick(3, 17, 200), pick(6, 9)], seed]
    if kind == "optimizer":
        settings = pick(
            {},
            {"clipnorm": 0.5},
            {"clipvalue": 0.1},
            {"global_clipnorm": 0.5},
            {"weight_decay": 0.01},
            {"use_ema": True, "ema_momentum": 0.9},
        )
        return [
            kind,
            pick(*_OPTIMIZERS),
            {"learning_rate": pick(0.1, 0.01), **settings},
            [pick(3, 20), pick(4, 70)],
            seed,
        ]
    return [kind, pick(*_OPTIMIZERS), {"net": pick("mlp", "convnet", "rnn"), "rate": 0.003}, [24], seed]


def _layer(pick: Any) -> tuple[str, dict[str, Any], list[int]]:
    n, act, bias = pick(1, 2, 5, 16), pick(*_ACTIVATIONS[:7]), pick(True, True, False)
    rank = pick(1, 2, 2, 2, 3)
    size = {1: pick(9, 40, 200), 2: pick(6, 9, 14, 16, 31), 3: pick(5, 8, 12)}[rank]
    channels = pick(1, 3, 8, 16, 32, 48)
    image = [n, *[size] * rank, channels]
    sequence = [n, pick(1, 7, 33), pick(4, 16, 40)]
    conv = {
        "filters": pick(1, 4, 8, 16, 24, 48),
        "kernel_size": pick(1, 2, 3, 3, 3, 5),
        "strides": pick(1, 1, 1, 2),
        "padding": pick("same", "valid"),
        "use_bias": bias,
        "activation": act,
    }
    pool = {"pool_size": pick(2, 3), "strides": pick(None, 1, 2), "padding": pick("same", "valid")}
    depthwise = {k: conv[k] for k in ("kernel_size", "strides", "padding", "use_bias")}
    recurrent = {
        "units": pick(3, 16, 64),
        "return_sequences": pick(True, False),
        "use_bias": bias,
        "go_backwards": pick(False, False, True),
    }
    flat = [pick(1, 3, 64, 257), pick(5, 64, 300)]
    made = {
        "Dense": ({"units": pick(1, 10, 200), "activation": act, "use_bias": bias}, pick(flat, sequence)),
        f"Conv{rank}D": (conv, image),
        f"Conv{rank}D again": ({**conv, "kernel_size": 3, "strides": 1}, image),
        f"Conv{rank}D dilated": ({**conv, "strides": 1, "dilation_rate": pick(2, 3), "padding": "same"}, image),
        "Conv2D of groups": ({**conv, "groups": 4, "filters": pick(16, 32)}, [n, 13, 13, 16]),
        f"Conv{rank}DTranspose": (conv, image),
        "DepthwiseConv2D": ({**depthwise, "depth_multiplier": pick(1, 1, 2)}, [n, 15, 15, pick(3, 16, 32)]),
        "DepthwiseConv1D": (depthwise, [n, 40, pick(3, 16)]),
        "SeparableConv2D": ({**depthwise, "filters": 12}, [n, 12, 12, pick(3, 16)]),
        f"MaxPooling{rank}D": (pool, image),
        f"AveragePooling{rank}D": ({**pool, "padding": "valid"}, image),  # Keras on PyTorch counts its padding
        f"GlobalAveragePooling{rank}D": ({"keepdims": bias}, image),
        f"GlobalMaxPooling{rank}D": ({}, image),
        "BatchNormalization": ({"epsilon": 1e-3, "scale": bias}, pick(image, flat)),
        "LayerNormalization": ({"epsilon": 1e-3}, pick([*image[:-1], 24], flat, sequence)),
        "GroupNormalization": ({"groups": pick(1, 2, 4)}, [n, 11, 11, pick(4, 16, 32)]),
        "RMSNormalization": ({}, pick(flat, sequence)),
        "UnitNormalization": ({}, flat),
        "LSTM": (recurrent, sequence),
        "GRU": ({**recurrent, "reset_after": pick(True, False)}, sequence),
        "SimpleRNN": (recurrent, sequence),
        "MultiHeadAttention": ({"num_heads": pick(1, 4), "key_dim": pick(2, 16)}, sequence),
        "EinsumDense": ({"equation": "abc,cd->abd", "output_shape": [None, 24], "bias_axes": "d"}, sequence),
        "UpSampling2D": ({"size": 2, "interpolation": pick("nearest", "bilinear")}, [n, 7, 7, pick(3, 16)]),
        "PReLU": ({}, flat),
        "LeakyReLU": ({}, image),
        "ReLU": ({"max_value": 1.0}, image),
        "Softmax": ({}, flat),
        "ZeroPadding2D": ({"padding": pick(1, 2)}, [n, 7, 7, 5]),
        "Cropping2D": ({"cropping": 1}, [n, 7, 7, 5]),
    }
    name = pick(*made)
    return (name.split(" ")[0], *made[name])


def answers(case: Case, keras: Any, gradients: Any, dtype: str, weights: list[np.ndarray] | None) -> Any:
    """What a framework answers, as arrays, and the weights that the other one is to take.

    Args:
        case: see above.
        keras: a module with Keras' names.
        gradients: `gradients(function, arrays, module)`: the result and its gradients by each array.
        dtype: to compute in.
        weights: those of the other framework; None for those that come from the seed.
    """
    kind, name, settings, shape, seed = case
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    keras.config.set_floatx(dtype)
    try:
        return _KIND[kind](keras, gradients, dtype, name, dict(settings), shape, rng, weights)
    finally:
        keras.config.set_floatx("float32")


def _of_layer(
    keras: Any, gradients: Any, dtype: str, name: str, settings: Any, shape: Any, rng: Any, weights: Any
) -> Any:
    x = rng.normal(size=shape).round(4) + 3e-5  # not 0, 1 or another kink
    if name == "EinsumDense":
        settings["output_shape"] = tuple(settings["output_shape"])
    layer = getattr(keras.layers, name)(**settings, dtype=dtype)
    twice = name == "MultiHeadAttention"
    layer(*[keras.ops.convert_to_tensor(x.astype(dtype))] * (2 if twice else 1))
    if weights is None:
        weights = [_weights(rng, tuple(w.shape)) for w in layer.weights]
        weights = [np.abs(w) if "variance" in v.path else w for w, v in zip(weights, layer.weights, strict=True)]
    layer.set_weights([w.astype(dtype) for w in weights])
    training = {"training": True} if name == "BatchNormalization" else {}
    found = gradients(lambda x: layer(*[x] * (2 if twice else 1), **training), layer, x.astype(dtype))
    return [*found, *[np.asarray(w) for w in layer.get_weights()]], weights


def _weights(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Small ones where many are added up: recurrent layers stay calm."""
    found: np.ndarray = rng.normal(size=shape) * min(0.3, 1 / max(1, math.prod(shape[:-1])) ** 0.5) + (len(shape) == 1)
    return found.round(4)


def _data(name: str, shape: list[int], rng: Any, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    logits = rng.normal(size=shape)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    hot = np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
    if name in ("MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh", "CosineSimilarity", "R2Score"):
        return rng.normal(size=shape).astype(dtype), logits.astype(dtype)
    if name == "MeanSquaredLogarithmicError":
        return (np.abs(hot - 0.3)).astype(dtype), shares.astype(dtype)
    return hot.astype(dtype), shares.round(5).astype(dtype)


def _of_loss(
    keras: Any, gradients: Any, dtype: str, name: str, settings: Any, shape: Any, rng: Any, weights: Any
) -> Any:
    y_true, y_pred = _data(name, shape, rng, dtype)
    given = rng.random(shape[0]).astype(dtype) if settings.pop("weights") else None
    loss = getattr(keras.losses, name)(**settings, dtype=dtype)
    return gradients(lambda p: loss(keras.ops.convert_to_tensor(y_true), p, given), None, y_pred), []


def _of_metric(
    keras: Any, gradients: Any, dtype: str, name: str, settings: Any, shape: Any, rng: Any, weights: Any
) -> Any:
    metric = getattr(keras.metrics, name)(dtype="float32")
    for _ in range(3):
        y_true, y_pred = _data(name, shape, rng, "float32")
        given = rng.random(shape[0]).astype("float32") if settings["weights"] else None
        metric.update_state(y_true, y_pred, sample_weight=given)
    return [np.asarray(keras.ops.convert_to_numpy(metric.result()))], []


def _of_optimizer(
    keras: Any, gradients: Any, dtype: str, name: str, settings: Any, shape: Any, rng: Any, weights: Any
) -> Any:
    variables = [keras.Variable(rng.normal(size=s).astype("float32"), dtype="float32") for s in (shape, shape[1:])]
    optimizer = getattr(keras.optimizers, name)(**settings)
    optimizer.build(variables)
    for _ in range(6):
        given = [keras.ops.convert_to_tensor(rng.normal(size=v.shape).astype("float32")) for v in variables]
        optimizer.apply(given, variables)
    return [np.asarray(keras.ops.convert_to_numpy(v.value)) for v in variables], []


def _net(keras: Any, kind: str) -> Any:
    layers = keras.layers
    if kind == "mlp":
        return keras.Sequential([keras.Input((12,)), layers.Dense(20, "relu"), layers.Dense(3, "softmax")])
    if kind == "rnn":
        return keras.Sequential([keras.Input((6, 2)), layers.LSTM(8), layers.Dense(3, "softmax")])
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(16, 3, padding="same", activation="tanh"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same", activation="tanh"),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )


def _of_training(
    keras: Any, gradients: Any, dtype: str, name: str, settings: Any, shape: Any, rng: Any, weights: Any
) -> Any:
    keras.config.set_floatx("float32")
    net = _net(keras, settings["net"])
    x = rng.normal(size=(shape[0], *net.input_shape[1:])).astype("float32")
    y = rng.integers(0, 3, shape[0])
    if weights is None:
        # Small: where a probability rounds to 0, Keras clips it, and we compute from its logits.
        weights = [0.1 * rng.normal(size=w.shape).astype("float32") for w in net.weights]
    net.set_weights(weights)
    net.compile(
        getattr(keras.optimizers, name)(settings["rate"]), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = net.fit(x, y, batch_size=7, epochs=2, shuffle=False, verbose=0).history
    return [np.array(history["loss"]), *[np.asarray(w) for w in net.get_weights()]], weights


_KIND = {
    "layer": _of_layer,
    "loss": _of_loss,
    "metric": _of_metric,
    "optimizer": _of_optimizer,
    "training": _of_training,
}


def differs(case: Case, found: list[np.ndarray], expected: list[np.ndarray]) -> str | None:
    """What differs, None where nothing does."""
    if len(found) != len(expected):
        return f"{len(found)} results instead of {len(expected)}"
    # A gradient that is 0 but for rounding (that of an attention's key bias, say) is measured by the others.
    least = 0.05 * max(float(np.abs(b).max(initial=0)) for b in expected)
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        if a.shape != b.shape:
            return f"result {i}: shape {a.shape} instead of {b.shape}"
        scale = max(float(np.abs(b).max(initial=0)), least) or 1.0
        away = float(np.abs(a.astype("float64") - b).max(initial=0)) / scale
        if not away < _TOLERANCE[case[0]]:
            return f"result {i} of {len(found)}: {away:.2g} of the largest away"
    return None


def by_eagerflow(function: Any, layer: Any, x: np.ndarray) -> list[np.ndarray]:
    """Result and gradients of a function of one array and a layer's weights."""
    import eagerflow as ef

    given = ef.Tensor(x)
    variables = [] if layer is None else list(layer.trainable_weights)
    with ef.GradientTape() as tape:
        tape.watch(given)
        out = function(given)
        weights = np.cos(np.arange(out.size) + 1.0).reshape(out.shape).astype(x.dtype)
        total = (out * weights).sum()
    found = tape.gradient(total, [given, *variables], unconnected_gradients="zero")
    return [out.numpy(), *[g.numpy() for g in found]]


def by_torch(function: Any, layer: Any, x: np.ndarray) -> list[np.ndarray]:
    """The same through Keras on PyTorch."""
    import torch

    given = torch.tensor(x, requires_grad=True)
    variables = [] if layer is None else [w.value for w in layer.trainable_weights]
    out = function(given)
    weights = torch.tensor(np.cos(np.arange(out.numel()) + 1.0).reshape(tuple(out.shape)), dtype=out.dtype)
    found = torch.autograd.grad((out * weights).sum(), [given, *variables], allow_unused=True)
    zeros = [torch.zeros_like(v) for v in [given, *variables]]
    return [out.detach().numpy(), *[(z if g is None else g).numpy() for g, z in zip(found, zeros, strict=True)]]
