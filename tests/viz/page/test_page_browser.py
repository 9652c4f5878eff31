"""The interactive page in a real browser: what the reader does, and what then is seen."""

from __future__ import annotations

import json
import os
import pathlib
import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.core import observe
from tests.viz.nets import Trainer, mlp
from viz.facts.schema import Frame, Op, Record, Scope, TensorInfo

pytestmark = pytest.mark.slow


def recording(record: Record) -> viz.Recording:
    made = viz.Recording.pending()
    made.fill(record)
    return made


def large(blocks: int = 500) -> viz.Recording:
    """Blocks of 20 ops, forward and backward, in four layers each; no two blocks are alike."""
    record = Record(meta={"name": "large"}, scopes=[Scope(0, "model", "net", cls="Net")])
    frame = Frame("/nowhere/net.py", 7, "call", "x = block(x)")
    last = None
    for number in range(blocks):
        record.scopes.append(Scope(len(record.scopes), "layer", f"block_{number}", 0, cls="Block"))
        block = record.scopes[-1].id
        for layer in range(4):
            record.scopes.append(Scope(len(record.scopes), "layer", f"dense_{layer}", block, cls="Dense"))
            for name in ("matmul", "add") if layer < 2 else ("multiply", "tanh", "add"):
                last = _op(record, name, "forward", record.scopes[-1].id, last, (8, number + 2), None, frame)
    for id_ in reversed(range(len(record.ops))):
        op = record.ops[id_]
        last = _op(record, op.name, "backward", 0, last, record.tensors[op.outputs[0]].shape, id_, frame)
    return recording(record)


def _op(record, name, phase, scope, read, shape, forward, frame):
    id_ = len(record.ops)
    role = "gradient" if phase == "backward" else "activation"
    record.tensors.append(TensorInfo(id_, shape, "float32", 32 * shape[1], role=role, producer=id_))
    record.ops.append(
        Op(
            id_,
            name,
            phase,
            scope,
            None,
            () if read is None else (read,),
            (),
            (id_,),
            stack=(frame,),
            start=id_ * 1000,
            end=id_ * 1000 + 700 + id_ % 50,
            forward=forward,
        )
    )
    return id_


def three_steps():
    trainer = Trainer()
    trainer.step()
    with viz.trace("three steps", stats="full") as t:
        for _ in range(3):
            trainer.step()
    t.logs.append(viz.Logs("batch", 0, {"loss": 1.5}))
    t.logs.append(viz.Logs("batch", 1, {"loss": 0.5}))
    t.logs.append(viz.Logs("batch", 0, {"loss": 0.25}))  # the first of the next epoch
    return t


def with_nan():
    with viz.trace("nan", stats="full") as t, np.errstate(all="ignore"):
        x = ef.ops.convert_to_tensor([1.0, 2.0])
        y = ef.ops.log(ef.ops.subtract(x, 2.0))
        ef.ops.mean(ef.ops.multiply(ef.ops.tanh(y), 2.0))
        ef.ops.sin(x)
    return t


@pytest.fixture
def small(shown, pages):
    shown.show(pages("small", three_steps))
    return shown


@pytest.fixture
def big(shown, pages):
    shown.show(pages("big", large))
    return shown


def photograph(page, name):
    """Keep a screenshot where one is asked for."""
    if os.environ.get("EAGERFLOW_SCREENSHOTS"):
        page.screenshot(pathlib.Path(os.environ["EAGERFLOW_SCREENSHOTS"]) / f"{name}.png")


# ---------------------------------------------------------------------- the graph


def test_a_weight_tells_its_gradient_of_the_step_that_is_shown(small):
    told = []
    for step in range(3):
        small.run(f"v.setStep({step})")
        small.rest()
        kernel = small.run("v.model.tensors.find((t) => t.name === 'mlp/head/kernel').id")
        small.run(f"v.select({{ kind: 'tensor', id: {kernel} }}, false)")
        small.rest()
        told += small.run("""(() => {
          const facts = [...document.querySelectorAll('.panel-body dt')];
          const size = facts.find((term) => term.textContent === '|gradient|').nextElementSibling.textContent;
          const isIts = (op) => op.step === v.state.step && op.name === 'dense' && op.phase === 'backward';
          const own = v.model.ops.find(isIts).outputs.map((i) => v.model.tensors[i]);
          return [[Number(size), v.model.norm(own.find((t) => t.label === '16×3 f32'))]]; })()""")
    assert [size for size, _ in told] == pytest.approx([norm for _, norm in told], rel=0.01)
    assert len({size for size, _ in told}) == 3


def test_a_step_is_drawn_with_its_layers_weights_updates_and_gradients(small):
    shown = small.texts("svg.graph .node text:first-of-type")
    for title in ("dense", "∇ dense", "kernel, bias", "sgd", "tanh"):
        assert title in small.boxes()
        assert any(title in text for text in shown), title
    heads = small.run("[...v.scene.frames.values()].map(f => f.title)")
    assert {"mlp", "hidden_0", "head", "crossentropy"} <= set(heads)
    photograph(small, "page_small")


