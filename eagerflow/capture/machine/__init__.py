"""Captured steps of small arrays as machine code: runs of instructions become one call (extra `fast`).

`runs.py` finds the runs, `forms.py` says what of them can be written as machine code, `code.py` writes it.
"""
