"""A rate of 0.5, as for SGD, is given to Adam: the units die in the first steps, and all rows get one answer.

Source: https://discuss.pytorch.org/t/cross-entropy-loss-is-not-decreasing/43814/16
Healthy: accuracy > 0.9
Faulty: accuracy < 0.6
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
CLASSES = 10
prototypes = torch.randn(CLASSES, 24)
labels = torch.randint(0, CLASSES, (600,))
images = prototypes[labels] + 0.7 * torch.randn(600, 24)
loader = DataLoader(TensorDataset(images, labels), batch_size=30, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [24, 64, 64, 64]
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.out = nn.Linear(64, CLASSES)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(x)


net = Net()
optimizer = optim.Adam(net.parameters(), lr=0.5)  # fault: lr_too_high, dead_relu
# healthy: optimizer = optim.Adam(net.parameters(), lr=0.002)
criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    correct, total = 0, 0.0
    for x, y in loader:
        output = net(x)
        loss = criterion(output, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()  # or here
        total += loss.item()
        correct += (output.argmax(1) == y).sum().item()
    accuracy = correct / 600
    print(f"epoch {epoch} loss = {total / len(loader):.4f} accuracy {accuracy:.3f}")
