from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.shown import pictures

METHODS = ("gradient", "integrated", "occlusion")


def rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.fixture
def linear():
    model = ef.Sequential([layers.Dense(2, use_bias=False)])
    model(np.zeros((1, 3), "float32"))
    model.set_weights([np.array([[1.0, -2.0], [0.5, 4.0], [3.0, 0.0]], "float32")])
    return model


@pytest.fixture
def cnn():
    ef.utils.set_random_seed(1)  # of 150 draws one has an answer that barely changes, which 1 % is too strict for
    return ef.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.Conv2D(5, 3, name="last"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ],
        name="cnn",
    )


def test_of_a_linear_model_every_method_gives_what_can_be_worked_out_by_hand(linear):
    x = rows(4, 3)
    kernel = linear.get_weights()[0]
    assert np.allclose(viz.explain(linear, x, target=1).values, np.tile(kernel[:, 1], (4, 1)))
    for method in ("integrated", "occlusion"):
        found = viz.explain(linear, x, method, target=1, baseline=0.5)
        assert np.allclose(found.values, (x - 0.5) * kernel[:, 1], atol=1e-6)


def test_without_a_target_each_row_is_asked_about_its_largest_output(linear):
    x = rows(4, 3)
    found = viz.explain(linear, x)
    assert found.target == np.argmax(x @ linear.get_weights()[0], 1).tolist()
    assert np.allclose(found.score, (x @ linear.get_weights()[0]).max(1))
    each = viz.explain(linear, x, target=[0, 1, 1, 0])
    assert np.allclose(each.values, linear.get_weights()[0].T[[0, 1, 1, 0]])
    by_function = viz.explain(linear, x, target=lambda out: out[:, 0] - out[:, 1])
    assert np.allclose(by_function.values, linear.get_weights()[0] @ [1, -1])
    assert by_function.target is None


def test_integrated_gradients_add_up_to_what_the_answer_changed(cnn):
    x = rows(3, 9, 9, 2)
    base = np.full((9, 9, 2), 0.3, "float32")
    found = viz.explain(cnn, x, "integrated", target=2, baseline=base)
    change = cnn(x).numpy()[:, 2] - cnn(np.broadcast_to(base, x.shape)).numpy()[:, 2]
    assert np.allclose(found.values.sum((1, 2, 3)), change, rtol=0.01)
    assert np.allclose(found.score - found.base, change, rtol=1e-5)
    assert found.gap.max() <= 0.01


def test_where_they_do_not_add_up_the_explanation_says_so():
    def jump(x):
        return ef.ops.sigmoid(4000 * (x[:, 0] - 0.123))

    with pytest.warns(RuntimeWarning, match=r"don't add up .* within 0.01: row 0 misses"):
        found = viz.explain(jump, [[1.0]], "integrated", steps=4)
    assert found.gap[0] > 0.5
    assert "don't add up" in found.text
    assert viz.explain(jump, [[1.0]], "integrated", tolerance=0.3).steps > 32


def test_gradcam_weighs_channels_by_their_mean_gradient(cnn):
    x = rows(2, 9, 9, 2)
    cnn(x)
    part = ef.Model(cnn.inputs, cnn.get_layer("last").output)
    maps = ef.Variable(part(x))
    with ef.GradientTape() as tape:
        score = cnn.layers[-1](ef.ops.relu(maps).numpy().mean((1, 2)) * 0 + ef.ops.relu(maps).mean((1, 2)))[:, 1]
    weights = tape.gradient(score, maps).numpy().mean((1, 2), keepdims=True)
    expected = np.maximum((maps.numpy() * weights).sum(-1), 0)
    found = viz.explain(cnn, x, "gradcam", target=1)
    assert found.layer == "last"
    assert np.allclose(found.values, expected, atol=1e-7)
    assert found.heatmap.shape == (2, 9, 9)
    assert viz.explain(cnn, x, "gradcam", target=1, layer="first").values.shape == (2, 7, 7)
    assert viz.explain(cnn, x, "gradcam", target=1, layer=cnn.layers[0]).layer == "first"


