"""A mask is predicted by a network that ends with a sigmoid, and the loss applies another.

Source: https://github.com/avBuffer/UNet3plus_pth/issues/23
Healthy: loss < 0.15
Faulty: loss > 0.55
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
images = torch.rand(96, 1, 16, 16)
smooth = nn.functional.avg_pool2d(images, 3, stride=1, padding=1)
masks = (smooth > 0.5).float()
loader = DataLoader(TensorDataset((images - 0.5) * 3.4, masks), batch_size=16, shuffle=True)


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.out = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        x = self.out(self.body(x))
        return torch.sigmoid(x)  # fault: loss_mismatch
        # healthy: return x


model = Segmenter()
criterion = nn.BCEWithLogitsLoss()  # or here
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for epoch in range(12):
    losses = []
    for image, mask in loader:
        loss = criterion(model(image), mask)  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch + 1:2d}  bce {loss:.4f}")
