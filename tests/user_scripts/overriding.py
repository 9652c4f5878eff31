"""Methods as people override them with annotations: none is an error."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, reveal_type

import numpy as np

import eagerflow as keras
from eagerflow import Tensor, Variable, layers, ops


class Momentum(keras.optimizers.Optimizer):
    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9, name: str = "momentum") -> None:
        super().__init__(learning_rate=learning_rate, name=name)
        self.momentum = momentum

    def build(self, variables: list[Variable]) -> None:
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(v, "velocity") for v in variables]

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Tensor) -> None:
        velocity = self.velocities[0]
        velocity.assign(self.momentum * velocity - learning_rate * gradient)
        variable.assign_add(velocity)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}


class Clipped(keras.optimizers.SGD):
    def build(self, variables: Sequence[Variable]) -> None:
        super().build(variables)

    def apply_gradients(self, grads_and_vars: list[tuple[Tensor, Variable]]) -> None:
        super().apply_gradients([(ops.clip(g, -1, 1), v) for g, v in grads_and_vars])

    def apply(self, grads: list[Tensor], trainable_variables: list[Variable] | None = None) -> None:
        super().apply([ops.clip(g, -1, 1) for g in grads], trainable_variables)

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: float) -> None:
        super().update_step(gradient, variable, learning_rate)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Clipped":
        return cls(**config)


class Projected(layers.Layer):
    def build(self, input_shape: tuple[int, ...]) -> None:
        self.kernel: Variable = self.add_weight(shape=(input_shape[-1], 2))
        super().build(input_shape)

    def call(self, inputs: Tensor, *, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        return ops.matmul(inputs, self.kernel)

    def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*input_shape[:-1], 2)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return keras.KerasTensor((*inputs.shape[:-1], 2), inputs.dtype)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return mask

    def get_config(self) -> dict[str, Any]:
        return super().get_config()

    def get_build_config(self) -> dict[str, Any]:
        return {}

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.build((None, 3))  # type: ignore[arg-type]

    def save_own_variables(self, store: dict[str, np.ndarray]) -> None:
        store["kernel"] = self.kernel.numpy()

    def load_own_variables(self, store: dict[str, np.ndarray]) -> None:
        self.kernel.assign(store["kernel"])


class Joined(layers.Layer):
    def build(self, a_shape: tuple[int | None, ...], b_shape: tuple[int | None, ...]) -> None:
        """Nothing."""

    def call(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a, b


class Trained(keras.Model):
    def build(self, input_shape: list[int | None]) -> None:
        super().build(input_shape)

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        return inputs

    def train_step(self, data: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        x, y = data
        loss = self.compute_loss(x=x, y=y, y_pred=y)
        return {"loss": loss}

    def test_step(self, data: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
        return {"loss": 0.0}

    def predict_step(self, data: Tensor) -> Tensor:
        return data

    def compute_loss(
        self,
        x: Tensor | None = None,
        y: Tensor | None = None,
        y_pred: Tensor | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(
        self, x: Tensor, y: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> dict[str, float]:
        return {}

    def get_config(self) -> dict[str, Any]:
        return {}


class Older(keras.Model):
    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def train_step(self, batch):
        return {}


class Hinge(keras.losses.Loss):
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.maximum(1 - y_true * y_pred, 0)

    def get_config(self) -> dict[str, Any]:
        return super().get_config()


class Hits(keras.metrics.Metric):
    def __init__(self, name: str = "hits") -> None:
        super().__init__(name=name)
        self.total: Variable = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        self.total.assign_add(ops.sum(y_true == y_pred))

    def result(self) -> Tensor:
        return self.total / 2

    def reset_state(self) -> None:
        self.total.assign(0)


class Images(keras.utils.PyDataset):
    def __init__(self, x: np.ndarray, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.x = x

    def __len__(self) -> int:
        return 3

    def __getitem__(self, idx: int) -> tuple[np.ndarray, np.ndarray]:
        return self.x[idx], self.x[idx]

    def on_epoch_end(self) -> None:
        """Shuffle."""

    def on_epoch_begin(self) -> None:
        """Nothing."""


class Hooks(keras.callbacks.Callback):
    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Begin."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin."""

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """End."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """End."""

    def on_test_batch_end(self, batch: int, logs: dict[str, float] = {}) -> None:  # noqa: B006
        """End."""

    def on_predict_end(self, logs: dict[str, float] | None = None) -> None:
        """End."""


class Best(keras.callbacks.EarlyStopping):
    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        super().on_epoch_end(epoch, logs)


class Decay(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step: int) -> float:
        return 1 / (step + 1)

    def get_config(self) -> dict[str, Any]:
        return {}


class Ones(keras.initializers.Initializer):
    def __call__(self, shape: tuple[int, ...], dtype: str | None = None, **kwargs: Any) -> Tensor:
        return ops.ones(shape, dtype=dtype)


class Small(keras.regularizers.Regularizer):
    def __call__(self, x: Tensor) -> Tensor:
        return ops.sum(ops.abs(x))


class Positive(keras.constraints.Constraint):
    def __call__(self, w: Tensor) -> Tensor:
        return ops.maximum(w, 0)


class Cell(layers.Layer):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def call(self, inputs: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        return inputs, states

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        return [ops.zeros((batch_size or 1, self.units))]


def plain(variables: Iterable[Variable]) -> None:
    keras.optimizers.Adam().build(variables)
    keras.optimizers.Adam().apply_gradients(zip([ops.ones(3)], variables, strict=True))
    reveal_type(keras.optimizers.Adam().apply_gradients([]))  # type: Variable | Any
    keras.optimizers.Adam().build(variable=variables)  # error: variable


layers.Dense(3, kernel_initializer=Ones(), kernel_constraint=Positive(), kernel_regularizer=Small())
print(layers.RNN(Cell(3)), Momentum(0.1), Projected()(ops.ones((1, 3))))
