"""A plain PyTorch loop, as PyTorch's quickstart writes it, with its DataLoader.

https://docs.pytorch.org/tutorials/beginner/basics/quickstart_tutorial.html: the data set, the loaders, the
network `linear_relu_stack`, the functions `train` and `test`, batches of 64. Other than there: MNIST, 300
hidden units for 512, shuffled batches, eight epochs for five, and Adam at its default rate for SGD at 0.001,
which is slower to learn.
"""
# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.14.1", "torchvision==0.29.1", "torch-pc==0.1.0", "scikit-learn==1.9.1"]
# [tool.arena]
# title = "PyTorch, its tutorial's loop"
# environment = "torch"
# versions = ["torch", "torchvision"]
# batch = 64
# sizes = "784-300-300-10"
# method = "backprop"
# how = "the loop and the DataLoader of PyTorch's quickstart, with Adam, eight epochs"
# source = "https://docs.pytorch.org/tutorials/beginner/basics/quickstart_tutorial.html"
# ///

import torch
from protocol import ROOT, report
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.transforms import ToTensor

training_data = datasets.MNIST(root=ROOT, train=True, download=False, transform=ToTensor())
test_data = datasets.MNIST(root=ROOT, train=False, download=False, transform=ToTensor())

batch_size = 64
train_dataloader = DataLoader(training_data, batch_size=batch_size, shuffle=True)
test_dataloader = DataLoader(test_data, batch_size=batch_size)


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28 * 28, 300),
            nn.ReLU(),
            nn.Linear(300, 300),
            nn.ReLU(),
            nn.Linear(300, 10),
        )

    def forward(self, x):
        x = self.flatten(x)
        logits = self.linear_relu_stack(x)
        return logits


model = NeuralNetwork()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters())


def train(dataloader, model, loss_fn, optimizer):
    model.train()
    for X, y in dataloader:
        # Compute prediction error
        pred = model(X)
        loss = loss_fn(pred, y)

        # Backpropagation
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def test(dataloader, model):
    model.eval()
    correct = 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X)
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    return 100 * correct / len(dataloader.dataset)


epochs = 8
for t in range(epochs):
    train(train_dataloader, model, loss_fn, optimizer)
    report((t + 1) * len(train_dataloader), test(test_dataloader, model))
