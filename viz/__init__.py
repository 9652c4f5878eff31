"""viz: see the network that ran. Record executed ops with `trace`, then draw, measure and keep what happened.

>>> import eagerflow as ef
>>> import viz
>>> with viz.trace("hello") as t:
...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
>>> t
<recording 'hello': ...; try .draw('x.svg'), .summary(), .top()>
"""

import os as _os
import sys as _sys
from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any as _Any

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
    from viz.facts.container import TraceFileError as TraceFileError
    from viz.facts.schema import (
        Frame as Frame,
        Logs as Logs,
        Op as Op,
        Scope as Scope,
        Stats as Stats,
        Step as Step,
        Storage as Storage,
        TensorInfo as TensorInfo,
    )
    from viz.fit_gap.of_model import gap as gap
    from viz.fit_gap.report import Gap as Gap
    from viz.livepage import LivePage as LivePage, live as live
    from viz.maps.attention import Attention as Attention, attention as attention
    from viz.maps.landscape import LossLandscape as LossLandscape, loss_landscape as loss_landscape
    from viz.maps.underflow import Underflow as Underflow, underflow as underflow
    from viz.nonfinite.find_nonfinite import find_nonfinite as find_nonfinite
    from viz.nonfinite.finding import (
        Nonfinite as Nonfinite,
        NonfiniteError as NonfiniteError,
        NonfiniteWarning as NonfiniteWarning,
    )
    from viz.patching import patch as patch
    from viz.picture.drawing import Drawing as Drawing
    from viz.picture.plot_model import model_to_dot as model_to_dot, plot_model as plot_model, summary as summary
    from viz.picture.rendering.raster import RendererMissing as RendererMissing
    from viz.rates.find_lr import find_lr as find_lr
    from viz.rates.sweep import LearningRates as LearningRates
    from viz.recorder.steps import step as step
    from viz.recording import Recording as Recording, load as load
    from viz.replay.keeping import keep_step as keep_step
    from viz.tracer import Tracer as Tracer, trace as trace

# Each is loaded when it is first asked for: `viz --help` and `viz show` need neither models nor pictures.
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
    "facts.container": "TraceFileError",
    "facts.schema": "Frame Logs Op Scope Stats Step Storage TensorInfo",
    "fit_gap.of_model": "gap",
    "fit_gap.report": "Gap",
    "livepage": "LivePage live",
    "maps.attention": "Attention attention",
    "maps.landscape": "LossLandscape loss_landscape",
    "maps.underflow": "Underflow underflow",
    "nonfinite.find_nonfinite": "find_nonfinite",
    "nonfinite.finding": "Nonfinite NonfiniteError NonfiniteWarning",
    "patching": "patch",
    "picture.drawing": "Drawing",
    "picture.plot_model": "model_to_dot plot_model summary",
    "picture.rendering.raster": "RendererMissing",
    "rates.find_lr": "find_lr",
    "rates.sweep": "LearningRates",
    "recorder.steps": "step",
    "recording": "Recording load",
    "replay.keeping": "keep_step",
    "tracer": "Tracer trace",
}
_LAZY = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_LAZY)

# What people write as functions who know the commands: the file that each takes, and what does it in Python.
_COMMANDS = {
    **dict.fromkeys(("check", "data", "estimate", "reproduce"), ("train.py", "")),
    **dict.fromkeys(("annotate", "gradients", "show"), ("train.efz", "")),
    "doctor": ("train.py", "viz.diagnose"),
    "nonfinite": ("train.py", "viz.find_nonfinite"),
    "run": ("train.py", "viz.trace"),
    "draw": ("train.efz", "recording.draw"),
    "html": ("train.efz", "recording.to_html"),
    "json": ("train.efz", "recording.to_json"),
    "perfetto": ("train.efz", "recording.to_perfetto"),
    "tensorboard": ("train.efz", "recording.to_tensorboard"),
    "top": ("train.efz", "recording.top"),
}

if TYPE_CHECKING:
    __version__: str

if not TYPE_CHECKING:  # for which a name that isn't here is an error

    def __getattr__(name: str) -> _Any:
        if name == "__version__":  # that of the package which both come in
            return _import_module("eagerflow._version").__version__
        if name not in _LAZY:
            if name.startswith("__"):
                raise AttributeError(f"module 'viz' has no attribute {name!r}")
            if name in _COMMANDS:
                file, function = _COMMANDS[name]
                beside = f"; in Python: {function}" if function else ""
                raise AttributeError(f"viz.{name} is a command, not a function: viz {name} {file}{beside}")
            nearest = _import_module("viz.facts.formatting").nearest
            own = [each for each in _sys.path if _os.path.isfile(_os.path.join(each, "viz.py"))]
            there = f" (your own {_os.path.join(own[0], 'viz.py')!r} isn't imported here)" if own else ""
            raise AttributeError(f"module 'viz' has no attribute {name!r}{nearest(name, __all__)}{there}")
        try:
            found = getattr(_import_module(f"{__name__}.{_LAZY[name]}"), name)
        except ImportError:  # where the user's own `eagerflow.py` is imported
            if reason := _import_module("viz.shell.statuses").shadowed():
                raise ImportError(f"viz.{name} needs the package eagerflow: {reason}") from None
            raise
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(__all__)
