"""Nothing in a picture lies on anything else, whatever the network; and the measure of that finds what is wrong."""

from __future__ import annotations

import pytest

import viz
from tests.viz.picture.architectures import ALL
from tests.viz.picture.geometry import (
    Arrow,
    Box,
    Picture,
    beside_borders,
    crossings,
    crossings_by_graphviz,
    curve,
    faults,
    picture,
)
from tests.viz.picture.loops import LOOPS

# ---------------------------------------------------------------------- the measure

PAGE = Box(0, 0, 400, 400)
A, B, C = Box(10, 10, 60, 40), Box(10, 200, 60, 230), Box(10, 100, 60, 130)


def seen(arrows=(), boxes=(("a", A), ("b", B)), frames=(), titles=(), inside=()):
    boxes = dict(boxes)
    around = {id_: set() for id_ in boxes} | dict(inside)
    return Picture(PAGE, boxes, dict(frames), around, list(titles), list(arrows))


def straight(a=(35, 40), b=(35, 200), label="", at=None, ends=("a", "b")):
    return Arrow(*ends, [a, b], label, at)


@pytest.mark.parametrize(
    ("fault", "drawn"),
    [
        ("through boxes", seen([straight()], [("a", A), ("b", B), ("c", C)])),
        ("through boxes", seen([straight((35, 15), (35, 200))])),  # through its own
        ("through titles", seen([straight()], titles=[Box(20, 100, 80, 112)])),
        ("under titles", seen([straight((20, 117), (80, 117))], titles=[Box(20, 100, 80, 112)])),
        ("through frames", seen([straight()], frames=[("f", Box(5, 90, 100, 140))])),
        ("frames through boxes", seen(frames=[("f", Box(40, 0, 100, 100))])),
        ("frames through boxes", seen(frames=[("f", Box(40, 0, 100, 100))], inside=[("a", {"f"})])),
        ("frames through boxes", seen(frames=[("f", Box(100, 0, 150, 100))], inside=[("a", {"f"})])),
        ("frames through frames", seen(frames=[("f", Box(100, 0, 150, 100)), ("g", Box(140, 50, 190, 150))])),
        ("labels on boxes", seen([straight(label="x", at=Box(50, 30, 70, 40))])),
        ("labels on titles", seen([straight(label="x", at=Box(50, 50, 70, 60))], titles=[Box(60, 55, 90, 65)])),
        ("labels on borders", seen([straight(label="x", at=Box(40, 50, 70, 60))], frames=[("f", Box(60, 45, 90, 65))])),
        ("labels on lines", seen([straight(label="x", at=Box(30, 50, 70, 60))])),
        ("labels missing", seen([straight(label="x")])),
        ("outside", seen([straight((35, 40), (-20, 200))])),
        ("titles on boxes", seen(titles=[Box(20, 20, 80, 32)])),
        ("titles on borders", seen(titles=[Box(120, 20, 180, 32)], frames=[("f", Box(110, 10, 170, 90))])),
        (
            "labels on labels",
            seen(
                [
                    straight(label="x", at=Box(40, 50, 70, 60)),
                    straight((40, 60), (40, 190), "y", Box(60, 55, 90, 65), ("a", "c")),
                ],
                [("a", A), ("b", B), ("c", Box(300, 300, 310, 310))],
            ),
        ),
    ],
)
def test_each_fault_is_found(fault, drawn):
    assert faults(drawn)[fault] == 1
    assert sum(faults(seen([straight()])).values()) == 0