def test_a_click_selects_and_the_panel_tells_all(small):
    small.click(".node.op .ground")
    assert small.run("v.state.selected.kind") == "op"
    panel = small.texts(".panel-body")[0]
    for text in (
        "dense",
        "mlp",
        "hidden_0",
        "8×16 f32",
        "with ef.GradientTape() as tape:",
        "Inputs",
        "kernel",
        "Backward",
        "min",
        "std",
    ):
        assert text in panel, text
    assert len(small.texts(".histogram .bar")) >= 16
    assert small.run("document.querySelectorAll('.ring.selected').length") == 1
    assert small.run("document.querySelectorAll('.ring.partner').length") == 1
    photograph(small, "page_selected")


def test_forward_and_backward_ops_lead_to_each_other(small):
    small.run("v.select({kind: 'op', id: v.selection.ops[0].id})")
    small.press("b")
    assert small.texts(".panel h2") == ["∇ dense"]
    small.press("b")
    assert small.texts(".panel h2") == ["dense"]


def test_layers_close_and_open_where_they_are(small):
    before = small.run("document.querySelector('.head[data-id$=hidden_0] .toggle circle').getBoundingClientRect().y")
    small.click(".head[data-id$=hidden_0] .toggle")
    assert "hidden_0" in small.boxes()
    after = small.run("document.querySelector('.node[data-id$=hidden_0] .toggle circle').getBoundingClientRect().y")
    assert abs(after - before) < 40
    small.press("Enter")
    assert "hidden_0" not in small.boxes()
    assert "tanh" in small.boxes()


def test_depth_closes_and_opens_everything(small):
    for _ in range(3):
        small.press("-")
    assert "mlp" in small.boxes()
    assert "dense" not in small.boxes()
    for _ in range(2):
        small.press("+")
    assert "dense" in small.boxes()
    small.press("+")  # at last what fused ops are made of
    assert "dense" not in small.boxes()
    assert "matmul" in small.boxes()


def test_directions_show_only_their_ops(small):
    small.press("v")
    assert small.run("v.state.view") == "forward"
    assert not [title for title in small.boxes() if title.startswith("∇")]
    small.press("v")
    assert small.run("v.state.view") == "backward"
    assert [title for title in small.boxes() if title.startswith("∇")]
    assert "dense" not in small.boxes()


def test_arrow_keys_walk_along_the_graph(small):
    small.run("v.select({kind: 'op', id: v.selection.ops[0].id})")
    small.press("ArrowDown")
    assert small.texts(".panel h2") == ["tanh"]
    small.press("ArrowUp")
    small.press("ArrowRight")
    assert small.texts(".panel h2") == ["kernel, bias"]
    small.press("Escape")
    assert small.run("v.state.selected") is None


def test_ancestors_and_descendants_stand_out(small):
    small.run("v.select({kind: 'op', id: v.selection.ops[1].id})")
    small.press("a")
    near = small.run("[...v.canvas.marks.lineage].map(id => v.scene.nodes.get(id).title)")
    assert sorted(near) == sorted(["dense", "tanh", "kernel, bias", "x"])
    assert small.run("document.querySelectorAll('.node.dim').length") > 3
    small.press("d")
    near = small.run("[...v.canvas.marks.lineage].map(id => v.scene.nodes.get(id).title)")
    assert "mean" in near
    assert "x" not in near
    small.press("d")
    assert small.run("v.canvas.marks.lineage") is None


def test_while_the_critical_path_stands_out_its_length_and_share_of_the_step_are_told(small):
    assert small.texts(".legend .path-length") == []
    small.press("p")
    (told,) = small.texts(".legend .path-length")
    assert small.texts(".voice") == [told]
    ops, share = re.fullmatch(r"critical path: (\d+) ops, [\d.]+ [µm]?s, ([\d.]+) % of the step", told).groups()
    assert 6 <= int(ops) <= small.run("v.selection.ops.length")
    assert 0 < float(share) <= 100
    small.press("p")
    assert small.texts(".legend .path-length") == []


def test_equal_parts_are_drawn_once_and_can_be_unfolded(shown, pages):
    def folded():
        trainer = Trainer(mlp("deep", 13))
        trainer.step()
        with viz.trace("deep") as t:
            trainer.step()
        return t

    shown.show(pages("deep", folded))
    assert any("×12" in text for text in shown.texts(".head text"))
    shown.press("/")
    shown.type("hidden_7 class:Dense")
    assert any("×12" in text for text in shown.texts(".hits strong"))  # it is drawn as one of them
    shown.press("Escape")
    count = len(shown.boxes())
    shown.run("v.select({kind: 'scope', key: [...v.index.blocks.values()].find(b => b.repeats == 12).key})")
    shown.run("[...document.querySelectorAll('.panel button')].find(b => b.textContent.startsWith('Show all')).click()")
    assert shown.run("v.index.blocks.size") > 12
    shown.rest()
    address, boxes = shown.run("location.hash"), shown.boxes()
    shown.show(pages("deep", folded), address)
    assert shown.boxes() == boxes
    shown.run("v.select({kind: 'scope', key: [...v.index.blocks.values()].find(b => b.title == 'hidden_3').key})")
    shown.run("[...document.querySelectorAll('.panel button')].find(b => b.textContent.startsWith('Fold')).click()")
    assert len(shown.boxes()) == count
    shown.press("f")
    assert not any("×12" in text for text in shown.texts(".head text"))
    shown.press("f")
    assert len(shown.boxes()) == count


