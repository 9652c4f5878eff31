"""`viz.attention`: what each head looks at."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 8)).astype("float32")


@pytest.mark.parametrize("causal", [False, True])
def test_scores_are_those_that_the_layer_returns(causal):
    layer = ef.layers.MultiHeadAttention(num_heads=2, key_dim=4, name="look")
    _, expected = layer(X, X, use_causal_mask=causal, return_attention_scores=True)
    found = viz.attention(layer, X, X, use_causal_mask=causal)
    np.testing.assert_allclose(found.scores["look"], expected, atol=1e-6)


def test_masks_and_shared_key_heads_are_seen():
    layer = ef.layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2, name="look")
    mask = np.tile(np.array([True, True, True, False, False]), (2, 5, 1))
    scores = viz.attention(layer, X, X, attention_mask=mask).scores["look"]
    assert scores.shape == (2, 4, 5, 5)
    np.testing.assert_array_equal(scores[..., 3:], 0)
    np.testing.assert_allclose(scores.sum(axis=-1), 1)


def test_each_layer_of_a_model_has_its_scores_and_its_row_in_the_picture(tmp_path):
    inputs = ef.Input((5, 8))
    x = ef.layers.MultiHeadAttention(2, 4, name="first")(inputs, inputs)
    model = ef.Model(inputs, ef.layers.MultiHeadAttention(3, 4, name="second")(x, x))
    found = viz.attention(model, X)
    assert [each.shape[1] for each in found.scores.values()] == [2, 3]
    drawn = found.save(tmp_path / "heads.svg", row=1, tokens=list("abcd<")).read_text()
    assert drawn.count("<image") == 5
    assert all(word in drawn for word in ("first", "second", "&lt;", "head 2"))
    assert found.save(tmp_path / "heads.png").stat().st_size > 1000


def test_a_call_without_attention_is_an_error():
    with pytest.raises(ValueError, match="no attention ran"):
        viz.attention(ef.layers.Dense(2), X)
