"""What a captured function is given, and what it gives.

By file: `taken_apart` (a call's arguments: what it computes with, and what must be the same next time),
`array_argument` (what stands for a NumPy array while a step is captured), `looking` (whether anything may),
`standing_in` (what stands for tensors, lists and dicts), `varying` (which argument is another one each time),
`given_back` (what replays give: which objects are one, and which the caller's own).
"""
