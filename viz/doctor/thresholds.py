"""Thresholds that several checks share, and why each is that number; those of one check stand in its file.

A threshold sits where healthy networks (see `tests/viz/doctor/test_healthy.py`) keep a distance of about ten times,
or, for shares, where most people would agree that something is wrong.
"""

from __future__ import annotations

# -- when to look

HEAVY_STEPS = 24  # what is wrong from the start shows in the first steps; they are looked at closely
HEAVY_BLOCK = 4  # later, this many steps from every power of two on: what goes wrong on the way shows there
WINDOW = 8  # steps that are judged together: one odd batch proves nothing

# -- how often, and how much of it

AGAIN = 3  # what happens so often is no slip; and so many steps or epochs are enough where there are no more
OFTEN = 4  # so often, in so many rows or steps: less may be by chance
FEW_ROWS = 10  # fewer rows, of all or of a class, are a toy; fewer steps, too
MANY = 100  # rows or steps; what is so in fewer may be by chance
NAMED = 4  # so many things a message names one by one
SOME = 0.05  # of rows, labels or averages: less may be odd ones
A_PART = 0.25  # of steps or tokens: enough to count
MOST = 0.5  # of rows, columns, steps or units
MOSTLY = 0.75  # of them
NEARLY_ALL = 0.9  # of them: the others are the odd ones
CLEARLY = 1.5  # times as much is no chance
LOOKED = 100_000  # elements of an array, or rows, that are looked at

# -- learning rate

FIRST = 3  # this many first losses stand for the beginning
LAST = 5  # and this many for now
DIVERGED = 5.0  # the loss against its beginning: noise of single batches stays within 2
LEARNT = 0.7  # the loss now, against its beginning: then most of a network learns
NOT_IMPROVED = 0.9  # the same: then next to nothing does
HARDLY_LEARNT = 0.97  # the same where there were few steps, or only a hint depends on it

# -- data

UNSCALED = 30.0  # root mean square of the inputs; standardized ones have 1, images in 0..255 about 100
UNSCALED_HINT = 10.0  # worth a hint: weights begin as for inputs around 1
TINY_INPUT = 5e-3  # largest input: the first layer sees next to nothing, as of pixels divided by 255 twice
PICTURE = 8  # pixels on a side, at least; what layers make of pictures may be smaller, and as deep as it is wide
ROW_SUM = 0.02  # how far from 1 the sum of probabilities may be
OUT_OF_RANGE = 1e-3  # how far outside the range of an activation a label may lie

# -- memory and time

SLOW_INPUT_MS = 2.0  # shorter waits aren't worth a thought
SLOW_STEP_MS = 5.0  # steps faster than this don't need help

# -- what was learnt

ANSWER_SIZE = 200_000  # predictions of larger batches aren't kept: copies of them would cost too much
ANSWERS_LOSSES = 4  # more losses than this are no plain training
LEARNT_BY = 200  # steps after which a network should be better than one answer for all
ROWS_TOLD = 30  # rows, at least, of which a mean is taken
NO_LOSS = 1e-6  # constant labels: there is nothing to be better at
IMBALANCE = 0.7  # share of the most frequent class
IMBALANCE_STEPS = 60

# -- the order of rows, and rows of validation data

STANDARD = 1e-4  # how exactly columns have mean 0 and deviation 1 where they were measured on the very same rows
SCALES_APART = 10.0  # root mean squares of the inputs of both
OUTSIDE_UNIT = 0.5  # how far outside of 0 to 1 a column's mean lies

# -- how training ended

FEW_STEPS = 20  # with fewer, nothing can be said of a trend
FEW_SIGMA = 2.5  # the loss fell by more than so many times its noise, from the third quarter to the last
FEW_FALL = 0.02  # of the loss; less may be all that is left

# -- updates and penalties

PENALTY = 10.0  # penalties against the loss of the data; usual ones are below it
FROZEN_ELEMENTS = 16  # of each weight, those with the largest gradients: an update changes them first
FROZEN_LOOKED = 10_000  # elements among which they are sought

# -- noise, and rows of validation data

ALIKE = 0.3  # correlation of a batch with what augmentation made of it
OVERLAP_LOOKED = 2000
