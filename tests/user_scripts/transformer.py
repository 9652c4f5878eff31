"""A small transformer with masks, in the way of Keras' examples."""

from typing import Any, reveal_type

import numpy as np

import eagerflow as keras
from eagerflow import layers, ops

x = ops.ones((2, 5, 8))
reveal_type(layers.MultiHeadAttention(2, 4)(x, x))  # type: Tensor
reveal_type(layers.MultiHeadAttention(2, 4)(x, x, return_attention_scores=True))  # type: tuple[Tensor, Tensor]
reveal_type(layers.Attention()([x, x]))  # type: Tensor
reveal_type(layers.AdditiveAttention()([x, x], return_attention_scores=True))  # type: tuple[Tensor, Tensor]
reveal_type(layers.GroupQueryAttention(4, 4, 2)(x, x, return_attention_scores=True)[1])  # type: Tensor
layers.MultiHeadAttention(2, 4)(x)  # error: __call__
layers.MultiHeadAttention(2, 4)(x, x, attention_maks=None)  # error: __call__
layers.MultiHeadAttention(2, 4)(query=x, value=x, key=x, use_causal_mask=True, training=True)
layers.MultiHeadAttention(num_heads=2, key_dim=4, dropuot=0.1)  # error: dropuot
layers.Attention()(x)  # error: __call__
layers.Attention()([x, x], return_attention_score=True)  # error: __call__
layers.Attention()([x, x, x], mask=[None, None], training=False)


class TransformerBlock(layers.Layer):
    """Attention and two dense layers."""

    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential([layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)])
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)
        self.supports_masking = True

    def call(self, inputs, mask=None, training=False):
        causal = None
        if mask is not None:
            causal = ops.cast(mask[:, None, :], "int32")
        attn_output = self.att(inputs, inputs, attention_mask=causal, training=training)
        attn_output = self.dropout1(attn_output, training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.dropout2(self.ffn(out1), training=training)
        return self.layernorm2(out1 + ffn_output)

    def get_config(self):
        config = super().get_config()
        config.update({"ff_dim": 32})
        return config


class Positions(layers.Layer):
    """Words and their places."""

    def __init__(self, maxlen: int, vocab_size: int, embed_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.token_emb = layers.Embedding(input_dim=vocab_size, output_dim=embed_dim, mask_zero=True)
        self.pos_emb = layers.Embedding(input_dim=maxlen, output_dim=embed_dim)

    def call(self, x: keras.Tensor) -> keras.Tensor:
        """Their sum."""
        positions = self.pos_emb(ops.arange(0, x.shape[-1], 1))
        return self.token_emb(x) + positions

    def compute_mask(self, inputs: keras.Tensor, previous_mask: Any = None) -> Any:
        """That of the words."""
        return self.token_emb.compute_mask(inputs)


class Decoder(layers.Layer):
    """Two attentions, of which the second looks at what an encoder gave."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = layers.MultiHeadAttention(2, width)
        self.cross = layers.MultiHeadAttention(2, width)
        self.last_scores: keras.Tensor | None = None

    def call(self, x: keras.Tensor, context: keras.Tensor, training: bool = False) -> keras.Tensor:
        """The attended context."""
        x = x + self.own(query=x, value=x, use_causal_mask=True, training=training)
        attended, scores = self.cross(query=x, value=context, return_attention_scores=True)
        self.last_scores = scores
        return x + attended


block = TransformerBlock(8, 2, 16)
print(block(x, training=True).shape, block(x, mask=ops.ones((2, 5), dtype="bool")).shape)
print(Decoder(8)(x, context=ops.ones((2, 7, 8)), training=True).shape)
inputs = layers.Input(shape=(20,))
h = Positions(20, 100, 8)(inputs)
h = block(h)
h = layers.GlobalAveragePooling1D()(h, mask=None)
h = layers.Dense(2, activation="softmax")(h)
model = keras.Model(inputs=inputs, outputs=h)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(np.ones((4, 20)), np.ones((4,)), batch_size=2, epochs=1, validation_split=0.5, verbose=0)
model.fit(np.ones((4, 20)), np.ones((4,)), validation_splitt=0.5)  # error: fit
print(max(history.history["val_accuracy"]))


def causal_mask(batch: int, n: int) -> keras.Tensor:
    """Which positions see which."""
    i = ops.arange(n)[:, None]
    mask = ops.cast(i >= ops.arange(n), "int32")
    return ops.tile(ops.reshape(mask, (1, n, n)), [batch, 1, 1])


scores = layers.MultiHeadAttention(2, 4)(x, x, x, attention_mask=causal_mask(2, 5), return_attention_scores=True)[1]
print(ops.sum(scores, axis=-1).numpy())
