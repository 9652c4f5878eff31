"""Calling a layer or model of one's own gives what its `call` is annotated with."""

from dataclasses import dataclass
from typing import Any, reveal_type

import eagerflow as keras
from eagerflow import Tensor, layers, ops

x = ops.ones((2, 3))


@dataclass
class Out:
    prediction: Tensor
    hidden: Tensor


class Several(keras.Model):
    def call(self, x: Tensor) -> Out:
        return Out(x, x)


class Named(keras.Model):
    def call(self, x: Tensor, training: bool | None = None) -> dict[str, Tensor]:
        return {"a": x}


class Listed(layers.Layer):
    def call(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return x, [x]


class Sampled(keras.Model):
    def __init__(self, encoder: keras.Model, decoder: keras.Model) -> None:
        super().__init__()
        self.encoder, self.decoder, self.listed = encoder, decoder, Listed()

    def call(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, spread = self.encoder(x)
        first, rest = self.listed(x)
        rest.append(first)
        return mean, self.decoder(mean + spread)


class Plain(layers.Layer):
    def call(self, inputs):
        return {"a": inputs}


class Unknown(layers.Layer):
    def __init__(self, gives):
        super().__init__()
        self.gives = gives

    def call(self, inputs, training=False):
        return self.gives(inputs)


class Own(layers.Layer):
    def call(self, x: Tensor) -> Tensor:
        return x

    def __call__(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return super().__call__(x * 2, *args, **kwargs)


class Pair(keras.Operation):
    def call(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


reveal_type(Several()(x))  # type: Out
print(Several()(x).hiden)  # error: hiden
reveal_type(Named()(x, training=True))  # type: dict[str, Tensor]
named: dict[str, Tensor] = Named()(x)
print([name.upper() for name, each in named.items()])
reveal_type(Listed()(x))  # type: tuple[Tensor, list[Tensor]]
reveal_type(Sampled(keras.Model(), keras.Model())(x))  # type: tuple[Tensor, Tensor]
reveal_type(Own()(x))  # type: Tensor
reveal_type(Pair()(x))  # type: tuple[Tensor, Tensor]
print(Plain()(x)["a"].shape, Plain()(x).items())
reveal_type(Unknown(layers.Dense(2))(x))  # type: AnyTensor | Any
reveal_type(Unknown(layers.Dense(2))(x) + 1)  # type: Tensor | Any
unknown: dict[str, int] = Unknown(dict)(x)
first, (second, third) = Unknown(list)(x)
first.append(third)
print(Unknown(dict)(x)["a"].items(), Unknown(Out)(x).hidden, Unknown(layers.Dense(2))(x).numpy())


def of_any(layer: layers.Layer, model: keras.Model, x: Tensor) -> Tensor:
    reveal_type(layer(x))  # type: Tensor | Any
    print(model(x)["a"], model(x).shpe)  # error: shpe
    a, b = model(x)
    return layer(x) + a + b
