"""The heads of an attention are joined by a reshape alone, which mixes the positions.

Source: https://github.com/jsbaan/transformer-from-scratch/pull/6
Healthy: accuracy > 0.9
Faulty: accuracy < 0.8
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
VOCAB, LENGTH, HEADS = 10, 8, 4
tokens = torch.randint(0, VOCAB, (500, LENGTH))
largest = tokens.max(dim=1, keepdim=True).values
labels = (tokens == largest).long() + 2 * (tokens < 5)  # for each position


class SelfAttention(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.qkv_proj = nn.Linear(dim, 3 * dim)
        self.o_proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, length, dim = x.shape
        qkv = self.qkv_proj(x).reshape(batch, length, HEADS, -1).transpose(1, 2)
        values = F.scaled_dot_product_attention(*qkv.chunk(3, dim=-1))
        values = values.reshape(batch, length, dim)  # fault: channels_first
        # healthy: values = values.permute(0, 2, 1, 3).reshape(batch, length, dim)
        return self.o_proj(values)


class Tagger(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.attention = SelfAttention(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, tokens):
        x = self.embed(tokens)
        return self.mlp(torch.relu(self.attention(x)))


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(18):
    correct = 0
    for batch in torch.randperm(500).split(50):
        logits = model(tokens[batch])
        loss = F.cross_entropy(logits.transpose(1, 2), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(2) == labels[batch]).sum().item()
    accuracy = correct / labels.numel()
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}")
