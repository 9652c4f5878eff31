"""Arguments that take one of a few words: whatever is a `str` may be handed on, and a number is no word."""

import random
from typing import Any, Literal

import eagerflow as ef
import viz
from eagerflow import callbacks, layers, losses, ops

layers.Conv2D(8, 3, padding=1)  # error: padding
layers.Conv1D(8, 3, padding="causal", data_format="channels_first")
layers.MaxPooling2D(data_format=3)  # error: data_format
layers.MaxPooling2D(padding="SAME")
layers.Bidirectional(layers.LSTM(4), merge_mode=None)
losses.MeanSquaredError(reduction=None)
callbacks.ModelCheckpoint("best.keras", monitor="val_accuracy", mode="max")
callbacks.EarlyStopping("val_loss", mode=max)  # error: EarlyStopping
x = ops.ones((1, 4, 4, 3))
ops.median(x, axis=0)
ops.quantile(x, 0.5, method=2)  # error: method

border: Literal["same", "valid"] = "same" if random.random() < 0.5 else "valid"
layers.Conv2D(8, 3, padding=border)
options: dict[str, Any] = {"padding": "same", "data_format": "channels_last"}
layers.Conv2D(8, 3, **options)


def block(x, filters, padding="same", pooled="valid"):  # type: ignore[no-untyped-def]
    return layers.MaxPooling2D(padding=pooled)(layers.Conv2D(filters, 3, padding=padding)(x))


def annotated_block(filters: int, padding: str = "same") -> layers.Layer:
    return layers.SeparableConv1D(filters, 3, padding=padding)


def stopping(mode: str = "auto", reduction: str = "sum") -> tuple[callbacks.Callback, losses.Loss]:
    return callbacks.EarlyStopping("val_loss", mode=mode), losses.MeanSquaredError(reduction=reduction)


for padding in ["same", "valid"]:
    layers.Conv2D(8, 3, padding=padding)
    ops.max_pool(x, 2, padding=padding)
for interpolation in ["nearest", "bilinear"]:
    layers.UpSampling2D(interpolation=interpolation)
    ops.image.resize(x, (8, 8), interpolation=interpolation)
for fill_mode in ["constant", "reflect"]:
    layers.RandomRotation(0.1, fill_mode=fill_mode)
for output_mode in ["one_hot", "multi_hot"]:
    layers.CategoryEncoding(4, output_mode=output_mode)
for flipped in ["horizontal", "vertical"]:
    layers.RandomFlip(flipped)
for merge_mode in ["sum", "concat"]:
    layers.Bidirectional(layers.LSTM(4), merge_mode=merge_mode)(x[0])
for curve in ["ROC", "PR"]:
    ef.metrics.AUC(curve=curve)
for average in ["micro", "macro"]:
    ef.metrics.F1Score(average)
for fan in ["fan_in", "fan_out"]:
    ef.initializers.VarianceScaling(2.0, fan)
for data_format in ["channels_last", "channels_first"]:
    ef.config.set_image_data_format(data_format)
for end in ["pre", "post"]:
    ef.utils.pad_sequences([[1], [1, 2]], padding=end, truncating=end)
for subset in ["training", "validation"]:
    ef.utils.image_dataset_from_directory("pets", subset=subset, seed=3, validation_split=0.2).batch(3)
training, validation = ef.utils.image_dataset_from_directory("pets", subset="both", seed=3, validation_split=0.2)
for pooling in ["avg", "max"]:
    ef.applications.MobileNetV2(weights=None, include_top=False, pooling=pooling)
for edge in ["edge", "reflect"]:
    ops.pad(x, 1, mode=edge)


ef.Input()  # error: Input
ef.Input((3,), dtype="int32")
ef.Input(batch_shape=(2, 3))
a, b = ef.Input(shape=(3,)), ef.Input(shape=[3])
layers.Concatenate()(a, b)  # error: __call__
layers.Add()([a, b])
layers.Dot(1)((a, b), training=True)
layers.Attention()(x[0], x[0])  # error: __call__
layers.Attention()([x[0], x[0]], use_causal_mask=True)

with viz.trace(stats="full", on_nonfinite="raise") as recorded:
    ops.exp(x)
recorded.draw("step.svg", view="layers", color_by="time")
views: list[Literal["layers", "forward"]] = ["layers", "forward"]  # the words of pictures are checked
for view in views:
    recorded.draw(f"{view}.svg", view=view)
recorded.top(3)  # error: top
