"""A helper that looks at the model's blobs switches it to evaluation before the loss is computed.

Source: https://github.com/ServiceNow/LCFCN/issues/20
Healthy: statistics > 0.1 and loss < 0.1
Faulty: statistics == 0
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
images = 0.3 * torch.randn(160, 1, 12, 12) + 0.5
points = (nn.functional.avg_pool2d(images, 3, stride=1, padding=1) > 0.6).float()
loader = DataLoader(TensorDataset(images, points), batch_size=16, shuffle=True)

model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1),
    nn.BatchNorm2d(8),  # or here
    nn.ReLU(),
    nn.Conv2d(8, 8, 1),
    nn.ReLU(),
    nn.Conv2d(8, 1, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)


@torch.no_grad()
def get_blob_dict(model, batch):
    model.eval()  # fault: batchnorm_misuse
    # healthy: model.eval()
    blobs = (model(batch) > 0).sum(dim=(1, 2, 3))
    # healthy: model.train()
    return {"n_blobs": blobs}


for epoch in range(12):
    losses = []
    model.train()
    for image, point in loader:
        blob_dict = get_blob_dict(model, image)
        logits = model(image)  # or here
        batch_loss = nn.functional.binary_cross_entropy_with_logits(logits, point)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {loss:.4f}, {blob_dict['n_blobs'].float().mean():.1f} pixels")
statistics = model[1].running_mean.abs().max().item()
