"""One name for a thing: boxes, panels, lists, timeline and memory agree, and the search finds all by these names."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from tests.viz.picture.architectures import ALL
from tests.viz.picture.loops import LOOPS

pytestmark = pytest.mark.slow

# Everything that has a name in the graph, at every depth, and in the tabs.
NAMED = """(() => {
  const found = new Set();
  for (let depth = 0; depth < 5; depth += 1) {
    v.depth = depth + 1;
    v.changeDepth(-1);
    for (const each of [...v.scene.nodes.values(), ...v.scene.frames.values()]) found.add(each.title);
    for (const { label } of v.scene.edges) if (/^∇ [^,]+(, [^,…]+)?$/.test(label)) found.add(label);
  }
  for (const { title } of v.dock.tabs.get('timeline').owner.bars) found.add(title);
  v.dock.choose('layers');
  for (const { name } of v.dock.tabs.get('layers').owner.rows) if (name !== 'outside of layers') found.add(name);
  v.dock.choose('memory');
  const owners = [...document.querySelectorAll('.owners tbody button')].map(({ title }) => title);
  for (const title of owners) if (!/^gradient of/.test(title)) found.add(title);
  v.dock.choose('timeline');
  return [...found].filter(Boolean);
})()"""


def adversaries() -> viz.Recording:
    """A step of a GAN: one tape for each loss, and a discriminator that is called twice."""
    rows, zeros = np.ones((16, 2), "float32"), ef.ops.zeros_like
    wide, narrow = ef.layers.Dense(8, activation="relu", name="wide"), ef.layers.Dense(2, name="narrow")
    judge, verdict = ef.layers.Dense(8, activation="leaky_relu", name="judge"), ef.layers.Dense(1, name="verdict")
    generator, discriminator = ef.Sequential([wide, narrow]), ef.Sequential([judge, verdict])
    bce = ef.losses.BinaryCrossentropy(from_logits=True)
    g_opt, d_opt = ef.optimizers.Adam(1e-3), ef.optimizers.Adam(1e-3)

    def train_step(images):
        noise = ef.random.normal((16, 4))
        with ef.GradientTape() as gen_tape, ef.GradientTape() as disc_tape:
            fakes = generator(noise, training=True)
            real_output = discriminator(images, training=True)
            fake_output = discriminator(fakes, training=True)
            gen_loss = bce(ef.ops.ones_like(fake_output), fake_output)
            disc_loss = bce(ef.ops.ones_like(real_output), real_output) + bce(zeros(fake_output), fake_output)
        weights = generator.trainable_variables
        g_opt.apply_gradients(zip(gen_tape.gradient(gen_loss, weights), weights))
        weights = discriminator.trainable_variables
        d_opt.apply_gradients(zip(disc_tape.gradient(disc_loss, weights), weights))

    train_step(rows)
    with viz.trace(memory=True) as t:
        train_step(rows)
    return t


@pytest.fixture
def gan(shown, pages):
    shown.show(pages("adversaries", adversaries))
    return shown


def search(page, query):
    page.press("/")
    page.run(f"v.toolbar.search.input.value = {query!r}; v.toolbar.search.look()")
    return page.texts(".hits li strong")


def click(page, title):
    """Click the first box of a title; what the panel says then."""
    page.run(f"v.selectNode([...v.scene.nodes.values()].find(node => node.title === {title!r}).id)")
    return page.run("document.querySelector('.panel-body').innerText")


# ---------------------------------------------------------------- what is found


@pytest.mark.parametrize("name", ["adversaries", "transformer", "inception", "siamese", "vae"])
def test_all_that_has_a_name_is_found_by_it_before_all_else(shown, pages, name):
    shown.show(pages(name, adversaries if name == "adversaries" else lambda: ALL[name]()[0]))
    missed = []
    for title in shown.run(NAMED):
        ranks = shown.run(
            f"(() => {{ const s = v.toolbar.search; s.input.value = {title!r}; s.look();"
            " return s.hits.map(hit => hit.rank); })()"
        )
        if not ranks or ranks[0] >= 1:
            missed.append(title)
    assert missed == []


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("∇ dense", "∇ dense"),
        ("∇ leaky", "∇ leaky_relu"),
        ("images", "images"),
        ("adam of generator", "adam of generator"),
        ("kernel, bias", "kernel, bias"),
        ("noise", "noise"),
    ],
)
def test_what_stands_on_a_box_is_found_and_enter_selects_that_box(gan, query, title):
    assert search(gan, query)[0] == title
    gan.press("Enter", "\r")
    assert title in gan.run("v.nodesOf(v.state.selected).map(id => v.scene.nodes.get(id).title)")
    assert gan.texts(".panel h2") == [title]


def test_what_stands_in_a_line_of_a_box_is_found_where_nothing_is_called_so(shown, pages):
    shown.show(pages("polyak", lambda: LOOPS["polyak"]()[0]))
    line, title = shown.run(
        "[...v.scene.nodes.values()].flatMap(({lines, title}) =>"
        " lines.filter(line => line.startsWith('reads ')).map(line => [line, title]))[0]"
    )
    assert search(shown, line.split("/")[0])[0] == title
    shown.press("Enter", "\r")
    assert title in shown.run("v.nodesOf(v.state.selected).map(id => v.scene.nodes.get(id).title)")


def test_the_box_of_a_closed_layers_gradients_is_found_and_marked(gan):
    gan.run("v.changeDepth(-9)")
    search(gan, "∇ discriminator (call 2)")
    wheres = gan.texts(".hits li .where")
    assert "of gen_loss" in wheres[0]
    assert "of disc_loss" in wheres[1]
    gan.press("Enter", "\r")
    marked = gan.run(
        "v.nodesOf(v.state.selected).map(id => v.scene.nodes.get(id)).map(({title, lines}) => [title, lines[0]])"
    )
    assert marked == [["∇ discriminator (call 2)", "of gen_loss"]]


def test_a_closed_layers_gradients_stay_selected_from_step_to_step_and_in_the_address(shown, pages):
    def two_steps():
        model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3, name="first"), ef.layers.Dense(2, name="last")])
        model.compile("adam", "mse")
        with viz.trace() as t:
            model.fit(np.ones((4, 4), "float32"), np.ones((4, 2), "float32"), batch_size=2, verbose=0)
        return t

    selected = "[v.state.step, document.querySelector('.panel h2').textContent, v.nodesOf(v.state.selected)]"
    shown.show(pages("gradients selected", two_steps))
    shown.run("v.changeDepth(-9); v.changeDepth(1)")
    shown.run("v.selectNode([...v.scene.nodes.values()].find(n => n.title === '∇ first').id)")
    _, title, boxes = shown.run(selected)
    assert title == "∇ first"
    shown.press("[")
    assert shown.run(selected) == [0, title, boxes]
    address = shown.run("location.hash")
    shown.show(pages("gradients selected", two_steps), address)
    assert shown.run(selected) == [0, title, boxes]
    shown.run("v.setView('forward')")
    shown.show(pages("gradients selected", two_steps), shown.run("location.hash"))


# Names and paths of what is found, in the order of the list.
FOUND = "v.toolbar.search.hits.map(({title, what, where}) => [title, what, where])"


# ---------------------------------------------------------------- boxes that stand for several things


def test_a_box_of_several_updates_has_their_sum_and_a_list(gan):
    panel = click(gan, "adam of generator")
    assert gan.texts(".panel h2") == ["adam of generator"]
    line = gan.run("[...v.scene.nodes.values()].find(node => node.title === 'adam of generator').lines.at(-1)")
    ops, time = line.split(" · ")
    said = dict(zip(gan.texts(".panel dt"), gan.texts(".panel dd")))
    assert [f"{said['ops']} ops", said["time"].split("  (")[0]] == [ops, time]
    assert said["ops"] == "2"
    assert time.endswith(" (share)")  # of the one pass that updated all weights
    assert said["share"] == "of one pass over several weights, by size"
    assert "generator / wide" in panel
    assert gan.texts(".panel details.op summary .where") == ["kernel", "bias"]
    gan.run("document.querySelectorAll('.panel .links button')[1].click()")
    assert gan.texts(".panel h2") == ["adam of generator"]
    assert gan.texts(".panel .where")[0] == "generator / wide / bias"
    assert gan.texts(".panel .remark") == ["One of 2 ops of the box adam of generator."]
    gan.run("document.querySelector('.panel .remark button').click()")
    assert gan.run("v.state.selected.ids.length") == 2
    gan.run("v.changeDepth(-9)")
    click(gan, "adam of generator")
    said = dict(zip(gan.texts(".panel dt"), gan.texts(".panel dd")))
    assert said["ops"] == "4"
    assert "share" not in said  # these are all of the pass
    assert "(share)" not in said["time"]


def test_a_box_of_several_weights_has_a_panel_for_all_of_them(gan):
    click(gan, "kernel, bias")
    assert gan.texts(".panel h2") == ["kernel, bias"]
    said = dict(zip(gan.texts(".panel dt"), gan.texts(".panel dd")))
    assert said["weights"] == "2"
    assert said["memory"] == "160 B"
    assert said["elements"] == "40"
    assert gan.texts(".panel .links button") == ["kernel", "bias"]
    gan.run("document.querySelectorAll('.panel .links button')[1].click()")
    assert gan.texts(".panel h2") == ["bias"]
    assert gan.texts(".panel .where")[0].startswith("generator / wide  ·  ")


def test_an_input_that_stands_for_several_has_a_panel_for_all_of_them(shown, pages):
    def rounds():
        cell, x = ef.layers.SimpleRNNCell(4), np.ones((2, 5, 3), "float32")
        state = cell(x[:, 0], [ef.ops.zeros((2, 4))])[1]
        with viz.trace() as t:
            for i in range(5):
                state = cell(x[:, i], state)[1]
        return t

    shown.show(pages("rounds", rounds))
    (title,) = [title for title in shown.boxes() if title.endswith("×5")]
    assert title == "input  ×5"
    click(shown, title)
    assert shown.texts(".panel h2") == ["input ×5"]
    assert dict(zip(shown.texts(".panel dt"), shown.texts(".panel dd")))["inputs"] == "5"


def test_the_panel_the_list_and_the_timeline_call_an_update_as_its_box_does(gan):
    bars = gan.run("v.dock.tabs.get('timeline').owner.bars.map(bar => bar.title)")
    assert "adam of generator" in bars
    assert "adam_update" not in bars
    links = gan.texts(".bars .link")
    assert "adam_update" not in links
    gan.run("v.select({kind: 'op', id: v.selection.ops.find(op => op.name === 'adam_update').id})")
    assert gan.texts(".panel h2") == ["adam of generator"]
    assert any(text.startswith("adam_update #") for text in gan.texts(".panel dd"))


# ---------------------------------------------------------------- one name everywhere


def test_the_timeline_says_which_call_of_a_layer_it_is_and_of_what_gradients_are(gan):
    titles = gan.run("v.dock.tabs.get('timeline').owner.bars.filter(bar => bar.scope).map(bar => bar.title)")
    assert {"discriminator", "discriminator (call 2)", "binary_crossentropy (call 3)"} <= set(titles)
    assert {"gradient of gen_loss", "gradient of disc_loss"} <= set(titles)
    assert "gradient" not in titles
    x, y = gan.run("""(() => {
      const { owner } = v.dock.tabs.get('timeline'), bar = owner.bars.find(b => b.title === 'gradient of gen_loss');
      const box = owner.canvas.getBoundingClientRect(), scale = box.width / (owner.to - owner.from);
      return [box.x + ((bar.start + bar.end) / 2 - owner.from) * scale, box.y + 22 + bar.row * 19 + 8]; })()""")
    for kind in ("mousePressed", "mouseReleased"):
        gan.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    gan.rest()
    assert gan.texts(".panel h2") == ["gradient of gen_loss"]
    assert not gan.texts(".panel header .where")
    assert not any("of gen_loss" in where for where in gan.texts(".panel .links .where"))  # the title says it


def functional():
    """A fitted model whose weights are called by their layers alone."""
    given = ef.Input((4,))
    model = ef.Model(given, ef.layers.Dense(2, name="out")(ef.layers.Dense(3, name="inner")(given)), name="net")
    model.compile("adam", "mse")
    x, y = np.ones((4, 4), "float32"), np.ones((4, 2), "float32")
    model.fit(x, y, verbose=0)
    with viz.trace(memory=True) as t:
        model.fit(x, y, verbose=0)
    return t


def test_a_weight_has_the_path_of_its_box_in_every_list(shown, pages):
    shown.show(pages("functional", functional))
    weights = "v.model.tensors.filter(({id}) => v.model.variables.get(id) === id)"
    assert shown.run(f"{weights}.some(({{name}}) => name === 'inner/kernel')")
    updates = shown.run("v.selection.ops.filter(op => op.phase === 'update').map(op => v.model.ownerOf(op))")
    assert set(updates) == {f"net / {layer} / {own}" for layer in ("inner", "out") for own in ("kernel", "bias")}
    search(shown, "kernel")
    found = [tuple(each) for each in shown.run(FOUND)]
    for layer in ("inner", "out"):
        assert ("kernel", "weight", f"net / {layer}") in found
        assert ("momentum of kernel", "optimizer state", f"adam · net / {layer}") in found
    shown.run("v.select({kind: 'op', id: v.selection.ops.find(op => op.phase === 'update').id})")
    assert shown.texts(".panel .where")[0] in updates
    shown.run("document.querySelector('.panel .where button').click()")
    assert shown.texts(".panel .where")[0].startswith("net / inner  ·  ")
