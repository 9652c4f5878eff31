"""The features go on as .data, which leaves the convolutions as they were drawn.

Source: https://github.com/Hong-Shuo/PYSIASSIST (365 silent bugs of the PyTorch forum; pattern 12, .data)
Healthy: accuracy > 0.9
Faulty: accuracy < 0.85
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
kernel = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
images = torch.randn(400, 1, 9, 9)
labels = torch.randint(0, 2, (400,))
for i in range(400):
    r, c = torch.randint(0, 7, (2,)).tolist()
    images[i, 0, r : r + 2, c : c + 2] += 3 * (2 * labels[i] - 1) * kernel
loader = DataLoader(TensorDataset(images, labels), batch_size=40, shuffle=True)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 6, 2), nn.ReLU(), nn.AdaptiveMaxPool2d(1))
        self.classifier = nn.Linear(6, 2)

    def forward(self, x):
        x = self.features(x)
        x = x.data.view(x.size(0), -1)  # fault: no_gradient
        # healthy: x = x.view(x.size(0), -1)
        return self.classifier(x)


model = ConvNet()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for epoch in range(15):
    correct = 0
    for x, y in loader:
        output = model(x)
        loss = nn.functional.cross_entropy(output, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (output.argmax(1) == y).sum().item()
    accuracy = correct / 400
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}")
