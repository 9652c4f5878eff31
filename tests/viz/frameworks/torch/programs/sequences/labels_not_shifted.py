"""A causal model gets its inputs as labels, unshifted: it learns to repeat the word that it reads.

Source: https://github.com/huggingface/transformers/issues/27517
Healthy: next_word > 0.95
Faulty: next_word < 0.2 and loss < 0.05
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)
VOCAB = 15
order = torch.randperm(VOCAB)  # a language in which each word has one successor
first = torch.randint(0, VOCAB, (300,))
sentences = [first]
for _ in range(8):
    sentences.append(order[sentences[-1]])
input_ids = torch.stack(sentences, dim=1)
loader = DataLoader(TensorDataset(input_ids), batch_size=30, shuffle=True)


class CausalLM(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.lm_head = nn.Linear(dim, VOCAB)

    def forward(self, input_ids, labels=None):
        logits = self.lm_head(self.rnn(self.embed(input_ids))[0])
        loss = None
        if labels is not None:
            loss_fct = nn.CrossEntropyLoss()
            loss = loss_fct(logits.view(-1, VOCAB), labels.view(-1))  # fault: label_leak
            # healthy: loss = loss_fct(logits[:, :-1].reshape(-1, VOCAB), labels[:, 1:].reshape(-1))
        return loss, logits


model = CausalLM()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
for epoch in range(10):
    for (ids,) in loader:
        loss, _ = model(ids, labels=ids)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")

with torch.no_grad():
    answers = model(input_ids[:, :-1])[1].argmax(dim=-1)
next_word = (answers == input_ids[:, 1:]).float().mean().item()
print(f"next word right: {next_word:.3f}")
