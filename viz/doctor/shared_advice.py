"""What to do about findings that several checks report, or none; each check keeps the others as its `fixes`."""

from __future__ import annotations

__all__ = ["SHARED"]

SHARED = {
    "validation_mismatch.form": (
        "Give both the same form: class numbers with sparse_categorical_crossentropy, or one-hot rows, "
        "utils.to_categorical(y), with categorical_crossentropy."
    ),
    "loss_mismatch": (
        "Class numbers go with sparse_categorical_crossentropy, one-hot rows with categorical_crossentropy, "
        "yes or no with binary_crossentropy and one sigmoid unit."
    ),
    "loss_mismatch.units": (
        "Give the last layer as many units as a row of labels has numbers; for class numbers, which are one number a "
        "row, sparse_categorical_crossentropy takes as many units as classes."
    ),
    "loss_mismatch.shapes": "This loss compares number by number: make labels and answers alike in shape.",
    "loss_mismatch.metric": (
        "The loss isn't to blame: take another metric. Class numbers go with 'accuracy' or "
        "'sparse_categorical_accuracy', one-hot rows with 'accuracy' or 'categorical_accuracy'."
    ),
    "label_range.held": "Count the classes of all rows alike, from 0, before they are split.",
    "replicas_diverged": (
        "Change weights on all ranks alike: no assign, seed or data of one rank's own outside of the steps, and every "
        "gradient through optimizer.apply inside of a step; rank 0's files then hold what all have."
    ),
    "oversubscribed": (
        "Start fewer ranks on this machine, or set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to its cores divided by "
        "its ranks; python -m eagerflow launch does that."
    ),
}
"""By kind, or `kind.way`."""
