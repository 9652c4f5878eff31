"""Times of the step that is shown, instead of the medians of all: in boxes, lists, colours, tables and the address."""

from __future__ import annotations

import pytest

import viz
from tests.viz.nets import Trainer
from tests.viz.picture.architectures import ALL
from viz.facts import formatting

pytestmark = pytest.mark.slow

USUAL, SLOW = 1_000, 700_000  # nanoseconds that an op takes in the first two steps, and in the last


def last_is_slow(steps=3):
    trainer = Trainer()
    trainer.step()
    with viz.trace("last is slow") as t:
        for _ in range(steps):
            trainer.step()
    now = 0
    for op in t.ops:
        op.start = now
        op.end = op.start + (SLOW if op.step == steps - 1 else USUAL)
        now = op.end + USUAL  # what runs between ops
    for timed in (*t.scopes, *t.steps):
        timed.start = timed.end = None  # from their first op to their last one
    return t


@pytest.fixture
def slow(shown, pages):
    shown.show(pages("slow", last_is_slow))
    return shown


BOXES = "[...v.scene.nodes.values()].filter(n => n.ops.length).map(n => [n.ops.length, n.lines.join(' ')])"
LONGEST = ".panel .bars b"
FRAMES = "[...v.scene.frames.values()].map(f => f.subtitle).filter(s => s.includes('→')).join()"


def test_the_switch_beside_the_step_tells_its_times_everywhere_and_back(slow):
    usual, told = formatting.seconds(USUAL), formatting.seconds(SLOW)
    assert slow.texts(".steps .segments button") == ["median\xa0of 3 steps", "this\xa0step"]
    assert all(formatting.seconds(n * USUAL) in text for n, text in slow.run(BOXES))
    assert set(slow.texts(LONGEST)) == {usual}
    slow.click(".steps [data-value=step]")
    assert all(formatting.seconds(n * SLOW) in text for n, text in slow.run(BOXES))
    assert set(slow.texts(LONGEST)) == {told}
    tips = "[...document.querySelectorAll('.node title')].map(e => e.textContent).filter(t => t.includes('time: '))"
    assert all(" in this step; " in tip.split("time: ")[1] for tip in slow.run(tips))
    assert "ms" in slow.run(FRAMES)
    assert "µs ←" not in slow.run(FRAMES)
    assert slow.texts(".legend .note") == ["times: step 2 alone"]
    assert slow.texts(".panel h3 small") == ["step 2 alone"]
    slow.run("v.setColour('time')")
    most = max(n for n, _ in slow.run(BOXES))
    assert slow.texts(".legend .swatch")[2] == f"time {formatting.seconds(most * SLOW)}"
    slow.press("m")
    assert all(formatting.seconds(n * USUAL) in text for n, text in slow.run(BOXES))
    assert slow.texts(".legend .note") == ["times: median of 3 steps"]


def test_of_two_steps_the_page_tells_the_times_of_the_one_that_it_shows_or_says_that_they_are_those_of_the_faster(
    shown, pages
):
    shown.show(pages("one of two is slow", lambda: last_is_slow(2)))
    assert set(shown.texts(LONGEST)) == {formatting.seconds(SLOW)}
    assert shown.texts(".legend .note") == ["times: step 1 alone"]
    assert shown.texts(".dock-note") == ["step 1 alone, as in the boxes"]
    shown.press("m")
    assert set(shown.texts(LONGEST)) == {formatting.seconds(USUAL)}
    assert shown.texts(".steps .segments button")[0] == "faster\xa0of 2 steps"
    assert shown.texts(".legend .note") == ["times: step 0, the faster of 2 steps"]
    assert shown.texts(".dock-note") == ["step 1 alone; boxes: step 0, the faster of 2 steps"]
    tip = shown.run("""(() => { const line = v.dock.tabs.get('timeline').owner;
      const [bar] = line.bars.filter(({ op }) => op);
      const box = line.canvas.getBoundingClientRect();
      const x = box.left + ((bar.start + bar.end) / 2 - line.from) / (line.to - line.from) * box.width;
      line.point({clientX: x, clientY: box.top + 22 + 19 * bar.row + 8}); return line.tip.textContent; })()""")
    assert (
        f"· {formatting.seconds(SLOW)} · in boxes {formatting.seconds(USUAL)} (step 0, the faster of 2 steps) · at"
        in tip
    )
    shown.run("v.setStep(0)")
    assert shown.texts(".dock-note") == ["step 0 alone, as in the boxes"]
    shown.run("v.setStep(1)")
    shown.run("v.select({kind: 'op', id: v.selection.ops[0].id}); v.setTimes('step'); 1")
    said = dict(zip(shown.texts(".panel .facts dt"), shown.texts(".panel .facts dd")))
    assert said["in step 0"] == f"{formatting.seconds(USUAL)}; that step was the faster altogether"
    shown.run("v.setStep(0); v.select({kind: 'op', id: v.selection.ops[0].id}); 1")
    said = dict(zip(shown.texts(".panel .facts dt"), shown.texts(".panel .facts dd")))
    assert "in step 0" not in said  # it is shown
    shown.run("v.setStep(1)")
    assert "median" not in shown.run("v.root.textContent")


