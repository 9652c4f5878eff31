"""viz: see the network that ran. Record executed ops with `trace`, then draw, measure and keep what happened.

>>> import eagerflow as ef
>>> import viz
>>> with viz.trace("hello") as t:
...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
>>> t
<recording 'hello': ...; try .draw('x.svg'), .summary(), .top()>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from eagerflow.base.moved import install as _find_moved_modules, moved_modules as _moved_modules
from viz.facts.archive import TraceFileError
from viz.facts.formatting import nearest as _nearest
from viz.facts.schema import Frame, Logs, Op, Scope, Stats, Step, Storage, TensorInfo
from viz.picture.drawing import Drawing
from viz.picture.render import RendererMissing, set_engine
from viz.recorder.steps import step
from viz.recording import Recording, load
from viz.tracer import Tracer, trace

if TYPE_CHECKING:
    from viz.attribution.explain import explain as explain
    from viz.attribution.explanation import Explanation as Explanation
    from viz.compare.difference import Difference as Difference
    from viz.comparison import diff as diff
    from viz.doctor.diagnosis import Diagnosis as Diagnosis
    from viz.doctor.finding import Finding as Finding
    from viz.doctor.short_training import diagnose as diagnose
    from viz.export.summary_writer import SummaryWriter as SummaryWriter
    from viz.export.watch import Watch as Watch, watch as watch
    from viz.fit_gap.of_model import gap as gap
    from viz.fit_gap.report import Gap as Gap
    from viz.livepage import LivePage as LivePage, live as live
    from viz.nonfinite.find_nonfinite import find_nonfinite as find_nonfinite
    from viz.nonfinite.finding import (
        Nonfinite as Nonfinite,
        NonfiniteError as NonfiniteError,
        NonfiniteWarning as NonfiniteWarning,
    )
    from viz.picture.plot_model import model_to_dot as model_to_dot, plot_model as plot_model, summary as summary
    from viz.rates.find_lr import find_lr as find_lr
    from viz.rates.sweep import LearningRates as LearningRates
    from viz.replay.keeping import keep_step as keep_step

# What recording doesn't need is loaded when it is first asked for.
_HOMES = {
    "attribution.explain": "explain",
    "attribution.explanation": "Explanation",
    "compare.difference": "Difference",
    "comparison": "diff",
    "doctor.diagnosis": "Diagnosis",
    "doctor.finding": "Finding",
    "doctor.short_training": "diagnose",
    "export.summary_writer": "SummaryWriter",
    "export.watch": "Watch watch",
    "fit_gap.of_model": "gap",
    "fit_gap.report": "Gap",
    "livepage": "LivePage live",
    "nonfinite.find_nonfinite": "find_nonfinite",
    "nonfinite.finding": "Nonfinite NonfiniteError NonfiniteWarning",
    "picture.plot_model": "model_to_dot plot_model summary",
    "rates.find_lr": "find_lr",
    "rates.sweep": "LearningRates",
    "replay.keeping": "keep_step",
}
_LAZY = {name: home for home, names in _HOMES.items() for name in names.split()}
_find_moved_modules("viz")

__all__ = ["Diagnosis", "Difference", "Drawing", "Explanation", "Finding", "Frame", "Gap", "LearningRates"]
__all__ += ["LivePage", "Logs", "Nonfinite", "NonfiniteError", "NonfiniteWarning", "Op", "Recording"]
__all__ += ["RendererMissing", "Scope", "Stats", "Step", "Storage", "SummaryWriter", "TensorInfo", "TraceFileError"]
__all__ += ["Tracer", "Watch", "diagnose", "diff", "explain", "find_lr", "find_nonfinite", "gap", "keep_step", "live"]
__all__ += ["load", "model_to_dot", "plot_model", "set_engine", "step", "summary", "trace", "watch"]


if not TYPE_CHECKING:  # for which a name that isn't here is an error

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            if name in _moved_modules("viz"):  # as examples of 0.1.0 ask for it
                return import_module(f"viz.{name}")
            raise AttributeError(f"module 'viz' has no attribute {name!r}{_nearest(name, __all__)}")
        found = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(__all__)