def test_a_convolution_is_found_wherever_it_runs(cnn):
    class Own(ef.Model):
        def __init__(self):
            super().__init__()
            self.kernel = self.add_weight(shape=(3, 3, 2, 4), initializer="glorot_uniform")
            self.head = layers.Dense(2)

        def call(self, x):
            return self.head(ef.ops.conv(x, self.kernel).mean((1, 2)))

    x = rows(2, 6, 6, 2)
    assert viz.explain(Own(), x, "gradcam", 0).values.shape == (2, 4, 4)
    nested = ef.Sequential([layers.Rescaling(0.5), cnn])
    assert viz.explain(nested, rows(1, 9, 9, 2), "gradcam").layer == "last"


def test_channels_may_come_first():
    with_last = ef.Sequential([layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(1)])
    with_first = ef.Sequential(
        [
            layers.Conv2D(4, 3, data_format="channels_first"),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
            layers.Dense(1),
        ]
    )
    x = rows(2, 6, 7, 3)
    with_last(x)
    with_first(np.moveaxis(x, -1, 1))
    with_first.set_weights(with_last.get_weights())
    one = viz.explain(with_last, x, "gradcam")
    other = viz.explain(with_first, np.moveaxis(x, -1, 1), "gradcam")
    assert np.allclose(one.values, other.values, atol=1e-6)
    assert np.allclose(one.heatmap, other.heatmap, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_tokens_are_explained_by_their_vectors(method):
    model = ef.Sequential([layers.Embedding(12, 4, mask_zero=True), layers.LSTM(5), layers.Dense(2)])
    x = np.array([[3, 1, 4, 0], [5, 9, 2, 6], [1, 0, 0, 0]])
    found = viz.explain(model, x, method, target=1)
    assert found.values.shape == (3, 4, 4)
    assert found.heatmap.shape == (3, 4)
    np.testing.assert_allclose(found.heatmap[2, 1:], 0, atol=1e-7)  # padding
    if method == "integrated":
        assert np.allclose(found.values.sum((1, 2)), found.score - found.base, rtol=0.01, atol=1e-6)


def test_a_baseline_of_tokens_is_looked_up():
    model = ef.Sequential([layers.Embedding(12, 4), layers.Flatten(), layers.Dense(1)])
    x = np.array([[3, 1, 4], [5, 9, 2]])
    model(x)
    found = viz.explain(model, x, "integrated", baseline=7)
    table = model.layers[0].get_weights()[0]
    kernel = model.layers[-1].get_weights()[0].reshape(3, 4)
    assert np.allclose(found.values, (table[x] - table[7]) * kernel, atol=1e-6)
    assert np.allclose(found.base, model(np.full_like(x, 7)).numpy()[:, 0], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_every_input_has_values_of_its_own(method):
    words, numbers = ef.Input((3,), dtype="int32", name="words"), ef.Input((2,), name="numbers")
    seen = layers.Concatenate()([layers.Flatten()(layers.Embedding(8, 2, name="table")(words)), numbers])
    model = ef.Model({"words": words, "numbers": numbers}, layers.Dense(2)(seen))
    x = {"words": np.array([[1, 2, 3], [4, 5, 6]]), "numbers": rows(2, 2)}
    found = viz.explain(model, x, method, target=0, **({} if method == "gradient" else {"baseline": {"numbers": 1.0}}))
    assert {name: values.shape for name, values in found.values.items()} == {"numbers": (2, 2), "table": (2, 3, 2)}
    if method == "integrated":
        total = sum(values.reshape(2, -1).sum(1) for values in found.values.values())
        assert np.allclose(total, found.score - found.base, atol=1e-6)


def test_of_several_outputs_one_is_named():
    x = ef.Input((3,))
    model = ef.Model(x, {"a": layers.Dense(2)(x), "b": layers.Dense(1)(x)})
    with pytest.raises(ValueError, match=r"several outputs; expected one of 'a', 'b'"):
        viz.explain(model, rows(2, 3))
    assert viz.explain(model, rows(2, 3), output="b").target == [0, 0]


def test_logits_are_what_goes_into_the_last_softmax(cnn):
    x = rows(2, 9, 9, 2)
    sure = viz.explain(cnn, x, target=0, logits=True)
    cnn.layers[-1].activation = ef.activations.linear
    assert np.allclose(sure.values, viz.explain(cnn, x, target=0).values, atol=1e-7)
    with pytest.raises(ValueError, match="doesn't come straight from a softmax"):
        viz.explain(cnn, x, logits=True)


def test_explaining_changes_nothing(cnn):
    x = rows(2, 9, 9, 2)
    model = ef.Sequential([layers.BatchNormalization(), layers.Dropout(0.5), cnn])
    before = model(x).numpy()
    weights = model.get_weights()
    for method in (*METHODS, "gradcam"):
        viz.explain(model, x, method)
    assert all((a == b).all() for a, b in zip(weights, model.get_weights()))
    assert (model(x).numpy() == before).all()
    with viz.trace() as t:
        viz.explain(model, x)
    assert not t.ops


def test_portions_give_what_one_pass_gives(cnn, monkeypatch):
    from viz.attribution import question

    x = rows(5, 9, 9, 2)
    whole = [viz.explain(cnn, x, method).values for method in (*METHODS, "gradcam")]
    monkeypatch.setattr(question, "_AT_ONCE", 400)
    parts = [viz.explain(cnn, x, method).values for method in (*METHODS, "gradcam")]
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(whole, parts))


def test_a_pixel_that_decides_is_found_by_all_methods():
    def answer(x):
        return ef.ops.stack([x[:, 2, 5, 0] * 3.0, x[:, 0, 0, 0] * 0.1], axis=1)

    x = np.ones((1, 8, 8, 1), "float32")
    for method in METHODS:
        found = viz.explain(answer, x, method, **({"window": 1} if method == "occlusion" else {}))
        assert np.unravel_index(found.heatmap[0].argmax(), (8, 8)) == (2, 5)
        assert "[2,5] +3" in found.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "grad"}, "expected one of 'gradient', .* did you mean"),
        ({"method": "gradcam"}, "the model ran no convolution"),
        ({"target": 5}, "expected positions from 0 to 1"),
        ({"target": [0, 1]}, "expected a class or 3 of them"),
        ({"target": 0.5}, "expected whole numbers"),
        ({"target": lambda out: out}, r"one number per sample, shape \(3,\)"),
        ({"steps": 0}, "steps=0"),
        ({"method": "occlusion", "window": 0}, "window=0"),
        ({"method": "integrated", "baseline": [1.0, 2.0]}, r"fits \(3, 3\)"),
        ({"method": "integrated", "baseline": {"y": 0}}, "there is no 'y'"),
    ],
)
def test_what_does_not_fit_is_refused(linear, arguments, message):
    with pytest.raises(ValueError, match=message):
        viz.explain(linear, rows(3, 3), **arguments)