def wide() -> viz.Recording:
    """So many branches beside each other that all of them only just don't fit into the first view."""
    given = ef.Input((4,))
    branches = [ef.layers.Dense(3 + i, activation="tanh", name=f"branch_{i}")(given) for i in range(5)]
    with viz.trace() as t:
        ef.Model(given, branches, name="wide")(np.ones((2, 4), "float32"))
    return t


def test_what_goes_on_beside_the_view_is_told_and_shown_by_a_click(shown, pages):
    told = "(({ beyond }) => !beyond.hidden && beyond.textContent)(v.minimap)"
    shown.size(1000, 844)
    shown.show(pages("wide", wide))
    shown.rest()
    shown.run("v.canvas.setView({ ...v.canvas.view, x: 20 - v.scene.left * v.canvas.view.scale })")
    shown.rest()
    assert shown.run(told) == "fit all (0) →"
    photograph(shown, "page_beyond")
    shown.run("v.canvas.pan(-150, 0)")
    shown.rest()
    assert shown.run(told) == "← fit all (0) →"
    shown.click(".beyond")
    shown.wait("v.minimap.isWhole")
    assert shown.run(told) == "readable size (9)"
    shown.click(".beyond")
    shown.wait("!v.minimap.isWhole")
    shown.press("0")
    shown.wait("v.minimap.isWhole")
    shown.press("9")
    shown.wait("!v.minimap.isWhole && v.canvas.view.scale >= 9 / 9.5 - 1e-6")  # it moves there


# ---------------------------------------------------------------------- search


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tanh", "tanh"),
        ("op:dense phase:backward", "∇ dense"),
        ("op:matmul hidden_0", "matmul"),
        ("class:Dense head", "head"),
        ("shape:8x16", "matmul"),
        ("8×3", "add"),
        ("dtype:int64", "sparse_softmax_crossentropy"),
        ("nets.py", "matmul"),
        ("kernel", "kernel"),
        ("/^tan.$/", "tanh"),
        ("code:self.loss op:mean", "mean"),
    ],
)
def test_search_finds(small, query, expected):
    small.press("/")
    small.type(query)
    assert expected in small.texts(".hits li strong")
    small.press("Enter", "\r")
    assert small.run("v.state.selected !== null")