def test_lines_that_cross_and_lines_that_lie_on_each_other():
    down, level = straight(), straight((0, 100), (90, 100), ends=("c", "d"))
    assert crossings([down, level]) == 1
    assert crossings([down, straight((0, 100), (90, 100), ends=("a", "d"))]) == 0  # they share an end
    half_way = Arrow("a", "b", curve([(35, 40), (35, 80), (35, 160), (35, 200)]), "", None)
    assert crossings([half_way, straight((0, 120), (90, 120), ends=("c", "d"))]) == 1  # a point of the curve lies on it
    joining = [Arrow("a", "c", [(35, 40), (35, 90), (80, 90), (80, 130)], "", None)]
    joining += [Arrow("b", "c", [(120, 40), (120, 90), (80, 90), (80, 130)], "", None)]
    assert faults(seen(joining, [(name, B) for name in "abc"]))["lines joined"] == 1
    along = seen([down, straight((36, 60), (36, 90), ends=("c", "d"))], [(name, B) for name in "abcd"])
    assert faults(along)["lines on lines"] == 1
    assert len(curve([(0, 0), (0, 1), (1, 1), (1, 0)])) == 13


# ---------------------------------------------------------------------- what is drawn

VIEWS = ("both", "forward", "backward", "layers")
NONE = ("through boxes", "through titles", "under titles", "labels on boxes", "labels on titles", "labels on labels")
NONE += ("labels on borders", "labels on lines", "labels missing", "titles on boxes", "titles on borders", "outside")
# How many labels find no room in one picture, of very many; and how many more arrows cross than in Graphviz' layout.
MOST_UNLABELLED = {"inception": 2, "densenet": 1, "control_flow": 1}
MORE_CROSSINGS = {"own_momentum": 1, "actor_critic": 2, "siamese": 1, "two_losses": 3, "vae": 3, "densenet": 5}
MORE_CROSSINGS |= {"inception": 5, "penalties": 2, "seq2seq": 5, "shared_layers": 2, "gan": 1, "graph_network": 2}
NONE += ("lines on lines", "frames through boxes", "frames through frames")


def check(drawing, through_frames=0, unlabelled=0):
    """Nothing is wrong with a picture; gives how many arrows cross each other, and how many share a line to a box."""
    found = faults(picture(drawing.svg, drawing.graph))
    found["labels missing"] = max(0, found["labels missing"] - unlabelled)
    assert {name: found[name] for name in NONE if found[name]} == {}
    assert found["through frames"] <= through_frames
    return found["crossings"], found["lines joined"]


@pytest.mark.parametrize(
    ("name", "view"),
    [
        *[("gan", "both"), ("bidirectional", "backward"), ("shared_layers", "both"), ("frozen", "both")],
        *[("siamese", "forward"), ("siamese", "both"), ("seq2seq", "layers"), ("seq2seq", "forward")],
    ],
)
def test_arrows_and_labels_keep_off_everything(name, view):
    recording, _ = ALL[name]()
    check(recording.draw(view=view))


@pytest.mark.parametrize(
    ("name", "view"), [("inception", "forward"), ("inception", "layers"), ("shared_layers", "both")]
)
def test_each_arrow_that_ends_at_a_box_has_a_line_of_its_own(name, view):
    drawing = ALL[name]()[0].draw(view=view)
    assert faults(picture(drawing.svg, drawing.graph))["lines joined"] == 0


@pytest.mark.parametrize("name", ["inception", "densenet", "shared_layers"])
def test_lines_keep_off_the_borders_of_frames(name):
    drawing = ALL[name]()[0].draw()
    assert beside_borders(picture(drawing.svg, drawing.graph)) < 60


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ALL, *LOOPS])
def test_pictures_without_a_flaw(name):
    """In every view; and in none of them arrows cross each other more often than in the layout that Graphviz makes."""
    recording, model = (ALL | LOOPS)[name]()
    drawings = [recording.draw(view=view, theme="dark" if view == "layers" else "light") for view in VIEWS]
    if model is not None:
        options = {"show_shapes": True, "show_layer_names": True, "expand_nested": True}
        drawings.append(viz.plot_model(model, None, **options))
    ours = [check(drawing, unlabelled=MOST_UNLABELLED.get(name, 0)) for drawing in drawings]
    assert max(joined for _, joined in ours) == 0
    theirs = [crossings_by_graphviz(drawing.graph) for drawing in drawings]
    assert [crossed for (crossed, _), most in zip(ours, theirs) if crossed > most + MORE_CROSSINGS.get(name, 0)] == []
