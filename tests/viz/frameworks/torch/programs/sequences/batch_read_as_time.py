"""An LSTM without batch_first gets (batch, time, features): it reads along the rows of the batch.

Source: https://github.com/closeheat/pytorch-lstm-text-generation-tutorial/issues/3
Healthy: accuracy > 0.9 and mixes == 0
Faulty: accuracy < 0.8 and mixes > 0
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
series = torch.randn(480, 8, 3)
labels = (series[:, :4, 0].sum(dim=1) > 0).long()  # what came first decides
loader = DataLoader(TensorDataset(series, labels), batch_size=40, shuffle=True)


class Model(nn.Module):
    def __init__(self, lstm_size=24):
        super().__init__()
        self.lstm = nn.LSTM(input_size=3, hidden_size=lstm_size)  # fault: channels_first
        # healthy: self.lstm = nn.LSTM(input_size=3, hidden_size=lstm_size, batch_first=True)
        self.fc = nn.Linear(lstm_size, 2)

    def forward(self, x):
        output, state = self.lstm(x)  # or here
        return self.fc(output[:, -1])


model = Model()
optimizer = optim.Adam(model.parameters(), lr=0.01)
for epoch in range(12):
    correct = 0
    for x, y in loader:
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(1) == y).sum().item()
    accuracy = correct / 480
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {accuracy:.3f}")
with torch.no_grad():
    other = series[:10].clone()
    other[0] += 1
    mixes = (model(series[:10]) - model(other))[1:].abs().max().item()
