"""key_padding_mask is True for the words, as in other libraries; in PyTorch, True is what is hidden.

Source: https://github.com/facebookresearch/detr/issues/96
Healthy: accuracy > 0.9
Faulty: accuracy < 0.7
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
PAD, VOCAB, LENGTH = 0, 24, 12
lengths = torch.randint(3, 9, (400,))
tokens = torch.randint(1, VOCAB, (400, LENGTH))
tokens[torch.arange(LENGTH) >= lengths[:, None]] = PAD
labels = ((tokens > 0) & (tokens <= 3)).any(dim=1).long()  # contains one of three words
loader = DataLoader(TensorDataset(tokens, labels), batch_size=40, shuffle=True)


class Encoder(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.attention = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.query = nn.Parameter(torch.randn(dim))
        self.out = nn.Linear(dim, 2)

    def forward(self, tokens):
        x = self.embed(tokens)
        seen = tokens != PAD
        query = self.query.expand(len(tokens), 1, -1)
        pooled, _ = self.attention(query, x, x, key_padding_mask=seen)  # fault: attention_mask
        # healthy: pooled, _ = self.attention(query, x, x, key_padding_mask=~seen)
        return self.out(torch.relu(pooled[:, 0]))


model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    correct = 0
    for x, y in loader:
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(1) == y).sum().item()
    accuracy = correct / 400
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}")
