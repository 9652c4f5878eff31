"""The page in little room and from afar: titles that are seen and can be read, and tabs that take what they need."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from tests.viz.nets import mlp

pytestmark = pytest.mark.slow

SIGNS = """[...document.querySelectorAll('.sign')].map(sign => {
  const { left, right, top, bottom } = sign.getBoundingClientRect();
  const size = parseFloat(getComputedStyle(sign.querySelector('text')).fontSize) * v.canvas.view.scale;
  return [sign.textContent, left, right, top, bottom, size]; })"""


def towers() -> viz.Recording:
    """Columns of layers beside each other, wider than a phone's screen and higher than any."""
    given = ef.Input((4,))
    branches = []
    for i in range(4):
        x = given
        for j in range(4):
            x = ef.layers.Dense(3 + i, activation="tanh", name=f"tower_{i}_{j}")(x)
        branches.append(x)
    with viz.trace() as t:
        ef.Model(given, branches, name="towers")(np.ones((2, 4), "float32"))
    return t


@pytest.fixture
def seen(shown, pages):
    shown.show(pages("towers", towers))
    return shown


def test_titles_of_frames_are_read_from_afar_and_none_lies_over_another(seen):
    seen.run("v.canvas.setView({ x: 300, y: 20, scale: 0.74 })")
    seen.rest()
    assert seen.run(SIGNS) == []  # the titles themselves can be read
    seen.run("v.changeDepth(9); v.canvas.setView({ x: 300, y: 20, scale: 0.4 })")
    seen.rest()
    signs = seen.run(SIGNS)
    assert {"towers", "tower_0_0"} <= {name for name, *_ in signs}
    for k, (_, left, right, top, bottom, size) in enumerate(signs):
        assert any(size == pytest.approx(letters) for letters in (11, 9, 8))
        for _, *other, _ in signs[:k]:
            assert left >= other[1] or other[0] >= right or top >= other[3] or other[2] >= bottom
    seen.run("v.canvas.setView({ x: 300, y: 20, scale: 1 })")
    seen.rest()
    assert seen.run(SIGNS) == []


def test_titles_that_are_read_from_afar_cover_no_box(shown, pages):
    def tall():
        with viz.trace() as t:
            mlp("tall", 13)(np.ones((2, 12), "float32"))
        return t

    shown.show(pages("tall", tall))
    shown.run("v.setFold(false)")
    for level, scale in [(0, 0.3), (0, 0.16), (1, 0.3), (1, 0.16)]:
        shown.run(f"v.depth = {level}; v.changeDepth(1); v.canvas.setView({{ x: 500, y: 90, scale: {scale} }})")
        shown.rest()
        signs = shown.run(SIGNS)
        assert "tall" in {name for name, *_ in signs}
        boxes = shown.run("""[...document.querySelectorAll('.node .ground')].map(box => {
          const { left, right, top, bottom } = box.getBoundingClientRect(); return [left, right, top, bottom]; })""")
        assert len(boxes) > 12
        for _, left, right, top, bottom, _ in signs:
            assert not any(right > a and b > left and bottom > c and d > top for a, b, c, d in boxes)
