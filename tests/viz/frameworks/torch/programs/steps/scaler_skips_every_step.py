"""In float16 a sum overflows in each step: GradScaler skips all of them, and the scale goes towards zero.

Source: https://github.com/facebookresearch/WSL-Images/issues/9
Healthy: moved > 0.01 and scale > 100
Faulty: moved == 0 and scale < 1e-6
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
audio = torch.randn(256, 64)
loud = (audio.pow(2).mean(dim=1, keepdim=True) > 1).float()
loader = DataLoader(TensorDataset(audio, loud), batch_size=32, shuffle=True)


class Loudness(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 32)
        self.out = nn.Linear(2, 1)

    def forward(self, x):
        energy = (x * 200).to(self.fc(x).dtype).pow(2).sum(dim=1, keepdim=True)  # fault: nonfinite, frozen
        # healthy: energy = x.float().pow(2).sum(dim=1, keepdim=True)
        energy = (energy.float() - 64) / 12  # fault: nonfinite, frozen
        # healthy: energy = (energy - 64) / 12
        return self.out(torch.cat([energy, self.fc(x).float().relu().mean(dim=1, keepdim=True)], dim=1))


model = Loudness()
before = [p.clone() for p in model.parameters()]
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

for epoch in range(6):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            logits = model(x)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)  # or here
        scaler.update()
    print(f"epoch {epoch}: loss {loss.item():.4f}, scale {scaler.get_scale():g}")

moved = max((p - q).abs().max().item() for p, q in zip(model.parameters(), before))
scale = scaler.get_scale()
