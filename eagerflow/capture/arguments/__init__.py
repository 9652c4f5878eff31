"""What a captured function is given, and what it gives.

By file: `taken_apart` (a call's arguments: what it computes with, and what must be the same next time), `state` (what
is known of one such signature), `array_argument` (what stands for a NumPy array while a step is captured),
`conversions` (the tensors that are made of it), `looking` (whether anything may stand for it), `results` (which objects
replays give).
"""