def test_closed_layers_and_the_table_of_layers_tell_the_times_of_the_step(slow):
    slow.press("m")
    slow.run("eagerflowViewer.openTab('layers')")
    assert slow.texts(".dock-note") == ["times: step 2 alone"]
    ops, forward, backward = slow.run(
        "(() => { const b = v.index.blocks.get('/mlp'), {forward, backward} = b.figures;"
        "return [b.ownOps.length, forward, backward / b.backOps.length]; })()"
    )
    assert forward == ops * SLOW
    assert backward == SLOW
    assert formatting.seconds(forward) in slow.run("document.querySelector('.layers tbody tr').textContent")
    slow.run("v.setOpen(new Set())")
    closed = slow.run("v.scene.nodes.get('box:/mlp').lines.join(' ')")
    assert formatting.seconds(forward) in closed


def test_the_address_keeps_which_times_are_told(slow, pages):
    slow.press("m")
    slow.rest()
    address = slow.run("location.hash")
    assert "times=step" in address
    slow.show(pages("slow", last_is_slow), address)
    assert set(slow.texts(LONGEST)) == {formatting.seconds(SLOW)}


def test_a_layer_tells_what_its_ops_took_in_the_step(slow):
    slow.run("v.select({kind: 'scope', key: '/mlp'}); 1")
    said = slow.run("document.querySelector('.panel .facts').innerText")
    ops = slow.run("v.index.blocks.get('/mlp').ownOps.length")
    assert "median of 3 steps" in said
    assert f"→ {formatting.seconds(ops * SLOW)}" in said  # in this step


def test_times_of_several_ops_are_those_of_real_steps(shown, pages):
    """Where an op is slow in a step another one is fast, so that all steps took the same."""
    slow, fast = 90_000, 10_000

    def in_turns():
        t = last_is_slow(2)
        for op in t.ops:
            op.start, op.end = op.id * 2 * slow, op.id * 2 * slow + (slow if op.id % 2 == op.step % 2 else fast)
        return t

    shown.show(pages("in turns", in_turns))
    shown.press("m")  # from those of the step that is shown
    assert shown.run("v.selection.ops.length % 2") == 0  # so that the ops of the second step are in turns, too
    whole = shown.run("v.selection.ops.length") // 2 * (slow + fast)
    assert shown.run("v.selection.time") == whole
    shown.run("v.select({kind: 'scope', key: '/mlp'}); 1")
    said = dict(zip(shown.texts(".panel .facts dt"), shown.texts(".panel .facts dd")))
    ops, forward = shown.run(
        "(() => { const b = v.index.blocks.get('/mlp'); return [b.ownOps, b.figures.forward]; })()"
    )
    in_steps = [sum(slow if op % 2 == other else fast for op in ops) for other in (0, 1)]
    assert forward == in_steps[0]  # both steps took the same: it is the first
    assert said["the step"] == f"{formatting.seconds(whole)} in ops"
    ends = " … ".join(map(formatting.seconds, sorted(in_steps)))
    assert said["range"].startswith(f"→ {ends}←")
    assert formatting.seconds(forward) in shown.run("v.index.blocks.get('/mlp').spent[0]")
    shown.run("v.select({kind: 'ops', id: 0, ids: v.selection.ops.map(op => op.id)}); 1")
    said = dict(zip(shown.texts(".panel .facts dt"), shown.texts(".panel .facts dd")))
    assert said["time"] == f"{formatting.seconds(whole)}  (100 % of the step), in step 0, the faster of 2 steps"
    assert said["range"] == f"{formatting.seconds(whole)} … {formatting.seconds(whole)}"