def test_a_model_without_gradients_is_refused_but_can_be_occluded():
    def steps(x):
        return ef.ops.cast(ef.ops.cast(x, "int32"), "float32").sum(-1)

    with pytest.raises(ValueError, match="no gradient reaches the inputs"):
        viz.explain(steps, [[1.5, 2.5]])
    assert viz.explain(steps, [[1.5, 2.5]], "occlusion").values.tolist() == [[1.0, 2.0]]


def test_it_draws_pictures_tokens_and_numbers(cnn, linear, tmp_path):
    svg = viz.explain(cnn, rows(3, 9, 9, 2), "integrated").draw(tmp_path / "a.svg").svg
    assert svg.count("<image") == 6
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == svg
    tokens = ef.Sequential([layers.Embedding(5, 2), layers.Flatten(), layers.Dense(1)])
    found = viz.explain(tokens, np.array([[1, 2, 4]]))
    assert ">tea<" in found.draw(words=["", "", "", "", "tea"]).svg
    numbers = viz.explain(linear, rows(2, 3), "occlusion")
    assert ">height = " in numbers.draw(words=["height", "width", "age"], rows=[1]).svg
    assert len(pictures(numbers._repr_html_())) == 1
    with pytest.raises(ValueError, match=r"must end in .svg, .png or .html"):
        numbers.draw(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="there is no row 7"):
        numbers.draw(rows=[7])


def test_a_picture_is_one_line_in_the_interpreter_and_itself_in_a_notebook(linear, tmp_path):
    drawn = viz.explain(linear, rows(2, 3), "integrated").draw(tmp_path / "a.html")
    assert len(repr(drawn)) < 100
    assert len(pictures(drawn._repr_html_())) == 1
    assert drawn._repr_mimebundle_().keys() == {"text/html", "text/plain"}
    assert drawn.svg[drawn.svg.index("<svg") :] in (tmp_path / "a.html").read_text(encoding="utf-8")
    dark = viz.explain(linear, rows(2, 3), "integrated").draw(theme="dark")
    assert dark.svg != drawn.svg
