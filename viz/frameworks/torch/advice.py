"""What to do about findings in programs of PyTorch."""

from __future__ import annotations

__all__ = ["ADVICE", "WORDS"]

WORDS = {
    "stop_gradient": "detach()",
    "(from_logits=False)": "",
    "return_sequences=True": "all steps",
    "masked_scale": "dropout",
    "sparse_softmax_crossentropy": "cross_entropy",
    "softmax_crossentropy": "cross_entropy",
    "sigmoid_crossentropy": "binary_cross_entropy_with_logits",
    "outside of the tape": "outside of what autograd records",
}
"""What eagerflow's words are in PyTorch."""

ADVICE = {
    "loss_mismatch.log_probabilities": "Give nll_loss or kl_div log_softmax(logits, dim=1); or give the logits "
    "themselves to cross_entropy.",
    "loss_mismatch.from_logits": "Leave out the activation of the last layer: CrossEntropyLoss and BCEWithLogitsLoss "
    "apply their own.",
    "loss_mismatch.logits_binary": "Take BCEWithLogitsLoss, or give BCELoss torch.sigmoid(logits).",
    "loss_mismatch.logits": "Take CrossEntropyLoss of the logits (BCEWithLogitsLoss for yes or no).",
    "loss_mismatch.logits_classes": "Take CrossEntropyLoss of the logits.",
    "loss_mismatch.one_unit": "Use BCEWithLogitsLoss for yes or no, two outputs with CrossEntropyLoss, or no "
    "activation for a number.",
    "loss_mismatch.numbers": "Give CrossEntropyLoss class numbers as integers (y.long()), or one-hot rows as floats.",
    "broadcast": "Give both the same shape: y.unsqueeze(1), or predictions.squeeze(1).",
    "softmax_axis": "Take the softmax over the classes: dim=1 of (rows, classes), dim=-1 where classes come last.",
    "class_loss": "For classes take CrossEntropyLoss or BCEWithLogitsLoss: wrong answers get larger gradients.",
    "dropout_idle": "Call model.train() before training, model.eval() before evaluation.",
    "batchnorm_misuse.inference": "Call model.train() before training; requires_grad_(False) keeps the layer.",
    "batchnorm_misuse.training": "Call model.eval() before evaluation and prediction, model.train() after it.",
    "batchnorm_misuse.ones": "Use larger batches, or GroupNorm; for a last one, DataLoader(drop_last=True).",
    "frozen": "Give the optimizer all parameters (model.parameters() finds layers in an nn.ModuleList, none in a plain "
    "list), or requires_grad_(False) to keep some.",
    "frozen.update": "Call optimizer.step() after loss.backward().",
    "loss_mismatch.several": "Leave out the softmax and take BCEWithLogitsLoss: each class is a yes-or-no question.",
    "nonfinite": "Look at the steps before: lower the learning rate, scale the inputs, or limit gradients with "
    "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).",
    "nonfinite.log": "Keep the argument positive: x.clamp(min=1e-7).log(); or take log_softmax, logsigmoid, or a loss "
    "that takes logits.",
    "nonfinite.divide": "Add a small number to the divisor.",
    "nonfinite.sqrt": "Add a small number under the root: (x.clamp(min=0) + 1e-7).sqrt().",
    "nonfinite.power": "Keep the base positive, or use x.square() for squares.",
    "nonfinite.exp": "Subtract the maximum first, or use softmax, logsumexp, or a loss that takes logits.",
    "nonfinite.unseen": "Run `viz nonfinite SCRIPT`: it watches every step, and names the op with which it began.",
    "label_range.multi_hot": "Several classes are right at once: take BCEWithLogitsLoss.",
    "class_loss.numbers": "For classes: nn.Linear(..., k) with CrossEntropyLoss.",
    "initial_weights": "Leave out the initialization, or use nn.init.kaiming_normal_ before relu; zeros for biases.",
    "linear_stack": "Put an activation between them, such as nn.ReLU(), or remove one.",
    "saturated": "Scale the inputs to about ±1, use smaller initial weights or a BatchNorm before, or relu instead.",
    "exploding_gradient": "Use smaller initial weights, scale inputs and targets to about ±1, lower the learning "
    "rate, or call torch.nn.utils.clip_grad_norm_ between backward() and step().",
    "vanishing_gradient": "Use relu instead of sigmoid or tanh, nn.init.kaiming_normal_ or xavier_uniform_, "
    "normalization between layers, or shortcuts around them.",
    "lr_too_high.never_zeroed": "Call optimizer.zero_grad() before each backward pass.",
    "lr_too_low.faded": "Let the rate end where training ends: step a schedule of epochs after each epoch; "
    "ReduceLROnPlateau needs a min_lr.",
    "frozen.zeroed": "Call optimizer.zero_grad() before loss.backward() or after optimizer.step().",
    "unscaled_input": "Scale them: x / 255 for images, (x - mean) / std for columns. Numbers that stand for words or "
    "categories go into nn.Embedding.",
    "no_gradient": "Use the module on the way to the loss, without no_grad(), .detach(), .item(), .numpy(), argmax or "
    "round; if it should stay as it is, requires_grad_(False).",
    "no_gradient.stopped": "Leave .detach() out there; for weights that should stay, requires_grad_(False).",
    "no_gradient.numpy": "Leave .numpy(), .item() and functions of NumPy out there: take torch's own functions.",
    "no_gradient.before_tape": "Move that call out of torch.no_grad().",
    "no_gradient.behind_tape": "Move the loss out of torch.no_grad().",
    "frozen.rounded": "See that more of the gradient arrives: relu, normalization, shortcuts; or take Adam.",
    "frozen.all": "Call requires_grad_(True) on what should learn.",
    "frozen.forgotten": "Give the optimizer all of model.parameters(); where some shall stay, requires_grad_(False).",
    "frozen.left_out": "Add its weights: optim.Adam([*first.parameters(), *second.parameters()]).",
    "frozen.optimizer": "Make the optimizer once, before the loop.",
    "opposed_updates": "Give each optimizer the weights of its own network: discriminator.parameters() alone.",
    "memory_growth": "Keep numbers instead of tensors: losses.append(loss.item()); or clear the container.",
    "memory_growth.tape": "Keep loss.item() or loss.detach(): a tensor keeps all that led to it.",
    "slow_op.loop": "Do the whole array in one op instead of a loop; nn.LSTM and nn.GRU run all steps as one op.",
    "overfit": "Stop there, use more data, Dropout, weight_decay or a smaller model.",
    "sorted_rows": "Shuffle: DataLoader(dataset, shuffle=True), or x = x[torch.randperm(len(x))] and y alike.",
    "class_imbalance": "Give the loss weight=, or take WeightedRandomSampler; judge by recall or AUC.",
    "hidden_softmax": "In layers that others follow, use relu, gelu or tanh; softmax belongs at the end.",
    "dropout_idle.later": "Call model.train() at the beginning of each epoch, and after each evaluation.",
    "validation_mismatch.training_mode": "Call model.eval() before what is measured, and model.train() after it.",
    "validation_mismatch.dropout": "F.dropout(x, p, training=self.training), or nn.Dropout, which knows the mode.",
    "attention_mask": "key_padding_mask is True for what is hidden: key_padding_mask=(tokens == 0); the attn_mask "
    "of scaled_dot_product_attention is True for what may be seen.",
    "attention_mask.padding": "Hide it: key_padding_mask=(tokens == 0), or attn_mask=(tokens != 0)[:, None, None, :] "
    "for scaled_dot_product_attention.",
    "label_leak.ahead": "Let no step see later ones: a causal mask (is_causal=True, "
    "nn.Transformer.generate_square_subsequent_mask), convolutions padded on the left, no bidirectional=True.",
    "label_leak.copied": "Shift the labels by one: cross_entropy of logits[:, :-1] and labels[:, 1:].",
    "vanishing_gradient.half": "Use torch.amp.GradScaler: scaler.scale(loss).backward(), scaler.step(optimizer), "
    "scaler.update(). Or autocast to bfloat16.",
    "vanishing_gradient.padding": "Take the state after the last real step: pack_padded_sequence, "
    "or states[torch.arange(len(x)), lengths - 1].",
    "class_imbalance.weights": "Turn the weights round: the rare class gets the large one: weight=rows / counts.",
    "shuffled_apart": "Shuffle both with one order: order = torch.randperm(len(x)); x, y = x[order], y[order].",
}
"""By rule, in place of the doctor's own texts, which name eagerflow's functions."""
