"""The best weights are remembered by a reference: state_dict() is no copy, it goes on with the training.

Source: https://github.com/pytorch/tutorials/pull/188
Healthy: abs(restored - best_loss) < 1e-6
Faulty: restored > best_loss + 0.01
"""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(9)
x = torch.randn(600, 10)
y = (x[:, 0] + 0.5 * x[:, 1] + 0.8 * torch.randn(600) > 0).long()
train_loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=16, shuffle=True)
x_val, y_val = x[300:], y[300:]

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)


def validate():
    model.eval()
    with torch.no_grad():
        return criterion(model(x_val), y_val).item()


initial = copy.deepcopy(model.state_dict())
best_loss, best_model_wts = float("inf"), initial
for epoch in range(14):
    model.train()
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
    val_loss = validate()
    if val_loss < best_loss:
        best_loss = val_loss
        best_model_wts = model.state_dict()  # fault: callback_mismatch
        # healthy: best_model_wts = copy.deepcopy(model.state_dict())

model.load_state_dict(best_model_wts)
restored = validate()
print(f"best validation loss {best_loss:.4f}, after loading the best weights {restored:.4f}")
