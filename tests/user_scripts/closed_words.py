"""Words of closed sets: a misspelt one is an error, a literal out of a variable, a loop or a parameter is none."""

import random
from typing import Any, Literal

import eagerflow as ef
import viz
from eagerflow import callbacks, layers, losses, ops

layers.Conv2D(8, 3, padding="samee")  # error: samee
layers.Conv1D(8, 3, padding="causal", data_format="channels_first")
layers.MaxPooling2D(data_format="channels_frist")  # error: channels_frist
layers.MaxPooling2D(padding="SAME")
layers.UpSampling2D(interpolation="cubic")  # error: cubic
layers.Bidirectional(layers.LSTM(4), merge_mode="add")  # error: add
layers.Bidirectional(layers.LSTM(4), merge_mode=None)
layers.CategoryEncoding(4, output_mode="onehot")  # error: onehot
layers.RandomFlip("left_right")  # error: left_right
layers.RandomRotation(0.1, fill_mode="mirrored")  # error: mirrored
callbacks.EarlyStopping("val_loss", mode="maximum")  # error: maximum
callbacks.ModelCheckpoint("best.keras", monitor="val_accuracy", mode="max")
callbacks.ReduceLROnPlateau(mode="minimum")  # error: minimum
losses.MeanSquaredError(reduction="summ")  # error: summ
losses.MeanSquaredError(reduction=None)
ef.metrics.AUC(curve="roc")  # error: roc
ef.metrics.F1Score("macros")  # error: macros
ef.initializers.VarianceScaling(2.0, "fan_both")  # error: fan_both
ef.config.set_image_data_format("last")  # error: last
ef.utils.pad_sequences([[1], [1, 2]], padding="after")  # error: after
ef.utils.image_dataset_from_directory("pets", label_mode="number")  # error: image_dataset_from_directory
ef.applications.MobileNetV2(weights=None, include_top=False, pooling="mean")  # error: mean
x = ops.ones((1, 4, 4, 3))
ops.max_pool(x, 2, padding="sane")  # error: sane
ops.image.resize(x, (8, 8), interpolation="bilinaer")  # error: bilinaer
ops.pad(x, 1, mode="mirror")  # error: mirror
ops.median(x, axis=0)
ops.quantile(x, 0.5, method="middle")  # error: middle

border: Literal["same", "valid"] = "same" if random.random() < 0.5 else "valid"
layers.Conv2D(8, 3, padding=border)
options: dict[str, Any] = {"padding": "same", "data_format": "channels_last"}
layers.Conv2D(8, 3, **options)


def block(filters: int, padding: Literal["same", "valid"] = "same") -> layers.Layer:
    """A layer with a setting that is handed on."""
    return layers.Conv2D(filters, 3, padding=padding)


ef.Input()  # error: Input
ef.Input((3,), dtype="int32")
ef.Input(batch_shape=(2, 3))
a, b = ef.Input(shape=(3,)), ef.Input(shape=[3])
layers.Concatenate()(a, b)  # error: __call__
layers.Add()([a, b])
layers.Dot(1)((a, b), training=True)
layers.Attention()(x[0], x[0])  # error: __call__
layers.Attention()([x[0], x[0]], use_causal_mask=True)

viz.trace(stats="fully")  # error: trace
with viz.trace(stats="full", on_nonfinite="raise") as recorded:
    ops.exp(x)
recorded.draw("step.svg", view="layers", color_by="time")
recorded.draw("step.svg", theme="black")  # error: black
recorded.top("costs")  # error: costs
