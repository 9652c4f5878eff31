"""A text classifier ends with a softmax and is trained with NLLLoss, which wants its logarithm.

Source: https://github.com/AnubhavGupta3377/Text-Classification-Models-Pytorch/issues/9
Healthy: 0 < train_loss < 0.2
Faulty: train_loss < -0.5
"""

import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
VOCAB, LENGTH, CLASSES = 60, 12, 4
labels = torch.randint(0, CLASSES, (512,))
words = torch.randint(0, VOCAB, (512, LENGTH))
words[:, :3] = labels[:, None] * 5 + torch.randint(0, 5, (512, 3))  # three words of the topic
loader = DataLoader(TensorDataset(words, labels), batch_size=32, shuffle=True)


class TextClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 32)
        self.hidden = nn.Linear(32, 32)
        self.classifier = nn.Linear(32, CLASSES)

    def forward(self, tokens):
        x = self.embedding(tokens).mean(dim=1)
        x = F.relu(self.hidden(x))
        return F.softmax(self.classifier(x), dim=1)  # fault: loss_mismatch
        # healthy: return F.log_softmax(self.classifier(x), dim=1)


model = TextClassifier()
optimizer = optim.Adam(model.parameters(), lr=0.01)
loss_op = nn.NLLLoss()  # or here
for epoch in range(8):
    running = []
    for tokens, target in loader:
        optimizer.zero_grad()
        loss = loss_op(model(tokens), target)  # or here
        loss.backward()
        optimizer.step()
        running.append(loss.item())
    train_loss = sum(running) / len(running)
    print("Epoch", epoch, "loss", train_loss)
