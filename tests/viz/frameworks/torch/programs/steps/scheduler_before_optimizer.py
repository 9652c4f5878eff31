"""The scheduler steps at the beginning of each epoch, which skips the first rate of the schedule.

Source: https://github.com/zju3dv/NeuralRecon/issues/51
Healthy: used[0] == 0.02 and loss < 0.2
Faulty: used[0] < 0.003 and loss > 0.25
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
voxels = torch.randn(2000, 10)
occupied = (voxels[:, :3].norm(dim=1) < voxels[:, 3:6].norm(dim=1)).float()
TrainImgLoader = DataLoader(TensorDataset(voxels, occupied), batch_size=25, shuffle=True)


class Occupancy(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.fc(x).squeeze(1)


model = Occupancy()
optimizer = optim.Adam(model.parameters(), lr=0.02)
lr_scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 2], gamma=0.1)  # or here
used = []

for epoch_idx in range(3):
    lr_scheduler.step()  # fault: callback_mismatch
    used.append(optimizer.param_groups[0]["lr"])
    losses = []
    for sample, label in TrainImgLoader:
        optimizer.zero_grad()
        batch_loss = nn.functional.binary_cross_entropy_with_logits(model(sample), label)
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss.item())
    # healthy: lr_scheduler.step()
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch_idx}: lr {used[-1]:g}, loss {loss:.4f}")
