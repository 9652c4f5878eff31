"""validate() puts the model into evaluation mode, and nothing puts it back: after the first epoch no unit is dropped.

Source: https://github.com/shubhamagarwal92/mmd/issues/14
Healthy: dropped == 10
Faulty: dropped == 1
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(500, 12)
y = (x[:, 0] * x[:, 1] > 0).long()
train_loader = DataLoader(TensorDataset(x[:400], y[:400]), batch_size=40, shuffle=True)
val_loader = DataLoader(TensorDataset(x[400:], y[400:]), batch_size=50)

model = nn.Sequential(
    nn.Linear(12, 64),
    nn.ReLU(),
    nn.Dropout(0.3),  # or here
    nn.Linear(64, 32),
    nn.ReLU(),
    nn.Linear(32, 2),
)
optimizer = optim.Adam(model.parameters(), lr=5e-3)


def evaluate():
    model.eval()  # or here
    with torch.no_grad():
        correct = sum((model(inputs).argmax(1) == labels).sum().item() for inputs, labels in val_loader)
    return correct / len(val_loader.dataset)


model.train()  # fault: dropout_idle
dropped = 0
for epoch in range(10):
    # healthy: model.train()
    for inputs, labels in train_loader:
        loss = nn.functional.cross_entropy(model(inputs), labels)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    dropped += model[2].training
    print(f"epoch {epoch}: loss {loss.item():.3f}, validation accuracy {evaluate():.3f}")
