"""`viz.attention`: what each head looks at."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from viz.page.attention_maps import attention_maps
from viz.page.heat_map import heat_map

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


@pytest.fixture
def attending():
    inputs = ef.Input((5, 8))
    x = ef.layers.MultiHeadAttention(2, 4, name="look")(inputs, inputs, use_causal_mask=True)
    model = ef.Model(inputs, ef.layers.GlobalAveragePooling1D()(x))
    model.compile("adam", "mse")
    return model


def test_a_recording_that_kept_a_layers_arrays_shows_each_head_in_the_page(attending):
    (scores,) = viz.attention(attending, X).scores.values()
    with viz.trace(values="look") as t:
        attending.train_on_batch(X, X[:, 0])
    ((op, heads),) = attention_maps(t)
    assert t.ops[op].name == "dot_product_attention"
    assert heads == [heat_map(head / head.max(), 0) for head in scores[0]]
    assert all(head in t.to_html() for head in heads)


def test_a_softmax_of_heads_is_shown_where_it_was_kept():
    with viz.trace(values="softmax") as t:
        made = ef.ops.softmax(ef.Tensor(RNG.normal(size=(2, 3, 4, 6))))
        ef.ops.softmax(ef.Tensor(X))
    assert attention_maps(t) == [(t.ops[0].id, [heat_map(h / h.max(), 0) for h in np.asarray(made)[0].astype("f4")])]


@pytest.mark.parametrize("kept", ["query", "nothing like it", None])
def test_without_what_they_are_computed_from_no_scores_are_shown(attending, kept):
    with viz.trace(values=kept) as t:
        attending.train_on_batch(X, X[:, 0])
    assert attention_maps(t) == []
