"""What stays where it was on the page when something is opened, or the panel takes room."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import layers
from tests.viz.nets import adversarial_step
from tests.viz.picture.architectures import numbers

pytestmark = pytest.mark.slow


def two_networks():
    """Both losses of a generative adversarial network, whose gradients come from one forward pass."""
    generator = ef.Sequential([layers.Input((6,)), *[layers.Dense(8, "relu") for _ in range(5)]], name="generator")
    discriminator = ef.Sequential([layers.Input((8,)), layers.Dense(6), layers.Dense(1)], name="discriminator")
    return adversarial_step(generator, discriminator, lambda: ef.random.normal((4, 6)), numbers(4, 8))


# The middles of boxes and frames with a title, forward ones, by title.
MIDDLES = """Object.fromEntries([...v.scene.frames.values(), ...v.scene.nodes.values()]
  .filter(e => e.title && e.phase !== 'backward').map(e => [e.title, e.x + e.w / 2]))"""
TOGGLE = "v.toggle([...v.scene.nodes.values(), ...v.scene.frames.values()].find(e => e.title === {!r}).id)"


@pytest.mark.parametrize("name", ["generator", "discriminator", "discriminator (call 2)"])
def test_what_stands_side_by_side_keeps_its_order_when_a_network_is_opened_and_closed(shown, pages, name):
    shown.size(1440, 900)
    shown.show(pages("two networks", two_networks))
    shown.run("v.changeDepth(-9)")

    def order():
        found = shown.run(MIDDLES)
        return found["generator"] < found["discriminator"], found["discriminator (call 2)"] < found["discriminator"]

    before = order()
    assert before == (True, True)
    for _ in range(2):
        shown.run(TOGGLE.format(name))
        assert order() == before
