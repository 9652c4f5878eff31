"""A small transformer with masks, in the way of Keras' examples."""

from typing import reveal_type

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


class Decoder(layers.Layer):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = layers.MultiHeadAttention(2, width)
        self.cross = layers.MultiHeadAttention(2, width)
        self.last_scores: keras.Tensor | None = None

    def call(self, x: keras.Tensor, context: keras.Tensor, training: bool = False) -> keras.Tensor:
        x = x + self.own(query=x, value=x, use_causal_mask=True, training=training)
        attended, scores = self.cross(query=x, value=context, return_attention_scores=True)
        self.last_scores = scores
        return x + attended


block = TransformerBlock(8, 2, 16)
print(block(x, training=True).shape, block(x, mask=ops.ones((2, 5), dtype="bool")).shape)
print(Decoder(8)(x, context=ops.ones((2, 7, 8)), training=True).shape)
inputs = layers.Input(shape=(20,))
h = layers.Embedding(100, 8, mask_zero=True)(inputs)
h = block(h)
h = layers.GlobalAveragePooling1D()(h, mask=None)
h = layers.Dense(2, activation="softmax")(h)
model = keras.Model(inputs=inputs, outputs=h)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(np.ones((4, 20)), np.ones((4,)), batch_size=2, epochs=1, validation_split=0.5, verbose=0)
model.fit(np.ones((4, 20)), np.ones((4,)), validation_splitt=0.5)  # error: fit
print(max(history.history["val_accuracy"]))


scores = layers.MultiHeadAttention(2, 4)(x, x, x, attention_mask=ops.ones((2, 5, 5)), return_attention_scores=True)[1]
print(ops.sum(scores, axis=-1).numpy())
