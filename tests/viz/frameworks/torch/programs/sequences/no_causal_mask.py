"""A decoder is trained on all positions at once, and each position sees those after it.

Source: https://github.com/alex-matton/causal-transformer-decoder/issues/1
Healthy: 0.3 < loss < 1.2 and sees_ahead == 0
Faulty: loss < 0.2 and sees_ahead > 0
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
VOCAB, LENGTH = 12, 10
follows = torch.randint(0, VOCAB, (VOCAB, 2))  # each word has two that may come next
text = [torch.randint(0, VOCAB, (256,))]
for _ in range(LENGTH):
    text.append(follows[text[-1], torch.randint(0, 2, (256,))])
text = torch.stack(text, dim=1)


class Decoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.position = nn.Embedding(LENGTH, dim)
        self.block = nn.TransformerEncoderLayer(dim, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(dim, VOCAB)

    def forward(self, tokens):
        x = self.embed(tokens) + self.position(torch.arange(tokens.shape[1]))
        # healthy: mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        x = self.block(x)  # fault: label_leak, attention_mask
        # healthy: x = self.block(x, src_mask=mask, is_causal=True)
        return self.head(x)


model = Decoder()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(16):
    for batch in torch.randperm(256).split(32):
        inputs, targets = text[batch, :-1], text[batch, 1:]
        logits = model(inputs)
        step_loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        step_loss.backward()
        optimizer.step()
    loss = step_loss.item()
    print(f"epoch {epoch}: {loss:.3f}")

with torch.no_grad():
    changed = text[:, :-1].clone()
    changed[:, -1] = (changed[:, -1] + 1) % VOCAB
    difference = (model(text[:, :-1]) - model(changed))[:, :-1]
sees_ahead = difference.abs().max().item()
