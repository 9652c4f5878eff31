"""What a captured function is given.

By file: `taken_apart` (a call's arguments: what it computes with, and what must be the same next time),
`array_argument` (what stands for a NumPy array while a step is captured), `looking` (whether anything may).
"""
