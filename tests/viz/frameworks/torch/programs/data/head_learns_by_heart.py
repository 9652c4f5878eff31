"""A large head on few rows learns them by heart: the loss of other rows grows while that of the training falls.

Source: https://github.com/jbohnslav/deepethogram/issues/8
Healthy: val_loss < 0.6
Faulty: val_loss > 1 and train_loss < 0.05
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
features = torch.randn(700, 40)  # of a pretrained backbone
labels = ((features[:, :4].sum(dim=1) + torch.randn(700)) > 0).long()
n_train = 100  # fault: overfit
# healthy: n_train = 500
train_loader = DataLoader(TensorDataset(features[:n_train], labels[:n_train]), batch_size=25, shuffle=True)
x_val, y_val = features[500:], labels[500:]

head = nn.Sequential(
    nn.Linear(40, 256),  # fault: overfit
    # healthy: nn.Linear(40, 16),
    nn.ReLU(),
    nn.Linear(256, 256),  # fault: overfit
    # healthy: nn.Dropout(0.3),
    # healthy: nn.Linear(16, 16),
    nn.ReLU(),
    nn.Linear(256, 2),  # fault: overfit
    # healthy: nn.Linear(16, 2),
)
optimizer = optim.Adam(head.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(40):
    # healthy: if epoch == 8:
    # healthy:     break
    head.train()
    losses = []
    for x, y in train_loader:
        loss = criterion(head(x), y)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    train_loss = sum(losses) / len(losses)
    head.eval()
    with torch.no_grad():
        val_loss = criterion(head(x_val), y_val).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1}: train {train_loss:.3f}, val {val_loss:.3f}")
