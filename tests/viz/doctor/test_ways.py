"""Ways in which a mistake comes about, each told by a rule of its own, and not of their healthy neighbours."""

from __future__ import annotations

import pytest

from tests.viz.doctor.planted import PLANTED, script
from viz.doctor.watched_script import examine

WAYS = {
    "the first rows alone, repeated": "sorted_rows.same",
    "a crossentropy given the answers first": "loss_mismatch.swapped",
    "an accuracy of logits": "class_loss.threshold",
    "folds that go on with one model": "validation_overlap.folds",
    "parts that are left out in turn and have any name": "validation_overlap.folds",
    "parts of which all before and all behind are taken": "validation_overlap.folds",
    "tokens that are their own labels": "label_leak.copied",
    "the gradient is added by hand": "loss_sign.update",
    "evaluated as they came": "validation_mismatch.prepared",
    "pixels from 0 to 1 for a network that learnt them from -1 to 1": "validation_mismatch.prepared",
    "standardized, each by its own mean": "validation_mismatch.prepared",
    "through numpy, in the function of the loss": "no_gradient.numpy",
    "every label is the one that the loss ignores": "no_gradient.ignored",
    "sequences that are nothing but padding": "no_gradient.ignored",
    "an inverted mask in a loop": "no_gradient.ignored",
    "where lets no value of a loss through": "no_gradient.ignored",
    "through numpy's functions, in the function of the loss": "no_gradient.numpy",
    "digits that are scaled, and divided by 255 afterwards": "unscaled_input.tiny",
    "sequences that end with padding": "vanishing_gradient.padding",
    "series of numbers that end with padding": "vanishing_gradient.padding",
    "sequences whose mask is lost": "vanishing_gradient.padding",
    "the padding instead of the words": "attention_mask",
    "words that are lowered, in a layer of one's own": "attention_mask",
    "where the mask is turned round, in a loop": "attention_mask",
    "several ones a row behind a softmax": "loss_mismatch.several",
    "several ones in a row that comes later": "loss_mismatch.several",
    "several ones a row for a crossentropy of one class": "label_range.multi_hot",
    "pictures that are divided by 255 twice": "unscaled_input.twice",
    "inputs drawn by an order in a loop, and labels as they come": "shuffled_apart",
    "inputs and labels drawn by two draws": "shuffled_apart",
    "a state for each step, and a label for the sequence": "loss_mismatch.sequences",
    "batches of one class, which are shuffled as they are": "sorted_rows.batches",
    "pictures that are torn by reshape": "channels_first.torn",
    "stop_gradient in a functional model": "no_gradient.stopped",
    "stop_gradient between an encoder and its decoder, and an accuracy beside it": "no_gradient.stopped",
    "through numpy's functions, before the last layer": "no_gradient.numpy",
    "both layers before the tape, and a loss inside": "no_gradient.before_tape",
    "an encoder before the tape, and its decoder inside": "no_gradient.before_tape",
    "plain variables that are multiplied before the tape": "no_gradient.before_tape",
    "a loss behind the block of the tape": "no_gradient.behind_tape",
    "the discriminator's loss, differentiated by the generator's weights": "frozen.left_out",
    "an output whose loss has the weight 0": "no_gradient",
    "a divergence with the wrong sign": "loss_sign.divergence",
    "two tapes beside each other, and a generator that aims at zeros": "loss_sign.adversary",
    "two tapes one after the other, and a critic's wrong sign": "loss_sign.adversary",
    "a train_step whose misleading labels mislead nobody": "loss_sign.adversary",
    "a discriminator that is taught ones for all rows": "loss_sign.same_labels",
    "a decoder that reads its answers": "label_leak.teacher",
    "random layers that are kept as they are": "frozen.random",
    "all but the last layer of a new network, which learns a little": "frozen.random",
    "a base without trained weights, in a functional model": "frozen.random",
    "each step sees those after it": "attention_mask.upside_down",
    "the mean logarithm of the chance of the label, in a loop": "loss_sign.likelihood",
    "one-hot rows times log_softmax, in a loop": "loss_sign.likelihood",
    "the log-likelihood of yes and no, in a loop": "loss_sign.likelihood",
    "triplets whose distances are swapped": "loss_sign.triplet",
    "gradients that are added up, and never begin anew": "lr_too_high.summed",
    "means of four batches whose sums are never cleared": "lr_too_high.summed",
    "a train_step that keeps what it sums": "lr_too_high.summed",
    "the generator's step updates the discriminator, too": "opposed_updates.deceived",
    "a combined model whose discriminator isn't frozen": "opposed_updates.deceived",
    "both gradients of one forward pass, and the critic's weights in both": "opposed_updates.deceived",
    "one persistent tape that is asked for each optimizer's step, and the critic's weights in both": (
        "opposed_updates.deceived"
    ),
    "one optimizer, and all weights in both of its updates": "opposed_updates.deceived",
    "one optimizer, and all weights in both updates, whose gradients are computed before": "opposed_updates.deceived",
    "both losses of a GAN under two tapes of one block, differentiated by the discriminator's weights": (
        "frozen.left_out"
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", WAYS)
def test_each_way_has_its_rule_and_line(name, tmp_path):
    kind = WAYS[name].partition(".")[0]
    source, line = script(PLANTED[kind][name])
    path = tmp_path / "train.py"
    path.write_text(source, encoding="utf-8")
    examination = examine(str(path))
    assert examination.failures == []
    found = [(f.rule, f.line) for f in examination.diagnosis if f.severity != "info"]
    assert found == [(WAYS[name], line)]


BESIDE = """
w = ef.Variable(rng.normal(size=(4, 3)).astype("float32"))
optimizer = ef.optimizers.SGD(0.001)
several = {"float": 0.5, "int": 2, "bool": True, "numpy number": np.float32(0.5), "array": np.full(3, 0.5, "float32")}
for step in range(8):
    with ef.GradientTape() as tape:
        answers = ops.matmul(x[:, :4], w)
        made = [answers, answers - ops.tanh(answers), ops.reshape(answers, (16, 8, 3)), ops.softmax(answers),
                ops.log_softmax(answers), ops.sigmoid(answers), ops.square(answers - ops.tanh(answers))]
        loss = 0.5 * (1 + ops.mean(answers))
        for number_ in several.values():
            for op in (ops.add, ops.subtract, ops.multiply, ops.maximum):
                for tensor in made:
                    loss = loss + ops.mean(op(number_, tensor)) + ops.mean(op(tensor, number_))
            loss = loss + sum(ops.mean(ops.where(t > 0, number_, t)) + ops.mean(ops.sum(t, axis=-1)) for t in made)
    optimizer.apply(tape.gradient(loss, [w]), [w])
"""


def test_every_check_takes_numbers_and_arrays_beside_tensors(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(script(BESIDE)[0])
    examination = examine(str(path))
    assert not examination.crashed
    assert examination.failures == []