def nested_settings():
    class Given(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.ffn = ef.Sequential([layers.Dense(4, activation="gelu"), layers.Dense(3)], name="ffn")

        def call(self, x):
            return self.ffn(x)

        def get_config(self):
            sizes = {"width": 3, "of": {"first": [1, None], "last": True}}
            return super().get_config() | {"sizes": sizes, "rate": None, "seed": None, "mask": None}

    model = ef.Sequential([Given(name="given")])
    with viz.trace() as t:
        model(np.ones((2, 3), "float32"))
    return t


def test_settings_within_each_other_are_rows_and_layers_are_named(shown, pages):
    shown.show(pages("nested", nested_settings))
    select = "v.select({{kind: 'scope', key: [...v.index.blocks.values()].find(b => b.title === {!r}).key}}); 1"
    for title in ("given", "ffn"):
        shown.run(select.format(title))
        names, values = shown.texts(".panel .mono dt"), shown.texts(".panel .mono dd")
        said = dict(zip(names, values, strict=True))
        assert not [value for value in values if "{" in value or '"' in value]
        if title == "ffn":
            layers_said = "[...[...document.querySelectorAll('.mono dt')].find(e => e.textContent === 'layers')"
            found = shown.run(f"{layers_said}.nextSibling.children].map(e => e.textContent)")
            assert [each.split(": ")[1] for each in found] == ["Dense", "Dense"]
        else:
            assert said["None"] == "rate, seed, mask"
            assert (said["width"], said["first"], said["last"]) == ("3", "[1, None]", "True")


def test_search_opens_what_is_closed_and_goes_on_with_enter(small):
    small.run("v.changeDepth(-9)")
    small.press("/")
    small.type("op:tanh phase:forward")
    small.press("Enter", "\r")
    assert "tanh" in small.boxes()
    assert small.run("v.toolbar.search.list.hidden")  # what was found can be seen
    small.press("/")
    assert not small.run("v.toolbar.search.list.hidden")
    small.press("ArrowDown")
    assert small.texts(".hits .times") == ["× 3 steps"]  # that of the step that is shown doesn't name it
    assert small.run("v.model.ops[v.state.selected.id].step") == 2
    small.press("Enter", "\r")  # there is no other
    assert small.texts(".search .count") == ["1 / 1"]
    small.run("v.setStep(0)")
    assert small.run("v.model.ops[v.state.selected.id].step") == 0  # where the same op is selected
    photograph(small, "page_search")


def test_search_says_when_nothing_is_found_or_the_pattern_is_wrong(small):
    small.press("/")
    small.type("no such thing")
    assert small.texts(".search .count") == ["none"]
    small.run("v.toolbar.search.input.value = ''")
    small.type("/(/")
    assert small.texts(".search .count") == ["not a regular expression"]


# ---------------------------------------------------------------------- colours, steps, NaN


@pytest.mark.parametrize("mode", ["time", "memory", "grad", "nonfinite", "dtype"])
def test_colours_come_with_their_legend(small, mode):
    small.run(f"v.setColour('{mode}')")
    fills = small.run(
        "[...new Set([...document.querySelectorAll('.node > .ground')].map(e => e.getAttribute('fill')))]"
    )
    legend = small.run("[...document.querySelectorAll('.legend rect')].map(e => e.getAttribute('fill'))")
    assert len(fills) >= (1 if mode == "nonfinite" else 2)
    if mode not in ("time", "memory", "grad"):
        assert set(fills) <= set(legend)
    words = {"time": "[µm]s", "memory": "[KM]?B", "grad": r"\|gradient\|", "nonfinite": "NaN", "dtype": "float32"}
    assert any(re.search(words[mode], text) for text in small.texts(".legend .swatch"))
    photograph(small, f"page_{mode}")


def test_colours_that_need_statistics_say_so(big):
    big.run("v.setColour('grad')")
    assert "stats=" in big.texts(".toolbar-warning")[0]
    assert big.run("v.state.color") == "op"


def test_the_slider_goes_through_the_steps(small):
    assert small.texts(".steps output") == ["step 2 of 0–2"]
    small.run("v.select({kind: 'op', id: v.selection.ops[1].id})")
    small.press("[")
    assert small.texts(".steps output") == ["step 1 of 0–2"]
    assert small.run("v.model.ops[v.state.selected.id].step") == 1  # the same op of that step
    small.run(
        "const range = document.querySelector('.steps input'); range.value = 0; range.dispatchEvent(new Event('input'))"
    )
    assert small.texts(".steps output") == ["step 0 of 0–2"]
    assert small.texts(".panel h2") == ["tanh"]


def test_the_address_names_a_step_by_its_number(shown, pages):
    def chosen():
        trainer = Trainer()
        with viz.trace("chosen", steps=(4, 6)) as t:
            for _ in range(8):
                trainer.step()
        return t

    shown.show(pages("chosen", chosen), "#step=4")
    assert shown.texts(".steps output") == ["step 4"]
    shown.press("]")
    assert shown.texts(".steps output") == ["step 6"]
    assert "step=6" in shown.wait("location.hash.includes('step=6') && location.hash")


def test_an_op_that_fit_ran_is_shown_at_the_line_that_made_its_layer(shown, pages):
    def fitted():
        hidden = ef.layers.Dense(3, name="hidden")
        model = ef.Sequential([ef.Input((2,)), hidden], name="net")
        model.compile("sgd", "mse")
        with viz.trace("fitted") as t:
            model.fit(np.ones((4, 2), "float32"), np.ones((4, 3), "float32"), verbose=0)
        return t

    shown.show(pages("made by a line", fitted))
    shown.run("v.select({kind: 'op', id: v.model.ops.find(op => op.name == 'dense').id})")
    shown.rest()
    made, called = (line for line in shown.texts(".panel .code .line.here") if "Dense(" in line or ".fit(" in line)
    assert "ef.layers.Dense(3" in made
    assert "model.fit(" in called
    starts = shown.run(
        "[...document.querySelectorAll('.panel .code')].map(code => [...code.querySelectorAll('code')]"
        ".filter(line => line.textContent.trim()).map(line => parseInt(line.style.getPropertyValue('--indent'))))"
    )
    assert starts
    assert [min(lines) for lines in starts] == [0] * len(starts)  # a panel has no room for what all are indented by
    assert max(map(max, starts)) > 0


def test_the_first_nan_is_found_with_its_path(shown, pages):
    shown.show(pages("nan", with_nan))
    shown.press("n")
    assert shown.texts(".panel h2") == ["log"]
    assert "arise here" in shown.texts(".panel .alarm")[0]
    near = shown.run("[...v.canvas.marks.lineage].map(id => v.scene.nodes.get(id).title)")
    assert {"subtract", "log", "tanh", "multiply", "mean"} <= set(near)
    assert "sin" not in near
    assert any("not finite" in text for text in shown.texts(".node text"))
    photograph(shown, "page_nan")


# ---------------------------------------------------------------------- below the graph


def test_the_timeline_selects_what_is_clicked(small):
    assert small.run("document.querySelector('.tabs [aria-selected=true]').textContent") == "Timeline"
    x, y = small.run("""(() => {
      const t = v.dock.tabs.get('timeline').owner, long = b => b.end - b.start;
      const b = t.bars.filter(b => b.op).sort((a, b) => long(b) - long(a))[0];
      const r = t.canvas.getBoundingClientRect(), s = r.width / (t.to - t.from);
      window.wanted = b.op.id;
      return [r.x + (b.start + b.end) / 2 * s - t.from * s, r.y + 22 + b.row * 19 + 8]; })()""")
    for kind in ("mousePressed", "mouseReleased"):
        small.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    small.rest()
    assert small.run("v.state.selected.id === wanted")


def test_bars_of_the_timeline_lie_within_each_other(small):
    assert small.run("""(() => { const {bars} = v.dock.tabs.get('timeline').owner;
      const holds = (s, b) => s.scope && s.row < b.row && s.start <= b.start && b.end <= s.end;
      return bars.every(b => !b.op || bars.filter(s => holds(s, b)).length === b.row); })()""")


def test_memory_shows_the_peak_and_its_owners(small):
    small.run("eagerflowViewer.openTab('memory')")
    first, last = small.run("[v.period.first, v.period.last]")
    within = [(time, size) for time, size in three_steps_memory(small) if first <= time <= last]
    time, peak = max(within, key=lambda each: each[1])
    assert small.run("v.dock.tabs.get('memory').owner.peak") == {"time": time, "size": peak}
    assert "peak:" in small.texts(".memory .summary")[0]
    rows = small.texts(".owners tbody tr")
    assert any("kernel" in row for row in rows)
    small.run("document.querySelector('.memory canvas').focus()")
    small.press("ArrowLeft")
    assert "peak:" not in small.texts(".memory .summary")[0]
    small.run("document.querySelector('.owners button').click()")
    assert small.run("v.state.selected !== null")
    photograph(small, "page_memory")


def test_timeline_and_memory_have_one_axis_also_when_zoomed(small):
    small.run("eagerflowViewer.openTab('memory')")
    timeline, memory = (f"v.dock.tabs.get('{name}').owner" for name in ("timeline", "memory"))
    assert small.run(f"[{timeline}.from, {timeline}.to]") == small.run("v.model.views.get(v.state.step).span")
    small.run(f"{timeline}.zoom(0.25, (v.period.first + v.period.last) / 2)")
    start, end = small.run("[v.period.from, v.period.to]")
    box = "document.querySelector('.memory canvas').getBoundingClientRect()"
    small.run(f"{memory}.choose({{ clientX: {box}.left + {box}.width / 2 }})")
    assert start < (middle := small.run(f"{memory}.moment")) < end
    assert middle == pytest.approx((start + end) / 2, rel=1e-6)
    said = small.run("document.querySelector('.memory canvas').getAttribute('aria-valuenow')")
    assert int(said) == pytest.approx(middle - small.run("v.period.first"), abs=1)  # both count from the first op
    small.run("v.period.showAll()")


def three_steps_memory(page):
    """The curve again from the spans, in Python."""
    spans = page.run("v.model.data.memory")
    times = sorted({start for _, _, start, *_ in spans})
    return [(t, sum(s for _, s, a, b in spans if a <= t and (b is None or b > t))) for t in times]


def test_layers_sort_by_any_column_and_lead_to_the_graph(small):
    small.run("eagerflowViewer.openTab('layers')")
    names = "[...document.querySelectorAll('.layers tbody tr td:first-child')].map(e => e.textContent)"
    first = small.run(names)
    assert first[:3] == ["mlp", "hidden_0", "head"]
    small.run(
        "[...document.querySelectorAll('.layers th button')].find(b => b.textContent.startsWith('parameters')).click()"
    )
    assert small.run(names)[0] == "mlp"
    assert small.run("document.querySelector('[aria-sort=descending]').textContent").startswith("parameters")
    small.run("[...document.querySelectorAll('.layers tbody tr')].find(r => r.textContent.startsWith('head')).click()")
    assert small.texts(".panel h2") == ["head"]
    photograph(small, "page_layers")


def test_boxes_tell_the_median_of_the_steps_that_ran_the_same_ops_and_say_so(small):
    op, median, least, most = small.run(
        "(() => { const {id, usual: {median, times}} = v.selection.ops.find(op => op.usual);"
        "return [id, median, Math.min(...times), Math.max(...times)]; })()"
    )
    place = "(o => o.id - v.model.ops.find(p => p.step === o.step).id)"  # in its step
    alike = small.run(f"v.model.ops.filter(o => {place}(o) === {place}(v.model.ops[{op}])).map(o => o.took)")
    assert len(alike) == 3
    assert sorted(alike)[1] == median
    assert [min(alike), max(alike)] == [least, most]
    assert small.texts(".legend .note") == ["times: median of 3 steps"]
    assert small.texts(".panel h3 small") == ["median of 3 steps"]  # of what takes longest
    assert "14 ops  ·  this step: " in small.run("document.querySelector('.caption').title")
    notes = {"memory": "step 2 alone", "layers": "times: median of 3 steps", "training": ""}
    notes["timeline"] = "step 2 alone; boxes: median of 3 steps"
    for tab, note in notes.items():
        small.run(f"eagerflowViewer.openTab({tab!r})")
        assert small.texts(".dock-note")[0] == note
    small.run(f"eagerflowViewer.select({op}); 1")
    said = small.run("document.querySelector('.panel .facts').innerText")
    assert "of the step), median of 3 steps" in said
    assert "in this step" in said
    tips = small.run("[...document.querySelectorAll('.node title')].map(e => e.textContent)")
    assert any(", median of 3 steps (" in tip and "); in this step " in tip for tip in tips)


def test_tabs_of_others_can_be_added(small):
    small.run(
        "const p = document.createElement('p'); p.textContent = 'hello';"
        "eagerflowViewer.addTab('mine', 'Mine', p, () => { window.seen = 1; })"
    )
    small.run("eagerflowViewer.openTab('mine')")
    assert small.texts(".dock-body") == ["hello"]
    assert small.run("seen") == 1


# ---------------------------------------------------------------------- what is kept, and taken along


def test_the_address_keeps_what_is_seen(small, pages):
    small.click(".head[data-id$=hidden_0] .toggle")
    small.run(
        "v.setColour('time'); eagerflowViewer.openTab('layers'); v.setStep(1);"
        "v.canvas.setView({x: 11, y: 22, scale: 0.75})"
    )
    small.rest()
    address = small.run("location.hash")
    boxes = small.boxes()
    small.show(pages("small", three_steps), address)
    assert small.boxes() == boxes
    assert small.run("[v.state.color, v.state.step, v.state.tab, v.canvas.view.scale, v.canvas.view.x]") == [
        "time",
        1,
        "layers",
        0.75,
        11,
    ]
    assert small.texts(".panel h2") == ["hidden_0"]


@pytest.mark.parametrize(
    "address", ["#step=99&view=x&color=y&sel=op:a:b&open=1-999999.z&at=,,", "#sel=scope:/nothing", "#%", "#at=1,2,0"]
)
def test_addresses_that_make_no_sense_do_no_harm(small, pages, address):
    small.show(pages("small", three_steps), address)
    assert small.boxes()


def test_another_recording_takes_the_place_of_the_first(small):
    small.click(".head[data-id$=hidden_0] .toggle")
    small.run("v.canvas.setView({x: 5, y: 6, scale: 0.8})")
    small.run("eagerflowViewer.show(JSON.parse(JSON.stringify(eagerflowViewer.data)))")
    assert "hidden_0" in small.boxes()
    assert small.run("v.canvas.view.scale") == 0.8
    assert small.texts(".panel h2") == ["hidden_0"]


@pytest.mark.parametrize("kind", ["svg", "png", "json"])
def test_the_graph_can_be_saved(small, kind):
    small.run("document.querySelector('.menu').open = true")
    small.run(
        f"[...document.querySelectorAll('.menu button')].find(b => b.textContent.startsWith('{kind.upper()}')).click()"
    )
    small.wait("saved.length")
    if kind == "png":
        head = small.run("saved[0].arrayBuffer().then(b => [...new Uint8Array(b.slice(1, 4))])")
        assert bytes(head) == b"PNG"
        assert small.run("saved[0].size") > 10_000
        return
    text = small.run("saved[0].text()")
    if kind == "json":
        assert json.loads(text)["title"] == "three steps"
    else:
        import xml.etree.ElementTree as tree

        root = tree.fromstring(text)
        texts = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
        assert {"three steps", "dense", "∇ dense", "kernel, bias", "forward"} <= set(texts)
        assert "times: median of 3 steps" in texts
        assert "NaN" not in text


# ---------------------------------------------------------------------- light, dark, keys, narrow windows


def test_light_and_dark_follow_the_system_and_the_switch(small):
    ground = "getComputedStyle(document.body).backgroundColor"
    small.prefer("prefers-color-scheme", "dark")
    small.rest()
    assert small.run(ground) == "rgb(18, 24, 31)"
    assert small.run("eagerflowViewer.theme") == "dark"
    small.run("eagerflowViewer.openTab('timeline')")
    timeline = "document.querySelector('canvas.flame').toDataURL()"
    dark = small.run(timeline)
    small.prefer("prefers-color-scheme", "light")
    small.rest()
    assert small.run(timeline) != dark
    small.prefer("prefers-color-scheme", "dark")
    small.rest()
    assert small.run(timeline) == dark
    small.press("t")
    assert small.run(ground) == "rgb(255, 255, 255)"
    small.prefer("prefers-color-scheme", "light")
    small.run("eagerflowViewer.theme = 'dark'")
    assert small.run(ground) == "rgb(18, 24, 31)"
    assert small.run("document.querySelector('.node.op .ground').getAttribute('fill')") == "#123a55"
    photograph(small, "page_dark")


def test_keys_are_listed_and_the_list_closes(small):
    small.press("?")
    assert len(small.texts(".help dt")) > 12
    photograph(small, "page_help")
    small.press("Escape")
    assert small.texts(".help") == []


def test_everything_can_be_reached_and_has_a_name(small):
    nameless = small.run("""
      [...document.querySelectorAll('button, select, input, [role=button], [tabindex="0"]')].filter(e =>
        !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim()))
        .map(e => e.outerHTML.slice(0, 80))""")
    assert nameless == []


def test_narrow_windows_show_the_graph_first(small, pages):
    small.size(500, 800)
    small.show(pages("small", three_steps))
    assert small.run("document.querySelector('.stage').clientHeight") > 450
    assert small.run("document.documentElement.scrollWidth <= innerWidth")
    small.run("v.select({kind: 'op', id: v.selection.ops[0].id})")
    small.rest()
    assert small.run("document.querySelector('.panel-body').clientHeight") > 200
    photograph(small, "page_narrow")


def test_tab_buttons_hide_and_show_what_is_below(small):
    height = "document.querySelector('.stage').clientHeight"
    before = small.run(height)
    small.press("`")
    assert small.run(height) > before + 80
    small.press("`")
    assert small.run(height) == before


# ---------------------------------------------------------------------- unusual recordings


NAMES = {
    "script": "</script><script>document.title='pwned'</script>",
    "attribute": "\"'><img src=x onerror=\"document.title='pwned'\">",
    "emoji": "🦆 Ψ é",
    "long": "x" * 10_000,
    "right to left": "\u202e\u05d0\u05d1\u05d2 abc",
    "prototype": "__proto__",
    "template": "${document.title='pwned'}",
}


@pytest.mark.parametrize("kind", NAMES)
def test_hostile_names_stay_text(shown, pages, kind):
    name = NAMES[kind]

    def named():
        with viz.trace(name, stats="full") as t, observe.scope("user", name):
            ef.layers.Dense(2, name="layer")(np.ones((1, 2), "float32"))
        t.scopes[0].config = {name: name}
        t.ops[0].settings = {name: name}
        t.notes.append(name)
        return t

    shown.show(pages(f"hostile_{list(NAMES).index(kind)}", named))
    assert "pwned" not in shown.run("document.title") or kind in ("script", "attribute", "template")
    assert shown.run("document.querySelectorAll('img, script').length") == 3
    for tab in ("layers", "memory", "timeline"):
        shown.run(f"eagerflowViewer.openTab('{tab}')")
    shown.run("v.select({kind: 'scope', key: [...v.index.blocks.keys()][1]}); v.select({kind: 'op', id: 0})")
    shown.press("/")
    shown.type(name[:40])
    shown.rest()
    assert shown.run("document.querySelectorAll('img, script').length") == 3
    assert shown.run("document.documentElement.scrollWidth <= innerWidth")
    assert shown.run("v.scene.width") < 3000


def test_an_empty_recording_says_what_to_do(shown, pages):
    def empty():
        with viz.trace("empty") as t:
            pass
        return t

    shown.show(pages("empty", empty))
    assert "Nothing was recorded" in shown.texts(".message")[0]
    assert shown.run("getComputedStyle(document.querySelector('.legend')).display") == "none"
    for tab in ("layers", "memory", "timeline"):
        shown.run(f"eagerflowViewer.openTab('{tab}')")
        assert shown.texts(".dock-body .notice")
    for key in "vcnpabd[]+-f?":
        shown.press(key)
    photograph(shown, "page_empty")


def test_a_recording_cut_short_shows_the_op_that_failed(shown, pages):
    def failed():
        tracer = viz.trace("cut short")
        with pytest.raises(ValueError, match="matmul"), tracer as t:
            ef.ops.matmul(ef.ops.tanh(ef.ops.ones((2, 3))), ef.ops.ones((2, 3)))
        return t

    shown.show(pages("failed", failed))
    assert "failed in matmul" in shown.texts(".panel .alarm")[0]
    shown.click(".panel .alarm button.link")
    assert shown.texts(".panel h2") == ["matmul"]
    assert "failed here" in shown.texts(".node text")


def test_ten_thousand_ops_are_drawn_opened_and_searched_at_once(big):
    assert big.run("v.model.ops.length") == 10_000
    assert 2 < len(big.boxes()) < 300
    big.run("v.toggle([...v.scene.nodes.values()].find(n => n.key && n.lane === 'forward').id)")
    big.press("/")
    big.type("layer:block_321 op:tanh phase:forward")
    assert big.texts(".search .count") == ["2"]
    big.press("Enter", "\r")
    assert "tanh" in big.boxes()
    assert big.texts(".panel .where")[0] == "net / block_321 / dense_2"
    big.run("v.setOpen(new Set(v.index.blocks.keys()))")
    assert len(big.boxes()) == 10_000
    for scale in (0.002, 0.05, 0.5):
        big.run(f"v.canvas.setView({{x: 300, y: -200, scale: {scale}}})")
        assert big.run("document.querySelectorAll('svg.graph *').length") < 30_000
    for tab in ("layers", "memory", "timeline"):
        big.run(f"eagerflowViewer.openTab('{tab}')")
    photograph(big, "page_large")


def test_a_flat_recording_of_very_many_ops_is_divided_into_parts(shown, pages):
    def flat():
        record = Record(meta={"name": "flat"})
        for number in range(20_000):
            name = "sin" if number * number % 7 < 3 else "cos"
            _op(
                record,
                name,
                "forward",
                None,
                number - 1 if number else None,
                (2, number % 11 + 1),
                None,
                Frame("a.py", 1),
            )
        return recording(record)

    shown.show(pages("flat", flat))
    assert len(shown.boxes()) < 100
    shown.run("v.select({kind: 'op', id: 12345})")
    assert shown.run("v.scene.nodes.has('op12345')")


def test_a_page_in_a_notebook_runs_in_a_frame_of_its_own(shown, tmp_path):
    page = three_steps().to_html()
    holder = tmp_path / "notebook.html"
    holder.write_text(f"<!doctype html><meta charset=utf-8><p>cell</p>{page._repr_html_()}", encoding="utf-8")
    shown.open(holder.as_uri())
    shown.wait("document.querySelector('iframe') && document.readyState === 'complete'")
    with shown.frame() as frame:
        assert frame.wait("document.documentElement.dataset.ready") != "failed"
        assert len(frame.texts(".node")) > 5
        frame.run("eagerflowViewer.viewer.setColour('time'); eagerflowViewer.viewer.setTheme('dark')")
        assert frame.run("(() => { try { return parent.document.title; } catch { return 'apart'; } })()") == "apart"


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize(
    ("around", "theme"), [('data-jp-theme-light="false"', "dark"), ('data-jp-theme-light="true"', "light"), ("", None)]
)
def test_a_page_in_a_notebook_is_dark_where_that_is(shown, tmp_path, around, theme, system):
    shown.prefer("prefers-color-scheme", system)
    holder = tmp_path / "notebook.html"
    page = three_steps().to_html()._repr_html_()
    holder.write_text(f"<!doctype html><meta charset=utf-8><body {around}>{page}</body>", encoding="utf-8")
    shown.open(holder.as_uri())
    shown.wait("document.querySelector('iframe') && document.readyState === 'complete'")
    with shown.frame() as frame:
        frame.wait("document.documentElement.dataset.ready")
        seen = frame.run("[document.documentElement.dataset.theme ?? null, eagerflowViewer.theme]")
    if around:
        other = "light" if theme == "dark" else "dark"
        shown.run(f"document.body.setAttribute('data-jp-theme-light', '{json.dumps(other == 'light')}')")
        with shown.frame() as frame:
            frame.wait(f"eagerflowViewer.theme === '{other}'")  # the reader switched the notebook's colours
    photograph(shown, f"page_in_notebook_{system}_{theme}")
    shown.prefer("prefers-color-scheme", "light")
    assert seen[0] == theme
    assert theme is None or seen[1] == theme


def test_what_differs_from_another_recording_is_marked_and_listed(shown, pages):
    def two():
        def step(rows, extra):
            with viz.trace(f"rows {rows}", stats="basic") as t:
                x = ef.ops.convert_to_tensor(np.full((rows, 2), 2.0, "float32"))
                y = ef.ops.exp(x) if extra else ef.ops.sin(x)
                ef.ops.tanh(y)
            return t

        return step(2, False), step(2, True)

    class Pair:
        def to_html(self, path):
            before, after = two()
            return after.to_html(path, diff=before)

    shown.show(pages("diff", Pair))
    assert shown.run("v.state.color") == "diff"
    assert shown.run("v.state.tab") == "changes"
    listed = shown.texts(".changes tbody tr")
    assert any("added" in row and "exp" in row for row in listed)
    assert any("removed" in row and "sin" in row for row in listed)
    assert any("removed here" in text for text in shown.texts(".node text"))
    shown.run("[...document.querySelectorAll('.changes button.link')].find(b => b.textContent === 'exp').click()")
    assert shown.texts(".panel h2") == ["exp"]
    assert "only here" in shown.texts(".panel .remark")[0]
    photograph(shown, "page_diff")


def test_the_panel_shows_the_line_on_which_python_read_a_value(shown, pages):
    def read():
        with viz.trace() as record:
            if ef.ops.exp(1.0) > 2.0:
                ef.ops.tanh(1.0)
        return record

    shown.show(pages("read", read))
    shown.run("v.select({kind: 'op', id: 1})")
    assert "Read by Python, with bool" in shown.texts(".panel h3")
    assert "if ef.ops.exp(1.0) > 2.0:" in shown.texts(".panel-body")[0]
    box = shown.texts(".node[data-id='op1'] text")
    assert [text for text in box if text.startswith("read by Python: test_page_browser.py:")]
    shown.run("v.select({kind: 'op', id: 0})")
    assert not [title for title in shown.texts(".panel h3") if title.startswith("Read by Python")]
    photograph(shown, "page_read")
