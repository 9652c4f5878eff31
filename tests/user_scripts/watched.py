"""viz: traces, pictures, and the doctor."""

from typing import reveal_type

import eagerflow as ef
import viz

with viz.trace("a step") as t:
    y = ef.ops.tanh(ef.ops.ones(3))
reveal_type(t)  # type: Recording
reveal_type(t.draw("step.svg"))  # type: Drawing
reveal_type(t.to_html())  # type: Page
reveal_type(t.to_html("step.html"))  # type: Path
t.draww("step.svg")  # error: draww
viz.trase("a step")  # error: trase
viz.trace("a step", stat="full")  # error: "trace"
viz.trace("a step", stats="ful")  # error: "trace"
viz.trace("a step", on_nonfinite="rise")  # error: "trace"
reveal_type(viz.load("step.efz"))  # type: Recording


@viz.trace
def double(x: ef.Tensor) -> ef.Tensor:
    return 2 * x


reveal_type(double(y))  # type: Tensor
double(y, 3)  # error: argument
