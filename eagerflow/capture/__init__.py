"""Captured steps: a step that runs the same ops again is replayed without layers, tape and checks.

A captured step is a function of its tensor arguments, of Variables, of layers' `trainable` and settings, and of what it
draws by `ef.random`. Other Python values are those of the capture.

The call: `function.py` (what users call: when to capture, to replay, to compare), `steps.py` (the `StepRunner` that
`training` is given), `eligibility.py` (where a step may be captured), `flatten.py` (a call's arguments), `guards.py`
(what is compared before a replay), `cache_misses.py` (arguments that differ each time), `errors.py` (of replays).

The capture: `recorder.py` listens to one run and writes the list of kernels, `backward.py` that of a tape's walk back.
`live_values.py` has the values of the run, `value_reads.py` and `draws.py` notice what no replay can repeat,
`user_code.py` and `places.py` know the user's lines, `forwarding.py` lets observers hear the run, too. `comparison.py`
tells whether two runs gave the same.

The program: `programs/instructions.py` (each as an object, as a line of Python, and as something to compute again),
`programs/program.py` (the list as one function), `fusion.py` and `in_place.py` (which save work and memory),
`layouts.py` (how gradients lie in memory). `observed.py` and `marks.py` announce a replay, and `cuda/` makes CUDA
graphs of it.
"""
