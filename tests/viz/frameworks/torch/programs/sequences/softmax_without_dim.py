"""softmax without dim takes the first axis of three: attention over the batch instead of over the words.

Source: https://github.com/motokimura/capsnet_pytorch/pull/1
Healthy: abs(total - 1) < 1e-4 and accuracy > 0.9
Faulty: total < 0.5
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
words = torch.randn(500, 9, 6)
marked = torch.randint(0, 9, (500,))
words[:, :, 0] = 0.0
words[torch.arange(500), marked, 0] = 3.0  # the word that counts
labels = (words[torch.arange(500), marked, 1] > 0).long()
loader = DataLoader(TensorDataset(words, labels), batch_size=50, shuffle=True)


class AttentionPooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(6, 1)
        self.out = nn.Linear(6, 2)

    def attend(self, x):
        return F.softmax(self.score(x))  # fault: softmax_axis
        # healthy: return F.softmax(self.score(x), dim=1)

    def forward(self, x):
        return self.out((self.attend(x) * x).sum(dim=1))


model = AttentionPooling()
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
for epoch in range(20):
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    total = model.attend(words[:64]).sum(dim=1).mean().item()
    accuracy = sum((model(x).argmax(1) == y).sum().item() for x, y in loader) / 500
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}, weights of a sentence sum to {total:.3f}")
