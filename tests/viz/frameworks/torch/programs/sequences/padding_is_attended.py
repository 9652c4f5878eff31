"""Padding isn't hidden from the attention: the same sentence gets another answer beside a longer one.

Source: https://github.com/jingyaogong/minimind-v/issues/76
Healthy: changed < 1e-5 and accuracy > 0.9
Faulty: changed > 0.1
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
PAD, VOCAB, LONGEST = 0, 20, 14
lengths = torch.randint(3, LONGEST + 1, (400,))
tokens = torch.randint(1, VOCAB, (400, LONGEST))
tokens[torch.arange(LONGEST) >= lengths[:, None]] = PAD
mood = torch.randn(VOCAB)
mood[PAD] = 0
labels = (mood[tokens].sum(dim=1) > 0).long()


class Classifier(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.attention = nn.MultiheadAttention(dim, num_heads=4, batch_first=True)
        self.query = nn.Parameter(torch.randn(1, 1, dim))
        self.fc = nn.Linear(dim, 2)

    def forward(self, tokens):
        x = self.embed(tokens)
        query = self.query.expand(len(tokens), -1, -1)
        pooled, _ = self.attention(query, x, x)  # fault: attention_mask
        # healthy: pooled, _ = self.attention(query, x, x, key_padding_mask=tokens == PAD)
        return self.fc(torch.relu(pooled.squeeze(1)))


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    correct = 0
    for batch in torch.randperm(400).split(40):
        logits = model(tokens[batch])
        loss = F.cross_entropy(logits, labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(1) == labels[batch]).sum().item()
    accuracy = correct / 400
with torch.no_grad():
    longer = F.pad(tokens, (0, 20), value=PAD)
    changed = (model(tokens) - model(longer)).abs().max().item()
print(f"accuracy {accuracy:.3f}, with more padding logits change by {changed:.3f}")
