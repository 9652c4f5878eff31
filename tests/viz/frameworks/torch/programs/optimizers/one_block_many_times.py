"""A list is multiplied, so that all residual blocks are one and the same.

Source: https://github.com/deep-learning-with-pytorch/dlwpt-code/issues/89
Healthy: blocks == 4 and accuracy > 0.9
Faulty: blocks == 1
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
pictures = torch.randn(320, 1, 8, 8)
label = (pictures[:, 0, 2:6, 2:6].amax(dim=(1, 2)) > pictures[:, 0, :2].amax(dim=(1, 2)) + 0.2).long()
train_loader = DataLoader(TensorDataset(pictures, label), batch_size=32, shuffle=True)


class ResBlock(nn.Module):
    def __init__(self, n_chans):
        super().__init__()
        self.conv = nn.Conv2d(n_chans, n_chans, kernel_size=3, padding=1)
        self.batch_norm = nn.BatchNorm2d(num_features=n_chans)

    def forward(self, x):
        return torch.relu(self.batch_norm(self.conv(x))) + x


class NetResDeep(nn.Module):
    def __init__(self, n_chans1=8, n_blocks=4):
        super().__init__()
        self.conv1 = nn.Conv2d(1, n_chans1, kernel_size=3, padding=1)
        self.resblocks = nn.Sequential(*(n_blocks * [ResBlock(n_chans1)]))  # fault: bottleneck
        # healthy: self.resblocks = nn.Sequential(*[ResBlock(n_chans1) for _ in range(n_blocks)])
        self.fc = nn.Linear(n_chans1 * 16, 2)

    def forward(self, x):
        out = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        return self.fc(self.resblocks(out).flatten(1))


model = NetResDeep()
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    correct = 0
    for imgs, labels in train_loader:
        outputs = model(imgs)
        loss = nn.functional.cross_entropy(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct += (outputs.argmax(1) == labels).sum().item()
    accuracy = correct / 320

blocks = len({id(block) for block in model.resblocks})
count = sum(p.numel() for p in model.parameters())
print(f"accuracy {accuracy:.3f}, {blocks} different blocks, {count} parameters")
