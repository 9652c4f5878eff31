"""Pictures of (height, width, 3) are reshaped to (3, height, width), which tears them apart.

Source: https://github.com/clementchadebec/benchmark_VAE/issues/52
Healthy: accuracy > 0.95
Faulty: accuracy < 0.85
"""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
rng = np.random.default_rng(5)
SIDE = 12
labels = rng.integers(0, 4, 400)
rows, columns = np.mgrid[:SIDE, :SIDE]
data = np.empty((400, SIDE, SIDE, 3), "float32")
for picture, label in zip(data, labels):
    r, c = rng.integers(3, SIDE - 3, 2)
    shape = np.hypot(rows - r, columns - c) < 2.5 if label % 2 else (abs(rows - r) < 1) | (abs(columns - c) < 1)
    picture[:] = 0.25 * rng.normal(size=(SIDE, SIDE, 3)) - 0.5
    picture[..., 0 if label < 2 else 2] += shape

data = torch.from_numpy(data).reshape(-1, 3, SIDE, SIDE)  # fault: channels_first
# healthy: data = torch.from_numpy(data).permute(0, 3, 1, 2)
labels = torch.from_numpy(labels)
loader = DataLoader(TensorDataset(data, labels), batch_size=40, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(3, 12, 3),  # or here
    nn.ReLU(),
    nn.Conv2d(12, 12, 3),
    nn.ReLU(),
    nn.AdaptiveMaxPool2d(1),
    nn.Flatten(),
    nn.Linear(12, 4),
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    correct = 0
    for x, y in loader:
        output = model(x)  # or here
        loss = nn.functional.cross_entropy(output, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (output.argmax(1) == y).sum().item()
    accuracy = correct / 400
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {accuracy:.3f}")
