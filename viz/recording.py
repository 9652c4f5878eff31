"""`Recording`: what `viz.trace` gives, and all the ways to look at it."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy

from viz.boundary import boundaries, boundary
from viz.compare.difference import Difference
from viz.compare.page_marks import page_marks
from viz.compare.traces import difference_from
from viz.export import data_frame, json_file, perfetto, tensorboard_graph
from viz.facts import archive, formatting
from viz.facts.digest.usual_times import usual_times
from viz.facts.memory_use import MemoryUse, memory_use
from viz.facts.network import rank_of
from viz.facts.overview import why_empty
from viz.facts.parts import part_names
from viz.facts.ranks import rank_table
from viz.facts.schema import PHASES, Op, Record
from viz.facts.tables import summary, top
from viz.facts.text_files import path_of
from viz.facts.text_table import Text
from viz.frameworks.torch.formulas import add_formulas
from viz.page import Page, to_html as page_of
from viz.picture import notebook
from viz.picture.drawing import Drawing
from viz.picture.gradient_flow import GradientFlow, gradient_flow
from viz.picture.graph_builder import graph
from viz.picture.source_links import TEMPLATE, link_to_sources

__all__ = ["Recording", "load"]

add_formulas()

_FIELDS = frozenset(field.name for field in dataclasses.fields(Record))
_MADE_BY = {".html": "to_html(path)", ".htm": "to_html(path)", ".json": "to_json(path)"}
_MADE_BY |= dict.fromkeys((".png", ".svg", ".pdf", ".dot"), "draw().save(path)")
_ALIKE = 0.65  # of two names, of which one is a slip of the other: there are many words that a recording hasn't


@boundaries
class Recording(Record):
    """What a trace recorded: scopes, ops, tensors, steps, and the losses and metrics that training reported.

    Everything in it is plain data (see `viz.facts.schema`), which doesn't keep the program's tensors alive. It can be
    read after the `with viz.trace()` block has ended.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace("hello") as t:
    ...     y = ef.layers.Dense(3, name="out")(ef.ops.ones((2, 4)))
    >>> [op.name for op in t.find(layer="out")]
    ['dense']
    >>> t.tensors[t.ops[-1].outputs[0]].shape
    (2, 3)
    >>> path = t.save("hello.efz")
    >>> viz.load(path).name
    'hello'
    """

    @classmethod
    def pending(cls) -> Recording:
        """Makes an empty recording, to be filled later."""
        return cls.__new__(cls)

    def fill(self, record: Record) -> None:
        """Takes over everything from another record.

        Args:
            record: a `viz.facts.schema.Record`.
        """
        self.__dict__.update({name: getattr(record, name) for name in _FIELDS})
        self.others = [Recording._of(other) for other in record.others]

    @classmethod
    def _of(cls, record: Record) -> Recording:
        made = cls.pending()
        made.fill(record)
        return made

    # ------------------------------------------------------------------ ranks

    def rank(self, number: int) -> Recording:
        """The recording of one rank, after `viz.trace(ranks=True)`; all tables and pictures can be made from it.

        Args:
            number: the number of the rank, from 0. The recording itself is that of rank 0.

        Raises:
            ValueError: when there is no such rank.

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(1.0)
        >>> t.rank(0) is t
        True
        """
        for recording in (self, *self.others):
            if rank_of(recording) == number:
                return recording  # type: ignore[return-value]
        known = formatting.count(1 + len(self.others), "rank")
        raise ValueError(f"rank({number!r}): the recording has {known}, counted from 0")

    def ranks(self) -> Text:
        """A table of how each rank spent the time of its steps: computing, input, network, and waiting for others.

        `network` is the time in which training waited for communication; `waited` is the part of all communication in
        which the last rank hadn't arrived yet.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> with viz.trace() as t:
        ...     history = model.fit(ef.ops.ones((4, 2)), ef.ops.ones(4), verbose=0)
        >>> print(t.ranks())
        rank  host  steps     compute ...
        ───...
           0            1 ...
        """
        return rank_table(self)

    if not TYPE_CHECKING:  # for which a name that isn't here is an error

        def __getattr__(self, name: str) -> Any:
            if name in _FIELDS:
                raise RuntimeError(f"this recording isn't finished: read .{name} after the `with viz.trace()` block")
            known = [each for each in dir(type(self)) if not each.startswith("_")]
            meant = f"; did you mean 'to_{name}'?" if f"to_{name}" in known else formatting.nearest(name, known, _ALIKE)
            raise AttributeError(f"a recording has no {name!r}{meant}")

    # ------------------------------------------------------------------ files

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Saves the recording to a file, which `viz.load` reads without the program that made it.

        Args:
            path: the path of the file, which usually ends in `.efz`.

        Returns:
            The path. With `viz.trace(ranks=True)`, only rank 0 writes the file.

        Raises:
            OSError: when it can't be written; an existing file is kept then.
            ValueError: for the ending of a page or a picture, which `to_html` and `draw` make.

        >>> import viz
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(1.0)
        >>> viz.load(t.save("hello.efz")).ops[-1].name
        'tanh'
        """
        made_by = _MADE_BY.get(path_of(path).suffix.lower())
        if made_by is not None:
            raise ValueError(f"save({str(path)!r}): a recording is a file of its own kind, .efz. Write {made_by}.")
        if self.meta.get("part_of_rank_0"):
            return pathlib.Path(path)
        return archive.write(self, path)

    def to_tensorboard(self, log_dir: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the graph with times and memory, and the course of training, for TensorBoard.

        The Time Series tab has what training reported (`epoch_loss`, `batch_loss`; validation is a run of its own), and
        of recordings with statistics the norms of weights and of their gradients in each step. An earlier export to the
        same folder is replaced.

        Of a long recording, the Graphs tab has up to 100 steps to choose from: those around the one that pictures show.

        Args:
            log_dir: the folder of the run, which is created if it doesn't exist.

        Returns:
            The folder.

        Raises:
            ImportError: without tensorboardX.
            ValueError: when there are no ops.

        >>> import viz
        >>> with viz.trace() as t:
        ...     y = ef.ops.tanh(1.0)
        >>> folder = t.to_tensorboard("logs")
        >>> folder.name
        'logs'
        """
        return tensorboard_graph.write(self, log_dir)

    def to_perfetto(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Writes a file for Perfetto (ui.perfetto.dev): ops in their layers over time, and memory.

        Args:
            path: the path of the file, which ends in `.json`, or in `.json.gz` for a compressed file.

        Returns:
            The path.

        Raises:
            ValueError: when times weren't recorded, or for another ending.

        >>> import viz
        >>> import json
        >>> with viz.trace() as t:
        ...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
        >>> events = json.loads(t.to_perfetto("trace.json").read_text(encoding="utf-8"))["traceEvents"]
        >>> [event["name"] for event in events if event["ph"] == "X"]
        ['tanh']
        """
        return perfetto.write(self, path)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The recording as a JSON text (fields: see `viz.facts.schema`), also written to `path` if there is one.

        NaN and infinities become the texts `"nan"`, `"inf"` and `"-inf"`. Values that `viz.trace(values=...)` kept are
        left out.

        Args:
            path: the path of the file. None: no file.

        >>> import viz
        >>> import json
        >>> with viz.trace("hello") as t:
        ...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
        >>> record = json.loads(t.to_json())
        >>> record["meta"]["name"], record["ops"][-1]["name"], record["tensors"][-1]["shape"]
        ('hello', 'tanh', [2, 3])
        """
        return json_file.write(self, path)

    def to_pandas(self) -> Any:
        """The ops as a table of pandas, for questions that no table here answers.

        Returns:
            A `pandas.DataFrame` with a row for each op, in the order of execution: `step` (its number, as tables have
            it), `phase`, `layer` (its path), `op`, `inputs` (shapes), `output` (the shape of the first), `dtype`,
            `nbytes` (of all outputs), `flops`, `start_ms` (since the recording began), `ms`, `line` (of the user's).

        Raises:
            ImportError: without pandas.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(3, name="hidden"), ef.layers.Dense(1, name="out")], name="net")
        >>> with viz.trace() as t:
        ...     y = model(ef.ops.ones((2, 4)))
        >>> table = t.to_pandas()
        >>> table.groupby("layer")["flops"].sum().to_dict()
        {'net/hidden': 54, 'net/out': 14}
        """
        return data_frame.to_pandas(self)

    # ------------------------------------------------------------------ pictures

    def draw(
        self,
        path: str | os.PathLike[str] | None = None,
        view: Literal["both", "forward", "backward", "layers"] = "both",
        depth: int | None = None,
        color_by: Literal["op", "time", "memory", "grad", "nonfinite", "dtype"] = "op",
        rankdir: Literal["TB", "BT", "LR", "RL"] = "TB",
        collapse_repeats: bool = True,
        max_nodes: int = 100,
        dpi: int = 96,
        step: int | None = None,
        theme: Literal["light", "dark"] = "light",
        links: str | None = TEMPLATE,
        parts: bool = False,
    ) -> Drawing:
        """Draws a picture of the ops that ran, with layers as frames, and writes it to a file if there is a `path`.

        Args:
            path: the path of the file, which ends in `.svg`, `.png`, `.pdf` or `.dot`.
            view: what is shown: `"both"` passes, `"forward"`, `"backward"`, or `"layers"` (forward, each layer as one
                box).
            depth: how many levels of nested models and layers are shown open; default: as many as fit.
            color_by: what colours mean: `"op"`, `"time"`, `"memory"`, `"grad"` (size of gradients), `"nonfinite"`
                (where NaN and infinity came from) or `"dtype"`. `"grad"` and `"nonfinite"` need
                `viz.trace(stats="basic")`.
            rankdir: the direction of the forward pass, `"TB"`, `"BT"`, `"LR"` or `"RL"`.
            collapse_repeats: whether equal parts that follow each other are shown once, with ×N.
            max_nodes: the largest number of rows of boxes; larger graphs are closed or grouped.
            dpi: dots per inch of PNG files.
            step: the number of a training step, as captions show it, from 0, whose times are shown; default: the last
                complete one of the usual batch size, with the medians of all.
            theme: `"light"` or `"dark"`.
            links: the address of a line of code, to which boxes lead in SVG and PDF: `{file}` is relative to the
                picture, `{path}` absolute, as in `"vscode://file{path}:{line}"`. None: no links.
            parts: whether fused ops, such as a dense layer's, are shown as the single ops that they are made of.

        Raises:
            ValueError: for an unknown option, colours whose values weren't recorded, a file name without a known
                ending, or a recording without ops.
            viz.RendererMissing: for PDF without CairoSVG; the message says how to get it.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(3, activation="relu"), ef.layers.Dense(1)], name="net")
        >>> with viz.trace() as t:
        ...     y = model(ef.ops.ones((2, 4)))
        >>> drawing = t.draw("forward.svg", view="layers")
        >>> drawing
        <Drawing 'net': 3 boxes, 2 arrows; save(path) writes svg, png, pdf or dot>
        """
        if not self.ops:
            raise ValueError(f"draw(): nothing was recorded, so there is nothing to draw: {why_empty(self)}")
        shown = graph(
            self,
            view=view,
            depth=depth,
            collapse_repeats=collapse_repeats,
            max_nodes=max_nodes,
            color_by=color_by,
            step=step,
            theme=theme,
            parts=parts,
            usual=usual_times(self) if step is None else None,
        )
        if links is not None:
            link_to_sources(self, shown, links, None if path is None else path_of(path).parent)
        drawing = Drawing(shown, rankdir, dpi)
        if path is not None:
            drawing.save(path)
        return drawing

    @overload
    def to_html(
        self,
        path: None = None,
        *,
        diff: Recording | Difference | None = None,
        title: str | None = None,
        step: int | None = None,
    ) -> Page: ...

    @overload
    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        diff: Recording | Difference | None = None,
        title: str | None = None,
        step: int | None = None,
    ) -> pathlib.Path: ...

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        diff: Recording | Difference | None = None,
        title: str | None = None,
        step: int | None = None,
    ) -> Page | pathlib.Path:
        """Makes an interactive page of everything recorded: one HTML file that needs no network and no other file.

        The page shows the graph, whose layers open and close, with search, statistics, lines of code, colours, the
        first NaN, a timeline, memory over time and a table of layers. See docs/viz/page.md.

        Args:
            path: the path of the file, which ends in `.html`.
            diff: another recording, or the result of `viz.diff(other, self)`, whose differences are marked and listed.
            title: the title of the page; default: the recording's name, or that of the first model.
            step: the number of the step that the page opens on, as captions show it, from 0; default: the last complete
                one of the usual batch size. Of a recording of more than 1,000 steps or 100,000 ops the page holds the
                steps around this one.

        Returns:
            The path; without one, the page as a text, which notebooks show.

        Raises:
            ValueError: for another ending, a difference between other recordings, or when there is no such step.
            OSError: when it can't be written.

        >>> import viz
        >>> with viz.trace() as t:
        ...     y = ef.layers.Dense(3)(ef.ops.ones((2, 4)))
        >>> t.to_html("page.html").name
        'page.html'
        """
        if diff is None:
            return page_of(self, path, title, step=step)
        return page_of(self, path, title, lambda *shown: page_marks(difference_from(diff, self), *shown), step=step)

    def grad_flow(self, path: str | os.PathLike[str] | None = None, step: int | None = None) -> GradientFlow:
        """A table of the size of each weight's gradient, which can be printed or drawn as a chart.

        Args:
            path: the path of a file for the chart, which ends in `.svg`. None: no file.
            step: the number of a training step, as captions show it, from 0; default: the last complete one of the
                usual batch size.

        Raises:
            ValueError: when the recording has no statistics or no gradients, or for another ending.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros", name="out")], name="net")
        >>> model.compile("sgd", "mse")
        >>> with viz.trace(stats="basic") as t:
        ...     history = model.fit(ef.ops.ones((4, 1)), ef.ops.ones(4), verbose=0)
        >>> print(t.grad_flow())
        weight          tensor   |gradient|  |g| / |w|  remark
        ──────────────────────────────────────────────────────
        net/out/kernel  1×1 f32    2.00e+00
        net/out/bias    1 f32      2.00e+00
        """
        found = gradient_flow(self, step)
        if path is not None:
            found.save(path)
        return found

    # ------------------------------------------------------------------ text

    def summary(self, step: int | None = None, depth: int | None = None) -> Text:
        """A table of layers: shapes of outputs, weights, ops, FLOPs, times, and bytes of activations.

        Times are those of the forward and backward pass, and of updates: of weights by optimizers, and of metrics.

        FLOPs are computed by the formulas in `viz.facts.flops`; a `+` marks sums that lack ops without a formula.

        Args:
            step: the number of a training step, as captions show it, from 0; default: the last complete one of the
                usual batch size, with the median of what each op took in all steps.
            depth: how many levels of models and layers are open, as in `draw`; default: all. A line of a closed one
                counts for what is inside.

        Returns:
            Text; printed in a terminal, it is no wider than that.

        Raises:
            TypeError: when `depth` is no whole number.
            ValueError: when there is no such step, or `depth` is negative.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(3, name="hidden"), ef.layers.Dense(1, name="out")], name="net")
        >>> with viz.trace() as t:
        ...     y = model(ef.ops.ones((2, 4)))
        >>> print(t.summary())
        recording: 2 ops, 2 layers, ...
        layer             output  params  ops  FLOPs  forward  backward  activation
        ───...
        net (Sequential)  2×1         19    2     68  ...                      32 B
          hidden (Dense)  2×3         15    1     54  ...                      24 B
          out (Dense)     2×1          4    1     14  ...                       8 B
        ───...
        total                         19    2     68  ...                      32 B
        trained: 19 numbers, not trained: 0
        memory: weights 76 B, inputs 32 B, activations 32 B
        """
        return summary.summary(self, step, depth)

    def top(
        self,
        by: Literal["time", "memory", "flops", "name", "layer", "source"] = "time",
        n: int = 10,
        step: int | None = None,
        cost: Literal["time", "memory", "flops"] | None = None,
    ) -> Text:
        """A table of the ops that cost most time, memory or FLOPs.

        Args:
            by: `"time"`, `"memory"` or `"flops"` for single ops, summed over steps; `"name"`, `"layer"` or `"source"`
                (line of code) for the sums of a cost by these. The line of an op that `fit` runs is the one that made
                the layer.
            n: the number of rows.
            step: the number of a training step, as captions show it, from 0; default: all steps together.
            cost: the cost that is summed by name, layer or source: `"time"` (the default), `"memory"` or `"flops"`.

        Raises:
            ValueError: for another key or cost, when `n` is not positive, or when there is no such step.

        >>> import viz
        >>> with viz.trace() as t:
        ...     y = ef.ops.matmul(ef.ops.ones((20, 30)), ef.ops.ones((30, 40)))
        >>> print(t.top("flops", n=1))
        op      phase    layer  output     count  time  memory  FLOPs  line
        ───...
        matmul  forward         20×40 f32      1  ...   3.1 KB   48 k  ...
        """
        return top.top(self, by, n, step, cost)

    def memory(self, step: int | None = None) -> MemoryUse:
        """How much memory the recorded tensors used over time, and which tensors used it at the peak; print the result.

        Args:
            step: the number of a training step, as captions show it, from 0; default: the whole recording.

        Raises:
            ValueError: when memory wasn't recorded, or when there is no such step.

        >>> import viz
        >>> with viz.trace() as t:
        ...     x = ef.ops.ones((1000, 250))  # a million bytes
        ...     y = x + x
        >>> t.memory().peak
        2000000
        """
        return memory_use(self, step)

    def value(self, label: str, number: int = -1) -> numpy.ndarray:
        """The elements of a tensor that `viz.trace(values=...)` kept.

        Args:
            label: the label of the tensor, such as `"mlp/dense/matmul"`; the attribute `labels` lists all.
            number: which of several tensors with the same label, from 0; default: the last.

        Raises:
            KeyError: when no tensor with this label was kept; the message suggests the nearest labels.
            IndexError: when there are fewer tensors with this label.

        >>> import viz
        >>> layer = ef.layers.Dense(2, kernel_initializer="ones", name="out")
        >>> with viz.trace(values="out/*") as t:
        ...     y = layer(ef.ops.ones((1, 3)))
        >>> sorted(set(t.labels.values()))
        ['out/bias', 'out/dense', 'out/kernel']
        """
        found = [i for i, known in self.labels.items() if known == label]
        if not found:
            hint = formatting.nearest(str(label), self.labels.values())
            none = "" if self.labels else '; no values were kept: use viz.trace(values="...")'
            raise KeyError(f"no value {label!r}{hint}{none}")
        if not -len(found) <= number < len(found):
            raise IndexError(f"value({label!r}, {number}): there are {len(found)}")
        return self.values[found[number]]

    def find(self, name: str | None = None, phase: str | None = None, layer: str | None = None) -> list[Op]:
        """Finds ops by name, phase and layer. Conditions that aren't given aren't checked.

        Args:
            name: the name of the op, as in `eagerflow.ops`; fused ops are also found by the names of their parts.
            phase: `"forward"`, `"backward"`, `"update"`, `"metric"`, `"data"` or `"network"`.
            layer: the name of a layer, or of another scope, that the op ran in.

        Raises:
            ValueError: for another phase.

        >>> import viz
        >>> model = ef.Sequential([ef.layers.Dense(3, name="hidden"), ef.layers.Dense(1, name="out")])
        >>> with viz.trace() as t:
        ...     y = ef.ops.tanh(model(ef.ops.ones((2, 4))))
        >>> len(t.find("tanh")), [op.name for op in t.find(layer="out")], len(t.find(phase="backward"))
        (1, ['dense'], 0)
        """
        if phase is not None and phase not in PHASES:
            raise ValueError(
                f"find(phase={phase!r}): expected one of {', '.join(map(repr, PHASES))}"
                f"{formatting.nearest(phase, PHASES)}"
            )
        return [
            op
            for op in self.ops
            if (name is None or op.name == name or name in part_names(self, op))
            and (phase is None or op.phase == phase)
            and (layer is None or any(layer in (scope.name, scope.shown) for scope in self.ancestors(op.scope)))
        ]

    def __repr__(self) -> str:
        if "ops" not in self.__dict__:
            return "<recording in progress>"
        return f"<{summary.describe(self)}; try .draw('x.svg'), .summary(), .top()>"

    def _repr_html_(self) -> str:
        if not self.ops:
            return Text(f"nothing was recorded: {why_empty(self)}")._repr_html_()
        return notebook.html(self, self.draw())


@boundary
def load(path: str | os.PathLike[str], limit: int | Literal["auto"] | None = "auto") -> Recording:
    """Reads a recording that `Recording.save` wrote. It never runs code from the file.

    Args:
        path: the path of the file.
        limit: how many bytes it may take; `"auto"`: 192 MB and 256 times the size of the file. None: no limit, for
            files that you trust.

    Raises:
        FileNotFoundError: when there is no such file.
        TypeError: when `path` isn't a path.
        viz.TraceFileError: when it isn't a recording, is damaged, is too large, or was written by a newer version.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace("hello") as t:
    ...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
    >>> path = t.save("hello.efz")
    >>> [op.name for op in viz.load(path).ops]
    ['tanh']
    """
    return Recording._of(archive.read(path, limit))