def test_the_panel_of_several_ops_tells_their_times_as_that_of_one_does(slow):
    title = slow.run("[...v.scene.nodes.values()].find(n => n.kind === 'update' && n.ops.length > 1).id")
    count = slow.run(f"v.selectNode({title!r}); v.state.selected.ids.length")
    least, most = (formatting.seconds(count * each) for each in (USUAL, SLOW))

    def said():
        return dict(zip(slow.texts(".panel .facts dt"), slow.texts(".panel .facts dd")))

    assert said()["time"].startswith(f"{least}  (")
    assert said()["time"].endswith("of the step), each op's median of 3 steps")
    assert said()["in this step"] == most
    assert said()["range"] == f"{least} … {most}"
    slow.press("m")
    assert said()["time"].startswith(f"{most}  (")
    assert said()["time"].endswith("step 2 alone")
    assert said()["median"] == f"{least}, of 3 steps"


def test_the_bar_of_a_layer_that_is_folded_away_leads_to_that_which_stands_for_it(shown, pages):
    shown.show(pages("transformer", lambda: ALL["transformer"]()[0]))
    found = shown.run("""(() => {
      const line = v.dock.tabs.get('timeline').owner, blocks = [...v.index.blocks.values()];
      const isCall = ({ scope, ofGradient }) => !ofGradient && scope?.name.startsWith('multi_head_attention'),
        bars = line.bars.filter(isCall);
      return bars.map((bar) => [blocks.some(({ scope }) => scope === bar.scope), line.selectionOf(bar)?.key]); })()""")
    assert [is_shown for is_shown, _ in found] == [True, False]
    assert found[0][1] == found[1][1] is not None


def test_where_a_step_is_alone_there_is_nothing_to_switch(shown, pages):
    def alone():
        trainer = Trainer()
        with viz.trace() as t:
            trainer.step()
        return t

    shown.show(pages("alone", alone))
    shown.press("m")
    assert shown.run("[v.state.times, document.querySelector('.steps .segments').hidden]") == ["median", True]


TIMELINE = "v.dock.tabs.get('timeline').owner"


def point_at_bar(shown, which):
    """Move the mouse to the first bar of the timeline for whose op something is true."""
    x, y = shown.run(f"""(() => {{
      const line = {TIMELINE}, {{ x, y, width }} = line.canvas.getBoundingClientRect();
      const {{ start, end, row }} = line.bars.find(({{ op }}) => {which});
      return [x + ((start + end) / 2 - line.from) / (line.to - line.from) * width, y + 30 + 19 * row];
    }})()""")
    shown.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)


def test_shares_of_a_pass_over_several_weights_are_called_so_in_lists_and_tips(shown, pages):
    def trained():
        trainer = Trainer()
        with viz.trace() as t:
            trainer.step()
        return t

    shown.show(pages("one pass", trained))
    shares = "v.selection.ops.filter(op => op.phase === 'update').map(op => op.id)"
    assert len(shown.run(shares)) > 1
    shown.run(f"v.select({{kind: 'ops', id: {shares}[0], ids: {shares}}}, false); 1")
    shown.rest()
    assert [text for text in shown.texts(".panel .links b") if not text.endswith(" (share)")] == []
    point_at_bar(shown, "op?.phase === 'update'")
    assert " (share) · at " in shown.texts(".tip")[0]


def test_the_tip_of_the_timeline_is_of_the_step_that_is_shown_now(shown, pages):
    shown.show(pages("slow", last_is_slow))
    shown.run("v.dock.setOpen(true); 1")
    shown.rest()
    point_at_bar(shown, "op")
    (before,) = shown.texts(".tip")
    assert f" · {formatting.seconds(SLOW)}" in before
    shown.press("[")  # the step before, while the mouse stays
    shown.rest()
    now = shown.run("(() => { const t = document.querySelector('.tip'); return t.hidden ? null : t.textContent; })()")
    assert now is None or f" · {formatting.seconds(SLOW)}" not in now
    shown.run(f"{TIMELINE}.canvas.focus(); 1")
    shown.press("ArrowRight")
    assert shown.run("document.querySelector('.tip').hidden")
