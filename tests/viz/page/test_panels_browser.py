"""The side panel and the tabs: whose numbers they tell, what there is room for, and what a search leads to."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from tests.viz.nets import Trainer
from tests.viz.picture.architectures import ALL

pytestmark = pytest.mark.slow

SEARCHED = """(query => { const {search} = v.toolbar; search.input.value = query; search.look();
  search.go(0); search.close();
  return search.hits.map(({title}) => title); })"""


@pytest.fixture
def page(shown, pages, request):
    name = getattr(request, "param", "transformer")
    shown.show(pages(name, lambda: ALL[name]()[0]))
    return shown


def training_and_evaluation() -> viz.Recording:
    hidden, drop = ef.layers.Dense(8, activation="relu", name="hidden"), ef.layers.Dropout(0.2, name="drop")
    model = ef.Sequential([ef.Input((4,)), hidden, drop, ef.layers.Dense(2, name="head")])
    model.compile("adam", "mse")
    x, y = np.ones((16, 4), "float32"), np.ones((16, 2), "float32")
    model.fit(x, y, verbose=0)
    with viz.trace() as t:
        model.fit(x, y, batch_size=8, verbose=0, validation_data=(x[:8], y[:8]))
    return t


@pytest.fixture
def steps(shown, pages):
    shown.show(pages("training and evaluation", training_and_evaluation))
    return shown


def test_the_panel_of_a_box_of_several_ops_is_one_whose_ops_open_to_their_numbers(page):
    page.run("""v.selectNode([...v.scene.nodes.values()].find(
      n => n.lane === 'forward' && n.title === 'gather' && n.ops.length === 3).id)""")
    assert page.texts(".panel h2") == ["gather"]
    assert page.texts(".panel dt").count("time") == 1
    assert page.texts(".panel details.op summary .link") == ["gather", "cast", "cast"]
    assert page.texts(".panel .facts dd")[0] == "3"
    page.click(".panel details.op summary b")
    own = page.run("document.querySelector('.panel details.op .facts').innerText")
    assert page.run("String(v.state.selected.id)") in own  # "#12"
    assert "of the step)" in own
    assert page.texts(".panel h3 small")[:2] == ["of gather", "of gather"]
    page.click(".panel details.op summary .link")
    assert page.texts(".panel .remark")[0] == "One of 3 ops of the box gather."


def test_a_search_that_leads_to_another_step_says_so_and_leads_back(steps):
    steps.run("v.setStep(2); v.select({kind: 'op', id: v.selection.ops[0].id}); 1")
    before = steps.run("v.state.selected.id")
    steps.run(f"{SEARCHED}('∇ dense')")
    assert steps.run("v.state.step") != 2
    (told,) = steps.texts(".toolbar-warning")
    assert told.startswith(f"This is in {steps.run('v.model.stepName(v.state.step)')}, which is shown now.")
    assert steps.texts(".toolbar-warning button") == ["back to step 2 of 0–2 (evaluation)"]
    steps.click(".toolbar-warning button")
    assert steps.run("[v.state.step, v.state.selected.id]") == [2, before]
    assert steps.run("document.querySelector('.toolbar-warning').hidden")


def shared_tower():
    inputs = [ef.Input((6,)), ef.Input((6,))]
    tower = ef.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)], name="tower")
    model = ef.Model(
        inputs, layers.Dense(1, activation="sigmoid")(layers.Subtract()([tower(x) for x in inputs])), name="siamese"
    )
    model.compile(ef.optimizers.Adam(ef.optimizers.schedules.CosineDecay(0.01, 100)), "binary_crossentropy")
    x, y = np.random.default_rng(0).normal(size=(8, 6)).astype("float32"), np.ones((8, 1), "float32")
    model.train_on_batch([x, 0.5 * x], y)
    with viz.trace(stats="basic") as t:
        model.train_on_batch([x, 0.5 * x], y)
    return t


@pytest.fixture
def siamese(shown, pages):
    shown.show(pages("shared_tower", shared_tower))
    return shown


def test_a_layer_s_gradient_is_the_whole_of_its_weights_in_each_call(siamese):
    siamese.run("v.dock.setOpen(true); v.dock.choose('layers')")
    sizes = "({ name, gradient }) => [name, gradient && Number(gradient)]"
    rows = dict(siamese.run(f"v.dock.tabs.get('layers').owner.rows.map({sizes})"))
    norms = siamese.run(
        "(() => { const read = v.selection.ops.flatMap((op) => op.inputs).filter((t) => v.model.variables.has(t));"
        " const gradients = (t) => [...v.model.gradientsByPass(t, v.selection.here).values()].flat();"
        " const norm = (t) => Math.hypot(...gradients(t).map((g) => v.model.norm(g)));"
        " return [...new Set(read)].map((t) => [v.model.tensors[t].name, norm(t)]); })()"
    )
    of = {name: norm for name, norm in norms if norm}
    assert len(of) >= 3
    assert rows["tower"] == rows["tower (call 2)"]
    assert rows["siamese"] == pytest.approx(np.hypot.reduce(list(of.values())), rel=1e-6)
    assert rows["tower"] < rows["siamese"]


def test_optimizers_have_a_row_so_that_shares_add_up(siamese):
    siamese.run("v.dock.setOpen(true); v.dock.choose('layers')")
    rows = siamese.run(
        "v.dock.tabs.get('layers').owner.rows.filter(({ level }) => !level).map((r) => [r.name, r.share])"
    )
    assert rows[-1][0] == "adam"
    assert sum(share for _, share in rows) == pytest.approx(1, abs=0.02)
    siamese.run("[...document.querySelectorAll('.layers tbody tr')].at(-1).click()")
    assert siamese.run("v.opsOf(v.state.selected).every((id) => v.model.ops[id].phase === 'update')")


@pytest.mark.parametrize("name", "mlp convnet gan siamese transformer seq2seq vae penalties shared_layers".split())
@pytest.mark.parametrize("view", ["both", "forward"])
def test_rows_of_the_table_of_layers_add_up_to_its_total_and_to_the_rows_around_them(shown, pages, name, view):
    shown.show(pages(name, lambda: ALL[name]()[0]))
    shown.run(f"v.setView({view!r}); v.dock.setOpen(true); v.dock.choose('layers')")
    fields = ("ops", "flops", "forward", "backward", "activations")
    told = ", ".join(f"{field}: row.{field} ?? 0" for field in fields)
    tell = f"(row) => ({{ level: row.level, {told} }})"
    found = "(({ rows, total }, tell) => [rows.map(tell), tell(total)])"
    rows, total = shown.run(f"{found}(v.dock.tabs.get('layers').owner, {tell})")
    assert total["ops"] > 0
    for field in fields:
        assert sum(row[field] for row in rows if not row["level"]) == total[field], field
        for at, outer in enumerate(rows):
            within = list(itertools.takewhile(lambda row, level=outer["level"]: row["level"] > level, rows[at + 1 :]))
            if within:
                inner = sum(row[field] for row in within if row["level"] == outer["level"] + 1)
                assert inner == outer[field], field


def test_what_takes_longest_tells_equal_layers_of_several_blocks_apart(shown, pages):
    def blocks():
        parts = [ef.Sequential([layers.Dense(4, name="inner")], name=f"block_{i}") for i in range(3)]
        with viz.trace() as t:
            around = [ef.Input((4,)), *parts, layers.Softmax(name="out")]
            ef.Sequential(around, name="a_rather_long_name_of_a_model")(np.ones((2, 4), "float32"))
        return t

    shown.show(pages("blocks", blocks))
    shown.run("v.panel.setOpen(true)")
    ends = {tuple(text.split(" / ")[1:]) for text in shown.texts(".bars .where")}
    assert ends == {*[(f"block_{i}", "inner") for i in range(3)], ("out",)}


def test_the_readers_of_a_shared_weight_say_which_call_and_its_gradient_leads_to_the_ops(siamese):
    siamese.run("""v.select({ kind: 'tensor',
      id: v.model.tensors.find(t => t.role === 'parameter' && v.model.readers[t.id].length > 2).id })""")
    lists = siamese.run("""Object.fromEntries([...document.querySelectorAll('.panel section')].map(section =>
      [section.firstChild.textContent, [...section.querySelectorAll('li')].map(e => e.textContent)]))""")
    forward = [row for row in lists["Read by"] if row.startswith("dense")]
    assert len(forward) == len(set(forward)) == 2
    assert "(call 2)" in forward[1]
    assert len(lists["Gradient computed by"]) == 2
    assert all(row.startswith("∇ dense") for row in lists["Gradient computed by"])
    siamese.run("""[...document.querySelectorAll('.panel section')].find(section =>
      section.firstChild.textContent === 'Gradient computed by').querySelector('.link').click()""")
    assert siamese.texts(".panel h2") == ["∇ dense"]


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (390, 800)])
def test_the_length_of_the_critical_path_leads_to_a_list_of_its_ops(page, width, height):
    page.size(width, height)
    page.run("v.select({ kind: 'op', id: v.selection.ops[0].id })")
    page.press("p")
    page.click(".path-length")
    assert page.texts(".panel h3")[0].startswith("Critical path")
    count = int(page.texts(".path-length")[0].split()[2])
    assert count > 24
    assert page.texts(".panel section:has(.bars) .more button") == [f"… and {count - 24} more"]
    page.run("document.querySelector('.panel .bars .more button').click()")
    listed = page.run(
        "[...document.querySelector('.panel .bars').querySelectorAll('li .link')].map(e => e.textContent)"
    )
    assert len(listed) == count
    assert not page.run("v.root.classList.contains('legend-open')")
    assert page.run("document.querySelector('.path-length').offsetHeight") < 44  # two lines
    top = page.run("document.querySelector('.panel .bars').getBoundingClientRect().top")
    assert page.run("document.querySelector('.panel').getBoundingClientRect().top") <= top < height
    page.press("p")
    assert not any(title.startswith("Critical path") for title in page.texts(".panel h3"))


COMPARE = """(name => { const box = document.querySelector('.panel .facts select');
  box.value = [...box.options].find(option => option.textContent === name).value;
  box.dispatchEvent(new Event('change')); })"""


def two_sizes() -> viz.Recording:
    """Three steps, of which the last has fewer rows, and a learning rate that falls."""
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(2, name="head")], name="net")
    model.compile(ef.optimizers.SGD(ef.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)), "mse")
    x, y = np.ones((10, 4), "float32"), np.ones((10, 2), "float32")
    model.fit(x, y, verbose=0)
    with viz.trace(stats="full") as t:
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    return t


@pytest.fixture
def sizes(shown, pages):
    shown.show(pages("two sizes", two_sizes))
    return shown


def penalized() -> viz.Recording:
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, kernel_regularizer="l2", name="price")])
    model.compile("sgd", "mse")
    with viz.trace() as t:
        model.fit(np.ones((8, 3)), np.ones((8, 2)), batch_size=4, verbose=0)
    return t


def test_the_timeline_names_the_layers_whose_gradients_are_computed(shown, pages):
    shown.show(pages("penalized fit", penalized))
    line = "v.dock.tabs.get('timeline').owner"
    bars = shown.run(f"{line}.bars.filter(b => b.ofGradient).map(b => [b.title, b.row, b.ops.length])")
    assert "∇ price" in {title for title, *_ in bars}
    (around,) = set(shown.run(f"{line}.bars.filter(b => b.scope?.kind === 'backward').map(b => b.row)"))
    assert {row for _, row, _ in bars} == {around + 1}
    at = f"{line}.bars.find(b => b.title === '∇ price' && b.ofGradient)"
    shown.run(f"v.select({line}.selectionOf({at})); 1")
    assert shown.run(f"v.opsOf(v.state.selected).length === {at}.ops.length")


def test_charts_mark_the_step_that_the_graph_shows(shown, pages):
    shown.show(pages("penalized fit", penalized))
    assert shown.run("v.model.data.reported") == [1, 2]
    shown.run("v.setStep(0); v.dock.choose('training')")
    assert shown.run("[...v.dock.tabs.get('training').owner.plots.values()].map(plot => plot.options.shown)") == [0]
    assert shown.run("[...v.dock.tabs.get('training').owner.plots.values()].map(plot => plot.options.axis)") == ["step"]
    shown.run("v.setStep(1)")
    assert shown.run("[...v.dock.tabs.get('training').owner.plots.values()].map(plot => plot.options.shown)") == [1]
    written = shown.run("""(() => { const [plot] = v.dock.tabs.get('training').owner.plots.values(), found = [];
      const write = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text) { found.push(text); };
      try { plot.draw(); } finally { CanvasRenderingContext2D.prototype.fillText = write; }
      return found; })()""")
    assert {"step 1", "0"} <= set(written)  # the mark and the axis count as the slider does
    told = "document.querySelector('.plot .plot-legend b').textContent"
    values = "[...v.dock.tabs.get('training').owner.plots.values()][0].all[0].points.map(([, y]) => y)"
    found = []
    for step in (0, 1):
        shown.run(f"v.setStep({step})")
        shown.rest()
        found.append(float(shown.run(told)))
    assert found == pytest.approx(shown.run(values)[:2], rel=1e-2)


def test_a_step_is_compared_with_another_of_the_recording(sizes):
    sizes.run("v.setStep(1); v.select(null)")
    sizes.run("v.dock.choose('changes')")
    assert "Compare step 1 of 0–2 with" in sizes.run("document.querySelector('.changes').innerText")
    assert sizes.texts(".changes option") == ["no other step", "step 0", "step 2"]
    names = sizes.run("[...document.querySelector('.panel .facts select').options].map(each => each.textContent)")
    assert names == ["no other step", "step 0", "step 2"]
    sizes.run(f"{COMPARE}('step 0')")
    assert sizes.run("[v.state.tab, v.state.color, v.difference.diff.ops.length]") == ["changes", "slower", 0]
    assert sizes.run("v.state.times") == "step"  # as those of the other one
    drawn = "[v.toolbar.colours.value, v.state.tab, document.querySelector('.legend').innerText.includes('Δ')]"
    assert sizes.run(drawn) == ["slower", "changes", True]
    sizes.run("v.setStep(0); v.select(null)")  # which is compared with
    assert sizes.run(drawn) == ["op", "changes", False]
    assert sizes.texts(".changes option") == ["no other step", "step 1", "step 2"]
    assert "others are compared with this one" in sizes.run("document.querySelector('.panel').innerText")
    sizes.run("v.setStep(1); v.select(null)")
    assert sizes.run(drawn) == ["slower", "changes", True]
    told = sizes.run("document.querySelector('.changes').innerText")
    assert "step 0 of 0–2 → step 1 of 0–2" in told
    assert "sgd: learning rate 0.25 → 0.125" in told  # `fit` ran a step before
    assert "Both steps ran the same ops" in told
    assert "time in step 0" in told
    assert "|gradient|\tnet / head / kernel\t" in told
    assert "weight\tstep 0\there\tΔ" in told
    sizes_told = sizes.run("v.difference.diff.weights.map(({a, b, delta}) => [a, b, delta])")
    assert sizes_told
    for before, now, more in sizes_told:
        words = more.replace("−", "-").removesuffix(" %)").split(" (")
        assert float(words[0]) == pytest.approx(float(now) - float(before), abs=2e-3 * float(before))
        assert float(words[1]) == pytest.approx(100 * (float(now) / float(before) - 1), abs=0.5)
        assert more in told
    cost = sizes.run("""(() => { const took = v.model.ops.filter(op => op.step === 0 && op.name === 'dense'
      && op.phase === 'forward').reduce((sum, op) => sum + op.took, 0);
      return [took, v.difference.diff.kinds.find(each => each.name === 'dense').time_a]; })()""")
    assert cost[0] == cost[1] > 0
    sizes.run("v.select({ kind: 'op', id: v.selection.ops[0].id })")
    assert " → " in sizes.texts(".panel .remark")[0]  # the time of each


def test_boxes_are_coloured_by_how_much_longer_they_took_than_in_another_step(shown, pages):
    def uneven():
        with viz.trace() as t:
            trainer = Trainer()
            trainer.step()
            trainer.step()
        for op in t.ops:
            op.end = (
                op.start + {0: 1000, 1: 1000 + 1000 * (op.phase == "forward") - 500 * (op.phase == "backward")}[op.step]
            )
        return t

    shown.show(pages("uneven", uneven))
    shown.run("v.setStep(1); v.select(null)")
    option = "[...v.toolbar.colours.options].find(each => each.value === 'slower').hidden"
    assert shown.run(option)
    shown.run(f"{COMPARE}('step 0')")
    assert not shown.run(option)
    shown.run("v.setColour('slower')")
    notes = shown.run("""[...v.scene.nodes.values()].filter(n => n.kind === 'op' && n.ops.length)
      .map(n => [n.phase, n.lines.at(-1), n.fill, n.ops.length])""")
    for phase, note, _, count in notes:
        if phase == "forward":
            assert note == f"Δ +{count} µs"
        elif phase == "backward":
            assert note == f"Δ −{500 * count} ns"
    hues = {phase: {fill for each, _, fill, _ in notes if each == phase} for phase in ("forward", "backward")}
    assert hues["forward"].isdisjoint(hues["backward"])
    legend = shown.texts(".legend .swatch")
    assert any(text.startswith("Δ +") for text in legend)
    assert any(text.startswith("Δ −") for text in legend)
    shown.run("[...document.querySelectorAll('.changes .link')].find(e => e.textContent === 'stop comparing').click()")
    assert shown.run("v.state.color") == "op"


def test_what_two_steps_ran_on_other_shapes_is_marked_until_the_comparison_ends(sizes, pages):
    sizes.run("v.setStep(2); v.select(null)")
    sizes.run(f"{COMPARE}('step 1')")
    assert sizes.run("v.state.color") == "diff"
    assert set(sizes.run("v.difference.diff.ops.map(each => each.kind)")) == {"changed"}
    changes = sizes.run("v.difference.diff.ops.map(each => each.what.join())")
    assert any("output 4×2 f32 → 2×2 f32" in text for text in changes)
    sizes.run("v.saveHash()")
    sizes.rest()
    address = sizes.wait("location.hash.includes('compared') && location.hash")
    sizes.run("v.setStep(1)")
    assert sizes.run("v.difference") is None  # with itself
    sizes.show(pages("two sizes", two_sizes), address)
    assert sizes.run("[v.state.color, v.difference.diff.a]") == ["diff", "step 1 of 0–2"]
    sizes.run("[...document.querySelectorAll('.changes .link')].find(e => e.textContent === 'stop comparing').click()")
    assert sizes.run("[v.difference, v.state.color, v.state.tab]") == [None, "op", "changes"]


LINES = """[...document.querySelectorAll('.panel section')].map(each => [each.querySelector('h3').textContent,
  [...each.querySelectorAll('li')].map(line => line.textContent)])"""


def test_a_gradient_leads_to_its_forward_op_and_to_what_that_read_and_made(steps):
    steps.run("v.setStep(0, true)")
    number, forward = steps.run(
        "(({ id, forward }) => [id, forward])"
        "(v.selection.ops.findLast(op => op.name === 'dense' && op.phase === 'backward'))"
    )
    steps.run(f"v.select({{ kind: 'op', id: {number} }})")
    rows = dict(zip(steps.texts(".panel .facts dt"), steps.texts(".panel .facts dd"), strict=True))
    assert rows["gradient of"] == "dense"
    lines = dict(steps.run(LINES))
    assert [line.split(" ")[0] for line in lines["Inputs"]] == ["g8×8"]
    assert lines["Its rule can also readof the forward pass"] == [
        "x8×4 f32x",
        "kernel4×8 f32kernel",
        "bias8 f32bias",
        "output8×8 f32dense",
    ]
    steps.run(
        "[...document.querySelectorAll('.panel .facts button')].find(each => each.textContent === 'dense').click()"
    )
    assert steps.run("v.state.selected.id") == forward


def paused():
    """A step that waits between its first two ops."""
    weight = ef.Variable(np.ones((4, 4), "float32"), name="w")
    optimizer = ef.optimizers.Adam()
    with viz.trace() as t, viz.step():
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(ef.ops.exp(weight))
        optimizer.apply([tape.gradient(loss, weight)], [weight])
    for i, op in enumerate(t.ops):
        op.start = i * 2_000_000 + (200_000_000 if i else 0)
        op.end = op.start + 1_000_000
    (step,) = t.steps
    step.start, step.end = 0, t.ops[-1].end
    return t


def test_time_between_ops_is_told_with_where_most_of_it_was(shown, pages):
    shown.size(1440, 900)
    shown.show(pages("paused", paused))
    shown.run("v.panel.setOpen(true); v.select(null)")
    told = "[...document.querySelectorAll('.panel dt')].find(e => e.textContent === 'between ops').nextSibling"
    count = shown.run("v.selection.ops.length")
    assert shown.run(f"{told}.textContent") == f"{200 + count - 1} ms, 201 ms of it before sum"
    shown.run("v.setView('forward')")  # where the same is told of all of the step
    assert shown.run(f"{told}.textContent") == f"{200 + count - 1} ms, 201 ms of it before sum"
    shown.run("v.setView('both'); v.dock.choose('timeline')")
    shown.rest()
    line = "v.dock.tabs.get('timeline').owner"
    x, y = shown.run(f"""(() => {{ const box = {line}.canvas.getBoundingClientRect(), {{ from, to }} = {line};
      return [box.left + (100e6 - from) / (to - from) * box.width, box.bottom - 4]; }})()""")
    shown.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert shown.run("document.querySelector('.timeline .tip').textContent").startswith("201 ms between exp and sum · ")


def attending() -> viz.Recording:
    inputs = ef.Input((6, 8))
    x = ef.layers.MultiHeadAttention(3, 4, name="attention")(inputs, inputs, use_causal_mask=True)
    model = ef.Model(inputs, ef.layers.GlobalAveragePooling1D()(x))
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(4, 6, 8)).astype("float32")
    with viz.trace(values="attention") as t:
        model.train_on_batch(x, x[:, 0])
    return t


def test_the_panel_of_attention_shows_an_image_of_each_head(shown, pages):
    shown.show(pages("attending", attending))
    shown.run("v.selectNode([...v.scene.nodes.values()].find(n => n.title === 'dot_product_attention').id)")
    assert shown.texts(".panel .heads figcaption") == ["head 0", "head 1", "head 2"]
    sizes = "[...document.querySelectorAll('.panel .heads img')].map(each => [each.naturalWidth, each.width > 60])"
    assert shown.run(sizes) == [[6, True]] * 3
