"""What to do about findings on rows and labels, on how they are weighed, split and ordered, and on callbacks."""

from __future__ import annotations

__all__ = ["ON_DATA"]

ON_DATA = {
    "class_imbalance": (
        "Give fit class_weight={0: ..., 1: ...}, or repeat rows of the rare class; judge by recall or AUC instead of "
        "accuracy."
    ),
    "class_imbalance.pixels": (
        "Weigh the pixels of the rare class: a loss for overlap (1 - dice), or a sample_weight of the masks' shape, as "
        "in numpy.where(masks > 0, 10.0, 1.0); judge by MeanIoU or recall instead of accuracy."
    ),
    "class_imbalance.single": (
        "Look at how the labels are made: compared with text that has other spaces or capitals, or cut out of rows "
        "that are sorted by class?"
    ),
    "class_imbalance.weights": (
        "Turn class_weight round: the rare class gets the large weight, as in {0: 1.0, 1: rows of 0 / rows of 1}; "
        "judge by recall or AUC instead of accuracy."
    ),
    "class_imbalance.heavy": (
        "Weigh classes by how rare they are, and not more: len(y) / (classes * rows of the class), which gives all "
        "classes the same part of the loss."
    ),
    "class_imbalance.zero": (
        "Give the class a weight above 0, len(y) / (classes * rows of the class), say; to leave its rows out, take "
        "them out of x and y, and out of the validation data."
    ),
    "class_imbalance.counted": (
        "Leave padding out of the loss and the accuracy: Embedding(..., mask_zero=True), whose mask both heed; or "
        "fit(..., sample_weight=(tokens != 0)) with weighted_metrics instead of metrics."
    ),
    "class_imbalance.keys": "Name the classes as the labels do, from 0: class_weight={0: ..., 1: ..., 2: ...}.",
    "label_leak": (
        "Leave that column out: x = numpy.delete(x, column, axis=1). What is made of the label, or known only after "
        "it, isn't there when the network is asked about new rows."
    ),
    "label_leak.one_hot": (
        "Leave these columns out: x = numpy.delete(x, columns, axis=1). They are the label itself, which isn't there "
        "when the network is asked about new rows; encode the inputs after the label was taken out of the table."
    ),
    "label_leak.sum": (
        "Are these parts known before the label is? If not, leave them out: x = numpy.delete(x, columns, axis=1). If "
        "they are, the sum does what this network does."
    ),
    "label_leak.mixed": (
        "Take the label out of the table before what mixes its columns (PCA, whitening, a projection). If it wasn't "
        "in it, a linear layer does what this network does."
    ),
    "label_leak.time_step": (
        "End each window before what is to be predicted: x[:, :-1], or labels from the step after the last one. What "
        "is known only with the label isn't there when the network is asked about new data."
    ),
    "label_leak.ahead": (
        "Let no step see later ones: attention(x, x, use_causal_mask=True), Conv1D(padding='causal'), a recurrent "
        "layer without Bidirectional."
    ),
    "label_leak.copied": ("To predict the next token, shift the labels by one: fit(tokens[:, :-1], tokens[:, 1:])."),
    "label_leak.teacher": (
        "Give the decoder its answers one step later: it reads the start token and all but the last one, "
        "fit([source, target[:, :-1]], target[:, 1:])."
    ),
    "label_leak.threshold": (
        "Was it made of the label, or is it only known after it? Then leave it out: "
        "x = numpy.delete(x, column, axis=1). Else a comparison does what this network does."
    ),
    "validation_overlap.folds": (
        "Make and compile a new model in each round, or put the first weights back before each: "
        "model.set_weights(first), where first = model.get_weights() stands before the loop; make a new optimizer, too."
    ),
    "validation_overlap.repeated": (
        "Split first, and repeat rows of a rare class (RandomOverSampler, resample, augmentation) in the training part "
        "alone; or leave the rows as they are, and give fit class_weight={0: 1.0, 1: 6.0}."
    ),
    "validation_overlap.windows": (
        "Split the series first, and cut each part into windows: train, held = series[:n], series[n:]. Windows are "
        "shuffled after that, those to train with alone."
    ),
    "validation_overlap": "Use rows that training never sees: validation_split=0.2, or a split before fit.",
    "validation_mismatch.classes": (
        "Shuffle the rows before they are split (validation_split takes the last ones as they come): "
        "order = rng.permutation(len(x)); x, y = x[order], y[order]."
    ),
    "validation_mismatch.scale": (
        "Prepare both alike: divide both by the same number, or use mean and standard deviation of the training data "
        "for both."
    ),
    "validation_mismatch.targets": (
        "Scale the targets in the same way for both, with the mean and standard deviation (or the largest "
        "number) of the training data, and scale the predictions back after predict."
    ),
    "validation_mismatch.shifted": "Count the classes of all rows from 0, before they are split: y = y - y.min().",
    "validation_mismatch.form": (
        "Give both the same form: class numbers with sparse_categorical_crossentropy, or one-hot rows, "
        "utils.to_categorical(y), with categorical_crossentropy."
    ),
    "validation_mismatch.vocabulary": (
        "Fit the tokenizer once, on the training texts, and use it for all others: texts_to_sequences(val_texts), or "
        "the same TextVectorization, without another adapt. Keep it beside the model, for those who use it later."
    ),
    "validation_mismatch.answers": (
        "Give both the same answers: for a denoiser, the clean rows in training, too: fit(noisy, clean, "
        "validation_data=(noisy_val, clean_val))."
    ),
    "validation_mismatch.prepared": (
        "Prepare rows in the same way wherever the network is given any: divide by the same number, or use mean and "
        "standard deviation of the training data for all (scaler.transform, not fit_transform). A layers.Rescaling or "
        "layers.Normalization in the model does so by itself."
    ),
    "validation_chance": (
        "Look whether each row still has its own label (were x and y shuffled apart, or read in different orders?), "
        "whether validation rows are prepared as those to train with, and whether the inputs can tell the label at all."
    ),
    "callback_mismatch.mode": (
        "Leave out mode (it is found from the name), or give 'max' for accuracy and 'min' for a loss."
    ),
    "callback_mismatch.monitor": (
        "Give monitor one of the names that are there: metrics are named as in compile, with val_ before them for "
        "validation data."
    ),
    "callback_mismatch.validation": (
        "Give fit validation_data=(x_val, y_val) or validation_split=0.2, or watch a number of the training, "
        "monitor='loss'."
    ),
    "callback_mismatch.patience": (
        "Give it less patience, such as a tenth of the epochs, and restore_best_weights=True."
    ),
    "sorted_rows": (
        "Shuffle: leave out shuffle=False; for a loop or a generator, order = rng.permutation(len(x)); "
        "x, y = x[order], y[order]; for a Dataset, .shuffle(10_000) before "
        "batch: a buffer of fewer rows than there are mixes neighbours alone."
    ),
    "sorted_rows.batches": (
        "Shuffle rows, not batches: dataset.shuffle(10_000).batch(32), in this order; what stands after batch() moves "
        "whole batches only."
    ),
    "sorted_rows.first": (
        "Take the batches one after the other: for x, y in data: ...; or make the iterator once, before the loop, "
        "batches = iter(data), and ask it in the loop: next(batches)."
    ),
    "sorted_rows.same": ("Use the index: __getitem__(self, index) gives the rows from index * batch_size on."),
    "sorted_rows.same_given": (
        "Look at what makes the batches: a take(n) before repeat() leaves no more than n rows, and a generator has to "
        "go on to the next rows with each yield. If a few rows are repeated on purpose, to see whether they can be "
        "learnt, leave it as it is."
    ),
    "shuffled_apart.drawn": (
        "Draw once, and take the same rows of both: rows = rng.integers(0, len(x), 32); x[rows], y[rows]."
    ),
    "shuffled_apart.zipped": (
        "Pair first, then shuffle the pairs: Dataset.zip((inputs, labels)).shuffle(10_000), or "
        "Dataset.from_tensor_slices((x, y)).shuffle(10_000)."
    ),
    "shuffled_apart": (
        "Shuffle both with one order: order = rng.permutation(len(x)); x, y = x[order], y[order]; fit shuffles by "
        "itself."
    ),
}
