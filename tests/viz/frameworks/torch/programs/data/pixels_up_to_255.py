"""Pictures go into the network as they were read, with values from 0 to 255.

Source: https://github.com/huochaitiantang/pytorch-deep-image-matting/issues/12
Healthy: loss < 0.2
Faulty: loss > 0.4
"""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
rng = np.random.default_rng(0)


class Pictures(Dataset):
    def __init__(self, n):
        self.labels = rng.integers(0, 3, n)
        light = np.stack([np.eye(10)[rng.permutation(10)] for _ in range(n)])
        kind = self.labels[:, None, None]
        texture = np.where(kind == 1, light, np.where(kind == 2, 1 - light, 0.5))
        noise = rng.normal(0, 25, (n, 10, 10))
        self.images = np.clip(90 + 70 * texture + noise, 0, 255).astype("uint8")

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = torch.from_numpy(self.images[i]).float()  # fault: unscaled_input
        # healthy: image = (torch.from_numpy(self.images[i]).float() / 255 - 0.5) / 0.25
        return image.unsqueeze(0), self.labels[i]


loader = DataLoader(Pictures(300), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Flatten(), nn.Linear(100, 64), nn.Sigmoid(), nn.Linear(64, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(15):
    losses = []
    for x, y in loader:
        batch_loss = nn.functional.cross_entropy(model(x), y)  # or here
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {loss:.3f}")
