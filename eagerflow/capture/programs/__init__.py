"""A captured step as a program: `instructions.py` what it is made of, `program.py` the function that replays run."""
