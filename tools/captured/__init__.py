"""Random steps, eagerly and captured, while what they depend on changes between calls: `python -m tools.captured`.

traits/*.txt  what a step may depend on, or change: how it is made, read, written to, changed from outside, and told
ways.py       where in a step a value may be read: in a method, a comprehension, a context manager
programs.py   a program of some traits, as text
running.py    what a program gives, leaves and prints, call by call
__main__.py   runs many, and makes those that differ small
"""
