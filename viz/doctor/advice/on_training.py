"""What to do about findings on networks, losses, updates, the sizes of gradients, and time."""

from __future__ import annotations

__all__ = ["ON_TRAINING"]

ON_TRAINING = {
    "nonfinite.first": (
        "It is the first step, so no update is to blame: scale the inputs, and look at initializers and at what is "
        "multiplied again and again, and at sums without a mean."
    ),
    "nonfinite.recurrent": (
        "The states grow with each time step, in the first training step already, so no update is to blame. Take "
        "activation='tanh', which keeps them between -1 and 1, and the default recurrent_initializer, 'orthogonal'; or "
        "an LSTM or a GRU; and look at how large the inputs are."
    ),
    "nonfinite": (
        "Look at the steps before: lower the learning rate, scale the inputs, or limit gradients with clipnorm=1.0."
    ),
    "nonfinite.data": (
        "Clean the data before training: drop the rows where ~np.isfinite(x).all(axis=1), from x and y alike, or fill "
        "the gaps with np.nan_to_num(x, posinf=0, neginf=0)."
    ),
    "nonfinite.columns": (
        "Those columns are probably constant, with a standard deviation of 0, by which they were divided: divide by "
        "std + 1e-7, or leave them out."
    ),
    "nonfinite.labels": "Clean the labels before training: drop the rows where y isn't finite, from x and y alike.",
    "nonfinite.weights": (
        "They held them before the first step: look at where the weights come from, such as a file that was loaded, "
        "assign, set_weights or an initializer."
    ),
    "nonfinite.constant": "Look at where this number comes from: it was so before the training computed with it.",
    "nonfinite.unseen": (
        "Run `viz nonfinite SCRIPT`: it watches every step, and names the op with which it began, its line and its "
        "inputs. In a notebook, callbacks.Doctor() in fit does."
    ),
    "nonfinite.log": "Keep the argument positive: ops.log(ops.maximum(x, 1e-7)).",
    "nonfinite.log_answers": (
        "Give the last layer activation='softmax' (for yes-or-no labels 'sigmoid', for amounts 'softplus'), or take a "
        "loss of the library with from_logits=True: it takes answers as they are."
    ),
    "nonfinite.divide": "Add a small number to the divisor, or use ops.divide_no_nan.",
    "nonfinite.sqrt": "Add a small number under the root: ops.sqrt(ops.maximum(x, 0) + 1e-7).",
    "nonfinite.power": "Keep the base positive, or use ops.square for squares.",
    "nonfinite.exp": (
        "Subtract the maximum first, or use ops.softmax, ops.logsumexp, or a loss with from_logits=True."
    ),
    "nonfinite.expm1": "Limit the argument.",
    "loss_mismatch": (
        "Class numbers go with sparse_categorical_crossentropy, one-hot rows with categorical_crossentropy, "
        "yes or no with binary_crossentropy and one sigmoid unit."
    ),
    "loss_mismatch.units": (
        "Give the last layer as many units as a row of labels has numbers; for class numbers, which are one number a "
        "row, sparse_categorical_crossentropy takes as many units as classes."
    ),
    "loss_mismatch.sequences": (
        "Leave out return_sequences=True in the last recurrent layer, which then gives its last state alone; if each "
        "step is to be answered, give one label for each: (rows, steps, 1)."
    ),
    "loss_mismatch.shapes": (
        "This loss compares number by number: make labels and the outputs of the last layer alike in shape."
    ),
    "loss_mismatch.metric": (
        "The loss isn't to blame: take another metric. Class numbers go with 'accuracy' or "
        "'sparse_categorical_accuracy', one-hot rows with 'accuracy' or 'categorical_accuracy'."
    ),
    "loss_mismatch.swapped": "Give the labels first: loss(y_true, y_pred).",
    "loss_mismatch.twice": "Keep one of the two.",
    "loss_mismatch.one_unit": (
        "Use a sigmoid with binary_crossentropy for yes or no, two units with softmax, or no activation for a number."
    ),
    "loss_mismatch.from_logits": "Leave out the activation of the last layer, or from_logits=True.",
    "loss_mismatch.with_logits": "Leave out the activation of the last layer: this function takes logits.",
    "loss_mismatch.logits": (
        "Give the last layer activation='softmax' (for yes-or-no labels 'sigmoid'), or the loss from_logits=True."
    ),
    "loss_mismatch.logits_binary": ("Give the last layer activation='sigmoid', or give the loss from_logits=True."),
    "loss_mismatch.logits_classes": ("Give the last layer activation='softmax', or give the loss from_logits=True."),
    "loss_mismatch.elementwise": (
        "For classes use sparse_categorical_crossentropy (or to_categorical(y)); for a number give the last "
        "layer one unit."
    ),
    "loss_mismatch.numbers": "Use sparse_categorical_crossentropy, or utils.to_categorical(y).",
    "loss_mismatch.one_hot": "Use categorical_crossentropy, or y.argmax(axis=-1).",
    "loss_mismatch.single": "Use binary_crossentropy with a sigmoid, or as many units as classes.",
    "loss_mismatch.binary": (
        "Use categorical_crossentropy (sparse_categorical_crossentropy for class numbers) with a softmax."
    ),
    "loss_mismatch.divergence": (
        "Take the softmax of both first: kl(ops.softmax(teacher / temperature), ops.softmax(student / temperature)); "
        "the labels of a divergence, which come first, are the shares that the predictions should have."
    ),
    "loss_mismatch.several": (
        "Give the last layer activation='sigmoid': each class is then a yes-or-no question of its own, as "
        "the loss has it."
    ),
    "loss_mismatch.relu_logits": "Leave out that relu: a layer that gives logits has no activation.",
    "loss_mismatch.relu": "Leave out that relu: the last layer before a softmax has no activation.",
    "loss_mismatch.smoothing": (
        "Smooth less: label_smoothing=0.1 leaves 0.9 of each label where it is, and spreads 0.1 over all classes."
    ),
    "loss_mismatch.temperature": (
        "Divide the cosines by a temperature before the softmax, 0.05 to 0.2, or multiply them by a weight that is "
        "learnt and begins at 10."
    ),
    "loss_mismatch.squared_mean": (
        "Square each difference before the mean: ops.mean((p - y) ** 2), or losses.MeanSquaredError()."
    ),
    "loss_mismatch.hinge": (
        "For classes use sparse_categorical_crossentropy or categorical_crossentropy; hinge wants labels of -1 and "
        "1, and "
        "outputs without softmax or sigmoid."
    ),
    "label_range.fractions": "Leave class numbers as they are: scale the inputs only.",
    "label_range.several": (
        "Where several classes may be right at once, use sigmoid and binary_crossentropy; otherwise divide each "
        "row by its sum."
    ),
    "label_range.multi_hot": (
        "Several classes are right at once: give the last layer activation='sigmoid', and take binary_crossentropy as "
        "the loss and 'binary_accuracy' as the metric; each class is then a yes-or-no question of its own."
    ),
    "loss_sign.cancels": (
        "Take squares or absolute values of the differences before their mean: ops.mean(ops.square(y - p), axis=-1)."
    ),
    "loss_sign.added": (
        "Turn the sign of what is added, as of a KL divergence, which is 0 at least: "
        "add_loss(-0.5 * mean(1 + log_var - mean**2 - exp(log_var)))."
    ),
    "loss_sign.divergence": (
        "Turn its sign: the loss is the error of the reconstruction plus "
        "-0.5 * mean(1 + log_var - mean**2 - exp(log_var)), which is 0 at least."
    ),
    "loss_sign.adversary": (
        "Train the generator with the label of real rows: where the discriminator learns 1 for real rows and 0 for "
        "made ones, loss(ones_like(made), made), or gan.train_on_batch(noise, numpy.ones((n, 1)))."
    ),
    "loss_sign.same_labels": (
        "Teach it different labels: ones for real rows and zeros for made ones, as in "
        "loss(ones_like(real), real) + loss(zeros_like(made), made)."
    ),
    "loss_sign.triplet": (
        "Exchange the two distances: maximum(distance(anchor, positive) - distance(anchor, negative) + margin, 0). If "
        "they are right, the triplets are too hard to begin with (positives chosen for being far, negatives for being "
        "near): begin with random ones."
    ),
    "loss_sign.pairs": (
        "Turn round which pairs are pulled together: where y is 1 for pairs that belong together, y * square(d) + (1 - "
        "y) * square(maximum(margin - d, 0)); or exchange 0 and 1 in y."
    ),
    "loss_sign.policy": (
        "Where they are rewards or returns, which should grow, give the loss a minus sign: "
        "loss = -mean(log_probability * return)."
    ),
    "loss_sign.update": (
        "Subtract: variable.assign_sub(rate * gradient), or give the gradients, as they are, to an optimizer."
    ),
    "loss_sign.apart": (
        "Leave out its minus sign: what is to become small, as the mean of squared differences, is the loss itself."
    ),
    "loss_sign.turned": (
        "Leave out the minus sign: give the tape the loss itself, and the optimizer the gradients as they are."
    ),
    "loss_sign.likelihood": (
        "Give the loss a minus sign: loss = -mean(log_likelihood); or take a loss of the library, as "
        "losses.SparseCategoricalCrossentropy()."
    ),
    "loss_sign.cosine": "Give the loss a minus sign: loss = -mean(cosine), or 1 - mean(cosine).",
    "loss_sign": "Turn the sign: return -value, or 1 - value, of what should become large.",
    "softmax_axis": "Take the softmax over the classes: axis=-1.",
    "softmax_axis.by_hand": (
        "Take ops.softmax(z, axis=-1); by hand: e = ops.exp(z - ops.max(z, axis=-1, keepdims=True)), and "
        "e / ops.sum(e, axis=-1, keepdims=True)."
    ),
    "softmax_axis.attention": (
        "Take the softmax over what is looked at, for each that looks: with scores (batch, queries, keys), axis=-1."
    ),
    "attention_mask": (
        "Turn the mask round: attention_mask is True (1) for what may be seen, as in ops.not_equal(tokens, 0)"
        "[:, None, :]; a mask that is added to the scores is 0 there, and -1e9 for what is hidden."
    ),
    "attention_mask.upside_down": (
        "Let each step see itself and those before it: use_causal_mask=True, or numpy.tril(numpy.ones((steps, steps), "
        "bool)) where True means seen; a mask that is added is -1e9 above the diagonal, (1 - tril) * -1e9."
    ),
    "channels_first": (
        "Move the colours to the last axis, x = numpy.moveaxis(x, 1, -1), and change the Input's shape with them; or "
        "say data_format='channels_first' in every layer."
    ),
    "initial_weights": (
        "Leave out the initializer (glorot_uniform), or use he_normal with relu; biases may begin with zeros, "
        "kernels not."
    ),
    "initial_weights.frozen": (
        "Frozen layers stay as they are: give them trained weights (weights='imagenet', or load_weights), or let them "
        "learn, with trainable = True."
    ),
    "channels_first.torn": (
        "Give the axes the order that the numbers are stored in, and then move the colours to the end: "
        "x.reshape(-1, colours, height, width).transpose(0, 2, 3, 1)."
    ),
    "penalty_dominates": "Use a hundredth of that penalty (l2(1e-4), say), or none, and Dropout or more data instead.",
    "penalty_dominates.decay": (
        "Take a smaller weight_decay: 0.004 is AdamW's, 0.1 is much; each step takes learning_rate * weight_decay of "
        "the weights away."
    ),
    "penalty_dominates.collapsed": (
        "Weigh the divergence less against the reconstruction: take the sum over pixels (columns) of the errors, "
        "not their mean, where the divergence is a sum over latent numbers; or multiply it by a weight that grows from "
        "0 to 1 in the first epochs. A decoder that sees the earlier steps of its answer needs that, too."
    ),
    "penalty_dominates.added": (
        "Weigh that term less (a hundredth), or let its weight grow from 0 in the first epochs; in a VAE, take the sum "
        "over pixels where the divergence is a sum over latent numbers, or the mean where it is a mean."
    ),
    "augmentation": "Use a smaller factor, or the value_range that the data have: (0, 1) or (0, 255).",
    "augmentation.always": (
        "Leave training=True out of the layer's call: fit, evaluate and predict say by themselves which it is."
    ),
    "augmentation.validation": (
        "Alter rows to train with only: give the validation data a pipeline of their own, without the random layers "
        "(and without shuffling), or put these layers into the model, which leaves them out in validation."
    ),
    "linear_stack": "Give the first of them an activation (activation='relu'), or remove it.",
    "bottleneck": "Give that layer more units: at least as many as there are classes.",
    "not_learning.constant": (
        "Look what the loss is made of. A mean over all classes of a softmax is the same for any answers, as each row "
        "sums to 1: a crossentropy takes the chance of the row's own class, ef.losses.SparseCategoricalCrossentropy()."
    ),
    "not_learning.imbalance": (
        "Of the labels, nearly all are of one class, and its share is all that the network answers: give fit "
        "class_weight={0: ..., 1: ...}, or repeat rows of the rare class; then look at the other findings, the labels "
        "and the learning rate."
    ),
    "not_learning": (
        "If there are other findings, mend these first. Then see whether a few rows can be learnt by heart (viz check "
        "tries it). If not, take another learning rate (ten times more, ten times less); if so, look whether each row "
        "has the label that belongs to it."
    ),
    "not_learning.rate": (
        "Lower the learning rate to a tenth, and again until the loss falls; good first values: 0.001 for Adam (with "
        "attention or many layers 0.0003), 0.01 for SGD. If that doesn't help, see whether a few rows can be learnt by "
        "heart (viz check tries it), and whether each row has the label that belongs to it."
    ),
    "not_learning.one_class": (
        "Such an accuracy says that no rows are told apart yet. Try a learning rate ten times higher and inputs around "
        "±1; see whether a few rows can be learnt by heart; where other classes are rare, give fit class_weight={...}."
    ),
    "not_learning.rises": (
        "More of the same makes it worse. Lower the learning rate to a tenth; where the loss still rises, look at the "
        "signs of the loss and of the update."
    ),
    "not_learning.little": (
        "Look whether each row still has its own label (were x and y shuffled apart, or read in different orders?), "
        "and at rows that training doesn't see: validation_data, or validation_split=0.2."
    ),
    "stopped_early": "Give EarlyStopping more patience, a smaller min_delta, or start_from_epoch.",
    "stopped_early.min_delta": (
        "Make min_delta a hundredth of what the metric is at the end, or leave it out: it is the least change of one "
        "epoch that counts as progress, not the value at which to stop."
    ),
    "stopped_early.data": (
        "Let the generator go on, with `while True:` around what it does, and give fit steps_per_epoch; or pass a "
        "Dataset or PyDataset, which begin anew in each epoch."
    ),
    "stopped_early.mode": (
        "Leave out mode (it is found from the name), or give 'max' for accuracy and 'min' for a loss."
    ),
    "hidden_softmax": (
        "In layers that others follow, use activation='relu' (or gelu, tanh); softmax belongs into the last layer, "
        "whose answers are shares of classes."
    ),
    "dropout_high.outputs": "Move the Dropout before the last Dense: it belongs between hidden layers.",
    "dropout_high.always": (
        "Leave training=True out of the layer's call: fit, evaluate and predict say by themselves which it is. To draw "
        "many answers on purpose (Monte Carlo dropout), keep it, and take the mean of several predictions."
    ),
    "dropout_high.asked": (
        "Leave training out of the call (or pass training=False) for evaluation and prediction; to draw many answers "
        "on purpose (Monte Carlo dropout), take the mean of several predictions."
    ),
    "dropout_high": "Begin with a rate of 0.2 to 0.5, and not in each layer.",
    "dropout_idle": (
        "Call the model with training=True inside the tape: model(x, training=True). Predictions and validation stay "
        "without it."
    ),
    "class_loss.threshold": (
        "Give the metric the threshold of logits, metrics=[BinaryAccuracy(threshold=0.0)]; or the last layer "
        "activation='sigmoid', and the loss no from_logits."
    ),
    "class_loss.binary_accuracy": (
        "Take metrics=['accuracy'] (or CategoricalAccuracy()), which counts rows whose largest number is that of the "
        "right class."
    ),
    "class_loss.accuracy": (
        "For amounts take metrics=['mae'], which is in the unit of the labels, or RootMeanSquaredError(); an accuracy "
        "counts classes."
    ),
    "class_loss.numbers": (
        "For classes: Dense(k, activation='softmax') and sparse_categorical_crossentropy; for a number that may lie "
        "between two others, leave out the accuracy and take mae."
    ),
    "class_loss": (
        "For classes, crossentropies have larger gradients where the answer is wrong: categorical_crossentropy with "
        "softmax, binary_crossentropy with a sigmoid."
    ),
    "unreset_metric": ("Set it back where each epoch begins, metric.reset_state(), right after its result was read."),
    "too_few_steps.outside": (
        "Move tape.gradient and optimizer.apply_gradients into the loop over batches, one step to the right."
    ),
    "too_few_steps": "Train for more epochs, or raise the learning rate; EarlyStopping can say when it is enough.",
    "too_few_steps.easier": (
        "First see whether each training row has its own label: look at how labels are joined, repeated, shuffled and "
        "made again for altered rows (`viz data SCRIPT` lists rows whose labels are probably wrong). Train for more "
        "epochs only if they do."
    ),
    "too_few_steps.waiting": (
        "Allow more epochs: EarlyStopping ends training when it is enough, and had no reason to yet. Or raise the "
        "learning rate."
    ),
    "label_range": "Scale the labels into that range, or leave out the last activation.",
    "label_range.classes": "Count classes from 0, or give the last layer one unit per class.",
    "label_range.held": (
        "Count the classes of all rows alike, from 0: what was done to the labels of one part (y - 1, a LabelEncoder) "
        "has to be done to those of the other."
    ),
    "label_range.mask": (
        "Divide the labels by their largest value, y / 255, as masks from picture files need it; or y > 0."
    ),
    "label_range.binary": "Map the labels to 0 and 1; for class numbers use sparse_categorical_crossentropy.",
    "label_range.exchanged": (
        "Give each output its own labels: in the order of the model's outputs, or by their names, "
        "fit(x, {'kind': kinds, 'price': prices})."
    ),
    "label_range.rows": (
        "Divide each row by its sum; where several classes may be right at once, use sigmoid and binary_crossentropy."
    ),
    "broadcast": "Give both the same shape: y.reshape(-1, 1), or ops.squeeze(predictions, axis=-1).",
    "broadcast.taken": (
        "Take one column of each row: ops.take_along_axis(values, actions[:, None], axis=1)[:, 0], "
        "tf.gather(values, actions, axis=1, batch_dims=1), or ops.sum(values * ops.one_hot(actions, columns), axis=1)."
    ),
    "lr_too_high.sum": (
        "Take the mean: ops.mean(...) instead of ops.sum(...), or leave out reduction='sum'. Then the learning rate "
        "needn't change with the size of a batch. Or divide the rate by as many."
    ),
    "lr_too_high.summed": (
        "After each update, begin the sums anew with zeros; where nothing is to be summed, give the optimizer the "
        "tape's gradients. Optimizers do both by themselves: Adam(gradient_accumulation_steps=4) sums those of four "
        "batches, SGD(momentum=0.9) lets old ones fade."
    ),
    "lr_too_high.twice": "Leave out one of the two calls. If larger steps are meant, raise the learning rate.",
    "lr_too_high": (
        "Lower the learning rate to a tenth, and again until the loss falls; good first values: 0.001 for Adam, "
        "0.01 for SGD."
    ),
    "lr_too_low": (
        "Raise the learning rate tenfold until the loss falls; good first values: 0.001 for Adam, 0.01 for SGD."
    ),
    "lr_too_low.epsilon": (
        "Leave epsilon as it is (1e-7): it only keeps Adam from dividing by 0. Where it is larger than gradients are, "
        "updates become as small as these."
    ),
    "lr_too_low.clipped": (
        "Clip at what gradients usually have, or above (clipnorm=1.0): that only stops those that are far too large."
    ),
    "lr_too_low.shrunk": (
        "Leave out that factor: learning rates are made for gradients of the mean over a batch, which doesn't depend "
        "on how many rows there are in all. To print a smaller number, divide a copy."
    ),
    "lr_too_low.faded": (
        "Let the rate end where training ends, not before: lower it less, or less often, and stop where nothing more "
        "is learnt."
    ),
    "lr_too_low.plateau": (
        "Give ReduceLROnPlateau a min_lr (a thousandth of the first rate, say), or EarlyStopping after it."
    ),
    "lr_too_low.compounds": (
        "LearningRateScheduler gives the function the rate that it has already lowered: lr * 0.1 is a tenth of that in "
        "each epoch. Reckon from the first rate (lambda epoch, lr: first * 0.9**epoch), or lower it less."
    ),
    "lr_too_low.schedule": (
        "A schedule counts steps (batches), not epochs: decay_steps = epochs * batches of an epoch, so that it ends "
        "where training ends."
    ),
    "exploding_gradient": (
        "Use smaller initial weights, scale inputs and targets to about ±1, lower the learning rate, or "
        "give the optimizer clipnorm=1.0."
    ),
    "exploding_gradient.percent": (
        "Use mae, or for amounts the mse of numpy.log1p(y), which counts errors by their share, too; or leave out rows "
        "of target 0. For a percentage to report, divide the sum of all errors by the sum of all targets."
    ),
    "unscaled_target": (
        "Scale the targets for training, mean, std = y_train.mean(), y_train.std(); y = (y - mean) / std, validation "
        "targets with the same two numbers, and the answers back: predict(x) * std + mean. Or begin where they are: "
        "Dense(1, bias_initializer=initializers.Constant(mean))."
    ),
    "unscaled_target.gradients": (
        "Scale the targets, (y - y.mean()) / y.std(), and the answers back: a last layer, which begins with answers "
        "around 0, takes very long to reach targets that are far from it."
    ),
    "vanishing_gradient.padding": (
        "Give the Embedding mask_zero=True: the layers behind it then skip the padding. Or pad at the beginning: "
        "pad_sequences(..., padding='pre')."
    ),
    "vanishing_gradient.padding_value": (
        "Pad at the beginning, pad_sequences(..., padding='pre'). Or pad with 0, a number that no word has, and give "
        "the Embedding mask_zero=True: the layers behind it then skip the padding."
    ),
    "vanishing_gradient.padding_masking": (
        "Put layers.Masking(mask_value=0.0) before that layer, as the first layer of the model: the layers behind it "
        "then skip the padding. Or pad at the beginning."
    ),
    "vanishing_gradient.padding_steps": (
        "Pad at the beginning of the sequences. Or let the padding be a number that no real step has, such as -10, "
        "after the data were scaled, and begin the model with layers.Masking(mask_value=-10.0)."
    ),
    "vanishing_gradient.mask_lost": (
        "Keep the mask: make what stands between them a layer with supports_masking = True, or hand the mask on, "
        "layer(h, mask=embedding.compute_mask(tokens)). Or pad at the beginning: pad_sequences(..., padding='pre')."
    ),
    "vanishing_gradient": (
        "Use relu instead of sigmoid or tanh, he_normal or glorot_uniform as initializer, normalization "
        "between layers, or shortcuts around them."
    ),
    "dead_relu.bias": (
        "Begin with biases of 0: leave out bias_initializer, or give 'zeros'. What comes in doesn't outweigh "
        "them, and units that are never on get no gradient that could change them."
    ),
    "dead_relu": (
        "Lower the learning rate, scale the inputs to about ±1, look at the bias initializer, or use leaky_relu."
    ),
    "constant_output": (
        "Look for weights that are all zero, units that never fire, saturated activations, or a call that "
        "ignores its input."
    ),
    "constant_output.frozen": (
        "Load its weights before it is frozen, or train it (trainable=True) from weights that aren't all zero."
    ),
    "constant_output.data": "Look at the data: was it divided as integers, or overwritten?",
    "saturated": (
        "Scale the inputs to about ±1, use smaller initial weights (glorot_uniform) or a BatchNormalization "
        "before, or relu instead."
    ),
    "batchnorm_misuse.ones": (
        "Use a larger batch_size, or LayerNormalization; for a single last batch, drop it or choose another batch_size."
    ),
    "batchnorm_misuse.validation": (
        "Give BatchNormalization(momentum=0.9), or train for more steps (smaller batches, more epochs): the averages "
        "then come near to what the batches have. Look at the validation loss again after that."
    ),
    "batchnorm_misuse.lag": (
        "Lower the momentum (0.9), or train for longer; viz gap measures what evaluation loses by it."
    ),
    "batchnorm_misuse.inference": (
        "Call the model with training=True inside the tape; to keep the layer as it is, set layer.trainable = False."
    ),
    "batchnorm_misuse.training": (
        "Leave training out of the call (or pass training=False) for evaluation and prediction."
    ),
    "unscaled_input": (
        "Scale them: x / 255 for images, (x - mean) / std for columns, or a layers.Normalization as the first layer."
    ),
    "unscaled_input.indices": (
        "If they stand for words or categories, begin with layers.Embedding(largest + 1, 32), which has a row of "
        "weights for each (or with one-hot rows, for a few). If they are quantities, scale them: (x - mean) / std, or "
        "a layers.Normalization as the first layer."
    ),
    "unscaled_input.twice": "Leave out one of the two: the division of the data, or the Rescaling layer.",
    "unscaled_input.tiny": (
        "Bring them to about ±1, once only: where they are divided again, as by a Rescaling layer after x / 255, leave "
        "that out; columns become (x - mean) / std."
    ),
    "unscaled_input.rows": (
        "Standardize columns: (x - x.mean(axis=0)) / x.std(axis=0), with the mean and deviation of the training "
        "rows for all; or a layers.Normalization that has seen the training data (adapt)."
    ),
    "unscaled_input.wrapped": (
        "Convert them before anything is computed: x = x.astype('float32'), and then x / 127.5 - 1, say."
    ),
    "unscaled_input.zeros": "Look at the data: was it divided as integers, or overwritten?",
    "unscaled_input.unadapted": (
        "Show it the training data before fit: normalization.adapt(x_train), x_train alone, without its labels."
    ),
    "memory_growth": (
        "Keep numbers instead of tensors: losses.append(float(loss)); or clear the container from time to time."
    ),
    "memory_growth.tape": "Don't keep tapes after asking for their gradient, nor make them persistent without need.",
    "dtype_upcast": (
        "Make the array float32 (x.astype('float32')), take Python numbers instead of numpy.float64, and "
        "leave out dtype='float64'."
    ),
    "overfit": (
        "Stop there (callbacks.EarlyStopping(restore_best_weights=True)), use more data, Dropout, weight "
        "decay or a smaller model."
    ),
    "overfit.chance": (
        "First look at some of the validation rows: does each have its own label, in the same numbers as in training? "
        "They may have been shuffled apart, or read in another order. If they are right: less training, more data, "
        "Dropout or a smaller model."
    ),
    "slow_input": (
        "Prepare data beforehand, or in threads: Dataset.prefetch(2), Dataset.cache(), or a PyDataset with workers=4."
    ),
    "slow_input.loop": (
        "See what the loop does between two steps. Prepare rows before the loop, all at once instead of one by one; "
        "evaluate, draw and save every few hundred steps; and let a Dataset read ahead: for batch in "
        "dataset.prefetch(2). Where an environment or a simulation takes the time, there is nothing to mend."
    ),
    "slow_input.callbacks": (
        "See what your callbacks do after each batch: plot, evaluate, save and write to files every few hundred steps, "
        "or in on_epoch_end."
    ),
    "slow_op": (
        "Make this part smaller (fewer units, smaller kernels, strides, pooling before it), or write it "
        "with ops on whole arrays."
    ),
    "slow_op.loop": "Do the whole array in one op instead of a loop.",
    "slow_op.cell": (
        "Take layers.LSTM, GRU or SimpleRNN instead of a cell that a loop of your own calls: they run all steps as one "
        "op if their activation is tanh and their recurrent_activation sigmoid, as by default, and "
        "recurrent_dropout is 0. With other settings they call their cell for each step, too."
    ),
    "replicas_diverged": (
        "Change weights on all ranks alike: no assign, seed or data of one rank's own outside of the steps, and every "
        "gradient through optimizer.apply inside of a step; rank 0's files then hold what all have."
    ),
    "oversubscribed": (
        "Start fewer ranks on this machine, or set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to its cores divided by "
        "its ranks; python -m eagerflow launch does that."
    ),
    "input_imbalance": (
        "Give all ranks storage and workers of the same speed; prepare batches ahead (Dataset.prefetch, a PyDataset "
        "with workers), or let a PyDataset read a rank's rows only: rows(index, start, stop)."
    ),
    "input_imbalance.rows": (
        "Cut the data evenly: let DataParallel do it (auto_shard_dataset=True), or give each rank as many rows."
    ),
    "straggler": (
        "Look at that machine: other programs on it, its clock speed, swapping, its number of threads; or leave it out "
        "of --hosts. Code that only this rank runs (logging, plots) counts too."
    ),
    "communication_bound": ("Send less often: a larger batch_size. Or use fewer ranks, or a faster network."),
}
