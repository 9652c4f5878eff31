// What the side panel says of the time of ops and of a layer: usually, in the step that is shown, and from its start to
// its end, as the timeline draws it.

function timesOfOps(ops, { model, selection }) {
  const sum = (of) => ops.reduce((total, op) => total + of(op), 0),
    share = isShare(model, ops) ? " (share)" : "",
    shown = (time) => `${seconds(time)}${share}`,
    time = sum(({ duration }) => duration),
    told = time ? `${shown(time)}  (${percent(time / (selection.time || 1))} of the step)` : null,
    ofPass = ["share", share && time ? "of one pass over several weights, by size" : null],
    steps = stepsOfMedians(ops);
  if (!steps) return [["time", told], ofPass];
  const alone = model.tellsStep,
    end = (which) => seconds(sum(({ usual, took }) => (usual ? usual[which] : took)));
  return [
    ["time", told && `${told}, ${alone ? nameAlone(model, ops[0].step) : medianOf(steps)}`],
    ofPass,
    [alone ? usualWord(steps) : "in this step", alone ? `${shown(sum(usualTime))}, of ${counted(steps, "step")}` : shown(sum(({ took }) => took))],
    ["range", `${end("least")} … ${end("most")}${share}`],
  ];
}

// Below what its ops took, forward and backward: of which steps that is, what they took in this one, and how long it was
// from its start to its end.
function timesOfLayer(viewer, block) {
  const { model, selection } = viewer,
    { timesOf, backward } = selection,
    took = (ops) => ops.reduce((sum, id) => sum + model.ops[id].took, 0),
    parts = [`→ ${seconds(took(block.ownOps))}`, ...(backward && block.backOps.length ? [`← ${seconds(took(block.backOps))}`] : [])],
    span = spanOf(model, block),
    one = framesTo(viewer.index, block.key).some(({ repeats }) => repeats > 1) ? "of the first: " : "";
  return [
    ["these times", timesOf ? `${timesOf}, in ops alone` : null],
    ["in this step", timesOf && !model.tellsStep ? parts.join("   ") : null],
    ["start to end", span ? `${one}${seconds(span)} in the timeline, with what ran between its ops` : null],
  ];
}

// How long the first call of a layer was, from its start to the end of its last forward op; 0 where that isn't known.
function spanOf(model, { scope, ownOps }) {
  const ops = scope ? ownOps.map((id) => model.ops[id]).filter((op) => op.start !== null && op.end !== null && model.ancestors(op.scope).includes(scope)) : [];
  if (!ops.length) return 0;
  return Math.max(...ops.map(({ end }) => end)) - barStart(scope, ops.reduce((one, other) => (other.start < one.start ? other : one)));
}

// Where the bar of a layer begins in the timeline, of which this is the first op.
const barStart = ({ start }, first) => (start !== null && start <= first.start ? Math.max(start, first.start - 1e6) : first.start);
