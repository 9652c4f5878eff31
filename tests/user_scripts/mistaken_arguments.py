"""Mistakes in the arguments of callbacks, optimizers, losses, data sets, `fit`, files, viz and ops."""

import numpy as np

import eagerflow as ef
import viz
from eagerflow import callbacks, layers, losses, metrics, ops, optimizers

x = np.ones((8, 4), "float32")
y = np.ones((8, 1), "float32")
m = ef.Sequential([layers.Input((4,)), layers.Dense(1)])
m.compile("adam", "mse")
callbacks.EarlyStopping(monitor="val_loss", patiance=3)  # error: Unexpected keyword argument "patiance" for "EarlySto
callbacks.EarlyStopping(patience="3")  # error: Argument "patience" to "EarlyStopping" has incompatible type "str"; ex
callbacks.ModelCheckpoint(save_best_only=True)  # error: Missing positional argument "filepath" in call to "ModelCheck
callbacks.ModelCheckpoint("a.keras", save_best=True)  # error: Unexpected keyword argument "save_best" for "ModelCheck
callbacks.ReduceLROnPlateau(factor="0.1")  # error: Argument "factor" to "ReduceLROnPlateau" has incompatible type "st
callbacks.LearningRateScheduler(0.1)  # error: Argument 1 to "LearningRateScheduler" has incompatible type "float"; ex
callbacks.CSVLogger(3)  # error: Argument 1 to "CSVLogger" has incompatible type "int"; expected "str | Path"
callbacks.TensorBoard(logdir="runs")  # error: Unexpected keyword argument "logdir" for "TensorBoard"; did you mean "l
callbacks.LambdaCallback(on_epoch_end=3)  # error: Argument "on_epoch_end" to "LambdaCallback" has incompatible type "
optimizers.Adam(learning_rte=0.1)  # error: Unexpected keyword argument "learning_rte" for "Adam"; did you mean "learn
optimizers.Adam(0.1, beta1=0.9)  # error: Unexpected keyword argument "beta1" for "Adam"; did you mean "beta_1"?
optimizers.SGD(momentum="0.9")  # error: Argument "momentum" to "SGD" has incompatible type "str"; expected "float"
optimizers.Adam([0.1])  # error: Argument 1 to "Adam" has incompatible type "list[float]"; expected "float | number[An
optimizers.schedules.ExponentialDecay(0.1, 100)  # error: Missing positional argument "decay_rate" in call to "Exponen
optimizers.schedules.CosineDecay(initial=0.1, decay_steps=10)  # error: Unexpected keyword argument "initial" for "Cos
losses.BinaryCrossentropy(logits=True)  # error: Unexpected keyword argument "logits" for "BinaryCrossentropy"
losses.SparseCategoricalCrossentropy(from_logit=True)  # error: Unexpected keyword argument "from_logit" for "SparseCa
losses.Huber(delta="1")  # error: Argument "delta" to "Huber" has incompatible type "str"; expected "float"
metrics.SparseTopKCategoricalAccuracy(K=5)  # error: Unexpected keyword argument "K" for "SparseTopKCategoricalAccurac
metrics.Mean(name=3)  # error: Argument "name" to "Mean" has incompatible type "int"; expected "str"
ef.data.Dataset.from_tensor_slices((x, y)).batch("32")  # error: Argument 1 to "batch" of "Dataset" has incompatible t
ef.data.Dataset.from_tensor_slices((x, y)).shufle(10)  # error: "Dataset" has no attribute "shufle"; maybe "shuffle"?
ef.data.Dataset.from_tensor_slices((x, y)).batch(32, drop_last=True)  # error: Unexpected keyword argument "drop_last"
ef.data.Dataset.from_tensor_slices()  # error: Missing positional argument "tensors" in call to "from_tensor_slices" o
m.fit(x, y, epoch=3)  # error: Unexpected keyword argument "epoch" for "fit" of "Trainer"; did you mean "epochs"?
m.fit(x, y, epochs="3")  # error: Argument "epochs" to "fit" of "Trainer" has incompatible type "str"; expected "int |
m.fit(x, y, batch_size=32.5)  # error: Argument "batch_size" to "fit" of "Trainer" has incompatible type "float"; expe
m.fit(x, y, callbacks="early")  # error: Argument "callbacks" to "fit" of "Trainer" has incompatible type "str"; expec
m.fit(x, y, validation_split="0.2")  # error: Argument "validation_split" to "fit" of "Trainer" has incompatible type
m.fit(x, y, shufle=True)  # error: Unexpected keyword argument "shufle" for "fit" of "Trainer"; did you mean "shuffle"
m.predict(x, batchsize=3)  # error: Unexpected keyword argument "batchsize" for "predict" of "Sequential"; did you mea
m.save()  # error: Too few arguments
m.save_weights(3)  # error: has incompatible type "int"; expected "str | PathLike
ef.saving.load_model("a.keras", custom_object={})  # error: Unexpected keyword argument "custom_object" for "load_mode
ef.saving.load_model()  # error: Missing positional argument "filepath" in call to "load_model"
m.compile(optimiser="adam")  # error: Unexpected keyword argument "optimiser" for "compile" of
m.compile("adam", loss_weight=[1.0])  # error: Unexpected keyword argument "loss_weight" for "compile" of
viz.trace(stats="all")  # error: No overload variant of "trace" matches argument type "str"
viz.trace(step=[1])  # error: Unexpected keyword argument "step" for overloaded function "trace"; did you mean "steps"
viz.load()  # error: Missing positional argument "path" in call to "load"
with viz.trace() as t:
    m.fit(x, y)
