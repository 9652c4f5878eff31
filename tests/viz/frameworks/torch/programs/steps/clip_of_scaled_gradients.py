"""Gradients are clipped while they are still multiplied with the scale of GradScaler: almost nothing is left of them.

Source: https://github.com/milesial/Pytorch-UNet/issues/468
Healthy: loss < 0.3
Faulty: loss > 0.6
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
x = torch.randn(512, 12)
y = (x[:, 0] - x[:, 1] + x[:, 2] > 0).float().unsqueeze(1)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
grad_scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
criterion = nn.BCEWithLogitsLoss()

for epoch in range(8):
    losses = []
    for inputs, target in loader:
        with torch.autocast("cpu", dtype=torch.float16):
            prediction = model(inputs)
        loss = criterion(prediction.float(), target)
        optimizer.zero_grad()
        grad_scaler.scale(loss).backward()
        # healthy: grad_scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # fault: lr_too_low
        # healthy: nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        grad_scaler.step(optimizer)  # or here
        grad_scaler.update()
        losses.append(loss.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {loss:.4f}")
