"""Captured steps: a step that runs the same ops again is replayed without layers, tape and checks.

function.py     what users call: when to capture, when to replay, when to compare; alone.py: where it may be
arguments/      a call's arguments, and what stands for NumPy arrays among them during a capture
recorder.py     listens to one run of the step and writes the list of kernels
backward.py     the same for a tape's walk back
instructions.py what the list is made of, each as an object, as a line of Python and as something to compute again
as_now.py       what becomes of the step's own lists and arrays in it
program.py      the list as one function; joined.py, in_place.py: what saves it passes over memory
steps.py       the parts of a model's steps, each captured by itself: `training` is given it as its `StepRunner`
graphs.py       the list as CUDA graphs, and what runs between them; segments.py: one of these
observed.py     a replay that others listen to; marks.py: what is announced beside the list; places.py: its lines
taped.py        a replay under a tape
forwarding.py   observers that hear a run while it is captured
afresh.py       replays that raise, run again as eager steps; errors.py: the errors of those that can't be
hearing/        what a step does besides computing: reads of values, changes of variables, prints, random draws
dependence/     what a step depends on, and whether it is as it was
varying.py      arguments that are others each time
comparing.py    whether a program gives what an eager run gave: bit for bit, on a GPU within rounding
"""
