"""What a captured step depends on, and whether it is as it was.

By file: `reached` (all Python objects that a step may look at), `asked` (cached results and settings, which no object
holds), `kinds` (of objects: constants, what can be compared, what can't be looked into), `names` (globals and
attributes that code names), `guards` (whether they are as they were), `identical` (the same, quickly, where nothing
was replaced).
"""
