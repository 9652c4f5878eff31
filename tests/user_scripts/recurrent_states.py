"""Recurrent layers whose states are used: an encoder and a decoder, stacked layers, cells, both directions."""

from collections.abc import Callable
from typing import Any, reveal_type

import eagerflow as keras
from eagerflow import layers, ops

x = ops.ones((2, 5, 3))
reveal_type(layers.LSTM(4)(x))  # type: Tensor
reveal_type(layers.LSTM(4, return_state=True)(x))  # type: tuple[Tensor, Tensor, Tensor]
reveal_type(layers.GRU(4, return_sequences=True, return_state=True)(x))  # type: tuple[Tensor, Tensor]
reveal_type(layers.SimpleRNN(4, return_state=True)(x))  # type: tuple[Tensor, Tensor]
reveal_type(layers.ConvLSTM2D(4, 3, return_state=True)(ops.ones((1, 2, 5, 5, 1))))  # type: tuple[Tensor, Tensor, Tensor]
reveal_type(layers.RNN(layers.LSTMCell(4), return_state=True)(x))  # type: tuple[Any, ...]
reveal_type(layers.Bidirectional(layers.LSTM(4))(x))  # type: Tensor
reveal_type(layers.Bidirectional(layers.GRU(4, return_state=True))(x))  # type: tuple[Tensor, ...]
reveal_type(layers.Bidirectional(layers.GRU(4), merge_mode=None)(x))  # type: tuple[Tensor, Tensor]
reveal_type(layers.Bidirectional(layers.GRU(4), merge_mode="sum")(x))  # type: Tensor
reveal_type(layers.LSTMCell(4)(ops.ones((2, 3)), [ops.ones((2, 4)), ops.ones((2, 4))])[1])  # type: list[Tensor]

layers.LSTM(4)(x, trainin=True)  # error: trainin
layers.LSTM(4)(inputs=x)  # error: inputs
layers.LSTM(4)()  # error: sequences
layers.GRU(4)(x, None, None, True, 3)  # error: __call__
layers.GRU(4, return_states=True)  # error: return_states
layers.LSTM(4, return_state="yes")  # error: ReturnState
print(layers.LSTM(4, return_state=True)(x).shape)  # error: shape
output, state = layers.LSTM(4, return_state=True)(x)  # error: unpack
output, h, c = layers.LSTM(4, return_state=True)(x)
whole, *states = layers.LSTM(4, return_state=True, return_sequences=True)(x)
layers.LSTM(4)(x, initial_state=states)
layers.LSTM(4)(x, initial_state=[h, c], mask=None, training=False)
print(layers.LSTM(4, return_state=True)(x)[0].shape)
layers.GRUCell(4)(x[:, 0])  # error: states
layers.Bidirectional(layers.LSTM(4))(x, initial_states=None)  # error: initial_states
layers.Bidirectional(3)  # error: int
layers.TimeDistributed(layers.Dense(2))(x, trainin=True)  # error: trainin
options: dict[str, Any] = {"return_sequences": True}
print(layers.LSTM(4, **options)(x).shape)


class Encoder(keras.Model):
    def __init__(self, vocabulary: int, units: int = 8) -> None:
        super().__init__()
        self.embedding = layers.Embedding(vocabulary, units)
        self.lstm = layers.LSTM(units, return_sequences=True, return_state=True)

    def call(self, words: keras.Tensor, training: bool = False) -> tuple[keras.Tensor, list[keras.Tensor]]:
        found, h, c = self.lstm(self.embedding(words), training=training)
        return found, [h, c]


class Decoder(keras.Model):
    def __init__(self, vocabulary: int, units: int = 8) -> None:
        super().__init__()
        self.embedding = layers.Embedding(vocabulary, units)
        self.gru: layers.LSTM = layers.LSTM(units, return_sequences=True, return_state=True)
        self.attention = layers.Attention()
        self.out = layers.Dense(vocabulary)

    def call(self, words, encoded, states=None):
        found, *after = self.gru(self.embedding(words), initial_state=states)
        found, scores = self.attention([found, encoded], return_attention_scores=True)
        return self.out(found), after, scores


encoder, decoder = Encoder(20), Decoder(20)
encoded, carried = encoder(ops.ones((2, 4), dtype="int32"))
logits, carried, scores = decoder(ops.ones((2, 3), dtype="int32"), encoded, states=carried)
print(logits.shape, scores.shape)
print(encoder.lstm.unitz)  # error: unitz


class Stack(layers.Layer):
    def __init__(self, units: list[int], bidirectional: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        made: list[layers.Layer] = []
        for n in units:
            layer: layers.Layer = layers.GRU(n, return_sequences=True)
            made.append(layers.Bidirectional(layer) if bidirectional else layer)
        self.stack = made

    def call(self, x: keras.Tensor) -> keras.Tensor:
        for layer in self.stack:
            x = layer(x)
        return x


print(Stack([4, 3], bidirectional=True)(x).shape)


class Remembering(layers.LSTM):
    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, return_state=True, return_sequences=True, **kwargs)


output, h, c = Remembering(4)(x)


class Summing(layers.Layer):
    state_size = output_size = 3

    def call(self, inputs, states):
        total = states[0] + inputs
        return total, [total]


print(layers.RNN(Summing(), return_sequences=True)(x).shape)
layers.RNN([layers.GRUCell(3), layers.GRUCell(2)])(x)


def last_of(layer: layers.LSTM, sequences: keras.Tensor) -> keras.Tensor:
    return layer(sequences)


def applied(function: Callable[[keras.Tensor], keras.Tensor], sequences: keras.Tensor) -> keras.Tensor:
    return function(sequences)


applied(layers.LSTM(4), x)
applied(layers.Bidirectional(layers.LSTM(4)), x)
applied(layers.Dense(4), x)
applied(layers.LSTM(4)(x), x)  # error: applied


def kept(layer: layers.GRU, with_state: bool) -> layers.GRU:
    return layers.GRU(layer.units, return_state=with_state)


for recurrent in (layers.LSTM(4), layers.GRU(4), layers.SimpleRNN(4)):
    print(recurrent(x).shape)


def either_way(units: int, **kwargs: Any) -> keras.Tensor:
    found = layers.Bidirectional(layers.LSTM(units), **kwargs)(x)
    return found + layers.GRU(units, **kwargs)(x)


def chosen(units: int, with_state: bool) -> None:
    layer = layers.LSTM(units)
    if with_state:
        layer = layers.LSTM(units, return_state=True)
    print(layer(x))


reveal_type(layers.Bidirectional(Stack([3]))(x))  # type: Tensor
