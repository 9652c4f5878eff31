"""viz: see the network that ran. Record executed ops with `trace`, then draw, measure and keep what happened.

>>> import eagerflow as ef
>>> import viz
>>> with viz.trace("hello") as t:
...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
>>> t
<recording 'hello': ...; try .draw('x.svg'), .summary(), .top()>
"""

from __future__ import annotations

from viz.archive import TraceFileError
from viz.compare.diff import diff
from viz.compare.difference import Difference
from viz.doctor.diagnose import diagnose
from viz.doctor.diagnosis import Diagnosis
from viz.doctor.finding import Finding
from viz.drawing import Drawing
from viz.livepage import LivePage, live
from viz.nonfinite.facts import Nonfinite, NonfiniteError, NonfiniteWarning
from viz.nonfinite.find import find_nonfinite
from viz.plot import model_to_dot, plot_model, summary
from viz.record import Tracer, trace
from viz.recording import Recording, load
from viz.render import RendererMissing, set_engine
from viz.schema import Frame, Logs, Op, Scope, Stats, Step, Storage, TensorInfo
from viz.summaries import SummaryWriter
from viz.watching import Watch, watch

__all__ = [
    "Diagnosis",
    "Difference",
    "Drawing",
    "Finding",
    "Frame",
    "LivePage",
    "Logs",
    "Nonfinite",
    "NonfiniteError",
    "NonfiniteWarning",
    "Op",
    "Recording",
    "RendererMissing",
    "Scope",
    "Stats",
    "Step",
    "Storage",
    "SummaryWriter",
    "TensorInfo",
    "TraceFileError",
    "Tracer",
    "Watch",
    "diagnose",
    "diff",
    "find_nonfinite",
    "live",
    "load",
    "model_to_dot",
    "plot_model",
    "set_engine",
    "summary",
    "trace",
    "watch",
]
