"""The head is replaced after the optimizer was made, which goes on with the parameters of the old one.

Source: https://github.com/microsoft/nni/issues/4521
Healthy: accuracy > 0.99 and head_moved > 0.1
Faulty: accuracy < 0.99 and head_moved == 0
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
CLASSES = 8
prototypes = torch.randn(CLASSES, 20)
labels = torch.randint(0, CLASSES, (480,))
inputs = prototypes[labels] + 0.7 * torch.randn(480, 20)
train_loader = DataLoader(TensorDataset(inputs, labels), batch_size=32, shuffle=True)


class Model(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(20, 16), nn.ReLU())
        self.fc = nn.Linear(16, num_classes)

    def forward(self, x):
        return self.fc(self.backbone(x))


model = Model(num_classes=1000)
optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)  # fault: frozen
model.fc = nn.Linear(16, CLASSES)  # or here
# healthy: optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
head = model.fc.weight.detach().clone()

for epoch in range(8):
    correct = 0
    for x, y in train_loader:
        out = model(x)
        loss = nn.functional.cross_entropy(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (out.argmax(1) == y).sum().item()
    accuracy = correct / 480
    print(f"epoch {epoch}: accuracy {accuracy:.3f}")
head_moved = (model.fc.weight - head).abs().max().item()
