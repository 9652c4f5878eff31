"""What a page shows at first: neither a handful of closed boxes nor hundreds of open ones."""

from __future__ import annotations

import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.picture.architectures import ALL, conv, equal_residuals, fitted, numbers
from viz import page
from viz.facts.layer_settings import inner_layers


def block(x, filters):
    for _ in range(2):
        x = layers.ReLU()(layers.BatchNormalization()(conv(filters)(x)))
    return x


def without_norms(x, filters):
    for _ in range(3):
        x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(conv(filters)(x))
    return x


def unet(block=block):
    """52 layers, which are only numbered."""
    x = start = layers.Input((16, 16, 1))
    skips = []
    for filters in (2, 4, 8):
        x = block(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = block(x, 8)
    for filters in (8, 4, 2):
        x = layers.UpSampling2D()(x)
        x = block(layers.Concatenate()([x, skips.pop()]), filters)
    return fitted(ef.Model(start, conv(1, 1)(x), name="unet"), numbers(2, 16, 16, 1), numbers(2, 16, 16, 1))[0]


@pytest.fixture(scope="module")
def recorded():
    return unet(without_norms)


def seen_at_first(recording):
    """How many rows of boxes are seen, and the titles of closed groups."""
    found = page.data(recording)
    ((_, view),) = found["views"]
    blocks, depth, texts = view["tree"]["blocks"], view["tree"]["depths"][0], found["texts"]
    rows, groups, waiting = 0, [], [0]
    while waiting:
        at = waiting.pop()
        for child in [-blocks["folded"][at]] if blocks["folded"][at] else blocks["children"][at]:
            need = blocks["need"][-child] if child < 0 else None
            if need is not None and need <= depth:
                waiting.append(-child)
                continue
            rows += 1
            if child < 0 and texts[blocks["kind"][-child]] == "group":
                groups.append(texts[blocks["title"][-child]])
    return rows, groups


def test_layers_that_are_only_numbered_are_grouped_by_the_size_of_images(recorded):
    rows, groups = seen_at_first(recorded)
    assert rows >= 8
    assert len(groups) == 7  # down three times, and up again
    assert [group.split("_")[0] for group in groups[1:4]] == ["max"] * 3


def test_layers_that_follow_each_other_as_one_are_one_box_as_in_pictures():
    recording = unet()
    rows, groups = seen_at_first(recording)
    drawn = recording.draw().graph
    chains = [node.title for node in drawn.nodes.values() if node.lines[0] == "Conv2D 3×3 → BatchNormalization → ReLU"]
    assert groups == chains
    assert len(groups) == 14
    assert rows == len([node for node in drawn.nodes.values() if node.lane == "forward" and node.kind != "input"])


def test_chains_within_equal_blocks_are_closed_at_first():
    rows, groups = seen_at_first(equal_residuals())
    assert groups == ["block0_conv1", "block0_conv2", "block0_add"]
    assert rows < 10  # of 46 layers


def test_layers_that_an_attention_made_for_itself_are_closed_at_first_as_in_pictures():
    recording, _ = ALL["transformer"]()
    rows, _ = seen_at_first(recording)
    drawn = recording.draw().graph
    found = [node.title for node in drawn.nodes.values() if node.kind == "scope" and node.lane == "forward"]
    assert found == ["query … value  ×3, side by side", "attention_output"]
    assert "parts of layers are closed: depth=9 opens them" in drawn.caption
    assert rows == len([node for node in drawn.nodes.values() if node.lane == "forward" and node.kind != "input"])
    opened = recording.draw(depth=9).graph
    assert not [node for node in opened.nodes.values() if node.kind == "scope" and node.lane == "forward"]


def test_an_attention_alone_shows_what_is_in_it_and_layers_that_the_user_made_are_no_parts():
    words = ef.Tensor(numbers(2, 4, 4))
    attention = layers.MultiHeadAttention(2, 2)
    with viz.trace() as t:
        attention(words, words)
    assert "matmul  add" in [line for node in t.draw().graph.nodes.values() for line in node.lines]
    assert {t.scopes[i].name for i in inner_layers(t)} == {"query", "key", "value", "attention_output"}
    for around in (layers.TimeDistributed(layers.Dense(3)), layers.Bidirectional(layers.LSTM(3)), Own(layers.Dense(3))):
        with viz.trace() as t:
            around(words)
        assert not inner_layers(t)


class Own(layers.Layer):
    """A layer of the user's own around another one."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, x):
        return self.inner(x)


@pytest.mark.parametrize("name", ALL)
def test_there_is_something_to_see(name):
    """Several rows, each of up to four boxes, where there are that many."""
    recording, _ = ALL[name]()
    rows, _ = seen_at_first(recording)
    assert 5 <= rows <= 24


@pytest.mark.slow
def test_a_residual_network_of_fifty_layers_opens_at_its_blocks():
    model = ef.applications.ResNet50(weights=None, input_shape=(32, 32, 3), classes=10)
    recording, _ = fitted(model, numbers(2, 32, 32, 3), numbers(2, 10))
    rows, groups = seen_at_first(recording)
    assert 12 <= rows <= 24
    assert {f"conv{stage}_block1" for stage in (2, 3, 4, 5)} <= set(groups)


@pytest.mark.slow
def test_every_stage_has_a_title_where_all_of_the_graph_is_seen_also_beside_lines_that_lead_past_it(shown, pages):
    shown.size(1440, 900)
    shown.show(pages("deep unet", lambda: unet(without_norms)))
    shown.run("v.changeDepth(-9); v.changeDepth(2); v.canvas.fit(false, true)")
    shown.rest()
    stages = shown.run("[...v.scene.frames.values()].filter(f => f.title.includes(' … ')).map(f => f.title)")
    assert len(stages) == 7
    assert set(stages) <= set(shown.texts(".sign text"))
