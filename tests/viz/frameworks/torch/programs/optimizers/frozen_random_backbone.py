"""All of the backbone is frozen as for fine-tuning, but no pretrained weights were loaded.

Source: https://github.com/yassouali/pytorch-segmentation/issues/83
Healthy: accuracy > 0.85
Faulty: accuracy < 0.7
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
images = torch.randn(400, 1, 10, 10)
rows = torch.arange(10.0)
stripes = torch.sin(1.6 * rows)
tilted = torch.rand(400) < 0.5
pattern = torch.where(tilted[:, None, None], stripes[None, :, None], stripes[None, None, :])
images = images + 0.6 * pattern[:, None] * torch.sign(torch.randn(400, 1, 1, 1))
loader = DataLoader(TensorDataset(images, tilted.long()), batch_size=40, shuffle=True)


class Net(nn.Module):
    def __init__(self, freeze_backbone=False):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.head = nn.Linear(6, 2)
        if freeze_backbone:
            for parameter in self.backbone.parameters():
                parameter.requires_grad = False  # or here

    def forward(self, x):
        return self.head(self.backbone(x))


model = Net(freeze_backbone=True)  # fault: frozen
# healthy: model = Net()
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)  # or here
for epoch in range(20):
    correct = 0
    for x, y in loader:
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (logits.argmax(1) == y).sum().item()
    accuracy = correct / 400
print(f"loss {loss.item():.3f}, accuracy {accuracy:.3f}")
