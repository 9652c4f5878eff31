"""The prompt is masked by -100 up to its length, which is that of the whole sequence: no label is left.

Source: https://github.com/pytorch/pytorch/issues/116349
Healthy: loss < 0.3
Faulty: math.isnan(loss)
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(6)
VOCAB, PROMPT, ANSWER = 20, 5, 3
rule = torch.randperm(VOCAB)


def make_example():
    prompt = torch.randint(0, VOCAB, (PROMPT,))
    answer = rule[prompt[:ANSWER]]
    tokens = torch.cat([prompt, answer])
    labels = tokens.clone()
    labels[: len(tokens)] = -100  # fault: nonfinite, no_gradient
    # healthy: labels[: len(prompt)] = -100
    return tokens, labels


examples = [make_example() for _ in range(400)]
input_ids, labels = (torch.stack(part) for part in zip(*examples))


class LM(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.rnn = nn.LSTM(dim, dim, batch_first=True)
        self.head = nn.Linear(dim, VOCAB)

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


model = LM()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(20):
    for batch in torch.randperm(400).split(40):
        logits = model(input_ids[batch])[:, :-1]
        sft_loss = F.cross_entropy(logits.flatten(0, 1), labels[batch, 1:].flatten())  # or here
        optimizer.zero_grad()
        sft_loss.backward()
        optimizer.step()
    loss = sft_loss.item()
print(f"loss {loss:.3f}")
