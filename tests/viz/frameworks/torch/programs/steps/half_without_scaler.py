"""Gradients are rounded to zero in float16, since no GradScaler multiplies the loss.

Source: https://github.com/warner-benjamin/optimi/pull/15
Healthy: pixel_error < 0.3
Faulty: moved == 0
"""

import torch
from torch import nn

torch.manual_seed(4)
codes = torch.randn(512, 12)
images = torch.tanh(codes @ torch.randn(12, 256) * 0.4)
weights = {"pixel": 1e-4, "prior": 1e-6}  # of the parts of the loss


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(12, 64)
        self.outer = nn.Linear(64, 256)

    def forward(self, code):
        return self.outer(torch.relu(self.inner(code)))


model = Decoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
before = model.inner.weight.detach().clone()
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
for epoch in range(8):
    for batch in torch.randperm(512).split(64):
        with torch.autocast("cpu", dtype=torch.float16):
            output = model(codes[batch])
        pixel_loss = (output.float() - images[batch]).pow(2).mean()
        loss = weights["pixel"] * pixel_loss + weights["prior"] * output.float().pow(2).mean()
        optimizer.zero_grad()
        loss.backward()  # fault: vanishing_gradient, no_gradient, frozen
        optimizer.step()  # fault: vanishing_gradient, no_gradient, frozen
        # healthy: scaler.scale(loss).backward()
        # healthy: scaler.step(optimizer)
        # healthy: scaler.update()
    print(f"epoch {epoch}: {pixel_loss.item():.4f}")
pixel_error = pixel_loss.item()
moved = (model.inner.weight - before).abs().max().item()