t.draw(3)  # error: Argument 1 to "draw" of "Recording" has incompatible type "int"; expected "str | PathLike[str] | N
t.draw("x.svg", them="dark")  # error: Unexpected keyword argument "them" for "draw" of "Recording"; did you mean "the
t.top(by=3)  # error: Argument "by" to "top" of "Recording" has incompatible type "Literal[3]"; expected "Literal['tim
viz.find_lr(m, x, y, stepss=10)  # error: Unexpected keyword argument "stepss" for "find_lr"; did you mean "steps"?
viz.explain(m)  # error: Missing positional argument "x" in call to "explain"
ops.softmax(x, dim=1)  # error: Unexpected keyword argument "dim" for "softmax"
ops.reshape(x)  # error: Missing positional argument "newshape" in call to "reshape"
ops.softmax(x, axis="last")  # error: Argument "axis" to "softmax" has incompatible type "str"; expected "int | Sequen
ops.sum(x, keepdim=True)  # error: Unexpected keyword argument "keepdim" for "sum"; did you mean "keepdims"?
ops.one_hot(x)  # error: Missing positional argument "num_classes" in call to "one_hot"
ops.where(x, y, x, y)  # error: No overload variant of "where" matches argument types "ndarray[tuple[int, int], dtype[
ops.clip(x, 0)  # error: Missing positional argument "x_max" in call to "clip"
ops.matmul(x)  # error: Missing positional argument "x2" in call to "matmul"
layers.Dense("32")  # error: Argument 1 to "Dense" has incompatible type "str"; expected "int | integer[Any]"
layers.Dense(32, activaton="relu")  # error: Unexpected keyword argument "activaton" for "Dense"; did you mean "activa
layers.LSTM(32, return_sequence=True)  # error: Unexpected keyword argument "return_sequence" for "LSTM"; did you mean
layers.Dropout("0.5")  # error: Argument 1 to "Dropout" has incompatible type "str"; expected "float | floating[Any] |
layers.Conv2D(32)  # error: Missing positional argument "kernel_size" in call to "Conv2D"
layers.Conv2D(32, kernel_size="3")  # error: Argument "kernel_size" to "Conv2D" has incompatible type "str"; expected
layers.Embedding(100)  # error: Missing positional argument "output_dim" in call to "Embedding"
m.summry()  # error: "Sequential" has no attribute "summry"
ef.GradientTape(persistant=True)  # error: Unexpected keyword argument "persistant" for "GradientTape"; did you mean "
ops.reshape(x, "3,4")  # error: Argument 2 to "reshape" has incompatible type "str"
ops.zeros("3")  # error: Argument 1 to "zeros" has incompatible type "str"
ops.full(None, 1.0)  # error: Argument 1 to "full" has incompatible type "None"
