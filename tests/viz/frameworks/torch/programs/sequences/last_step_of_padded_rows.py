"""A GRU reads each sequence to the end of its padding, and the state after it decides.

Source: https://github.com/ray-project/ray/issues/21392
Healthy: accuracy > 0.9
Faulty: accuracy < 0.75
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
PAD, VOCAB, LONGEST = 0, 16, 60
lengths = torch.randint(3, 8, (400,))
tokens = torch.randint(1, VOCAB, (400, LONGEST))
tokens[torch.arange(LONGEST) >= lengths[:, None]] = PAD
labels = (tokens[:, 0] > 8).long()
loader = DataLoader(TensorDataset(tokens, lengths, labels), batch_size=40, shuffle=True)


class SequenceClassifier(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.rnn = nn.RNN(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, 2)

    def forward(self, tokens, lengths):
        states, _ = self.rnn(self.embed(tokens))
        last = states[:, -1]  # fault: vanishing_gradient
        # healthy: last = states[torch.arange(len(tokens)), lengths - 1]
        return self.out(last)


model = SequenceClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(15):
    correct = 0
    for x, n, y in loader:
        logits = model(x, n)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(1) == y).sum().item()
    accuracy = correct / 400
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {accuracy:.3f}")
