"""What the pages of names show of their own examples."""

from __future__ import annotations

import re

import pytest

import eagerflow as ef
import viz
from tools.site import record_html, recorded
from tools.site.names import Public, catalogue

pytestmark = pytest.mark.slow  # examples run under a recorder

BY_PATH = {one.path: one for one in catalogue()}


def figures(html: str) -> dict[str, str]:
    """What the page says in figures."""
    return dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", html))


@pytest.mark.parametrize("name", ["Dense", "Conv2D"])
def test_a_layer_shows_its_call_with_parameters_forward_and_backward(name):
    shown = figures(recorded.html(BY_PATH[f"eagerflow.layers.{name}"]))
    assert shown.keys() == {"parameters", "forward", "backward", "gradients", "results of the forward ops"}
    assert shown["parameters"].startswith("8 (kernel" if name == "Dense" else "5 (kernel")
    assert re.fullmatch(r"input [\d×]+, kernel [\d×]+, bias \d", shown["gradients"])


def test_gradients_of_weights_with_equal_names_say_whose_they_are():
    shown = figures(recorded.html(BY_PATH["eagerflow.layers.MultiHeadAttention"]))["gradients"]
    assert "query/kernel 8×2×4, query/bias 2×4, key/kernel 8×2×4" in shown
    assert shown.endswith(", and 1 more")


@pytest.mark.parametrize("name", ["ops.ones", "ops.shape", "activations.linear", "losses.serialize", "layers.Identity"])
def test_what_runs_no_op_shows_those_that_its_example_runs(name):
    one = BY_PATH[f"eagerflow.{name}"]
    html = recorded.html(one)
    assert html.startswith(f"<p><code>{one.name}</code> runs no op itself.")
    assert {"forward", "backward"} <= figures(html).keys()


def test_the_first_call_that_runs_an_op_is_shown():
    assert figures(recorded.html(BY_PATH["eagerflow.ops.full"]))["forward"].startswith("2 ops")


def test_an_example_that_runs_no_op_fails():
    def nothing() -> int:
        """Nothing.

        >>> ef.ops.zeros(3).shape
        (3,)
        """
        return 0

    with pytest.raises(recorded.ExampleFailed, match=r"eagerflow\.ops\.nothing: its example runs no op"):
        recorded.html(Public("eagerflow.ops.nothing", nothing, ()))


def test_a_picture_of_many_ops_fits_its_page_and_opens_whole():
    html = recorded.html(BY_PATH["eagerflow.layers.MultiHeadAttention"])
    shown, whole = html.split("<template", 1)
    widths = [int(re.search(r'<svg[^>]*? width="(\d+)"', part)[1]) for part in (shown, whole)]
    fits = record_html.WAYS[0][2]
    assert widths[0] <= fits < widths[1]
    assert "query/kernel 8×2×4, query/bias 2×4" in figures(html)["parameters"]
    assert "∇" in whole.partition("</template>")[0]  # the backward pass, which the first leaves out
    assert "∇" not in shown


def test_a_small_picture_is_shown_whole():
    html = recorded.html(BY_PATH["eagerflow.layers.Dense"])
    assert "<template" not in html
    assert "∇" in html


def test_a_picture_of_very_many_ops_shows_them_in_parts():
    with viz.trace() as few, ef.GradientTape():
        chain(2)
    with viz.trace() as many, ef.GradientTape():
        chain(record_html.MANY + 1)
    assert record_html.ways(few) == record_html.WAYS
    assert {rows for _, rows, _ in record_html.ways(many)} == {10, 20}


def chain(length):
    x = ef.Variable(1.0)
    for _ in range(length):
        x = x * 2.0
