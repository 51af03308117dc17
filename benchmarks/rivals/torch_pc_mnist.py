"""torch-pc, as its example examples/mnist.py: PCNetwork, train_pcn, test_pcn_classify.

https://pypi.org/project/torch-pc/ and https://github.com/NoahSchiro/torch-pc, examples/mnist.py, whose
values are kept: batches of 256, 80 steps of inference of 0.1, 3 steps of learning of 0.02, its
normalisation and its loaders. Other than there: hidden layers of 300 and 300 for 1000, 500 and 100, on the
CPU, and an evaluation after each epoch,.
"""
# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.14.1", "torchvision==0.29.1", "torch-pc==0.1.0", "scikit-learn==1.9.1"]
# [tool.arena]
# title = "torch-pc"
# environment = "torch"
# versions = ["torch-pc", "torch"]
# batch = 256
# sizes = "784-300-300-10"
# method = "predictive coding"
# how = "its example for MNIST, with hidden layers of 300"
# source = "https://github.com/NoahSchiro/torch-pc/blob/main/examples/mnist.py"
# more = [
#   "weights that go over to a network of PyTorch's, and from one",
#   "regression",
# ]
# ///

import os

import torch
from protocol import MEAN, ROOT, STD, quiet, report
from torch.utils.data import DataLoader
from torch_pc import PCNetwork, test_pcn_classify, train_pcn
from torchvision import datasets, transforms

BATCH_SIZE = 256
EPOCHS = 20
ETA_INFER = 0.1
ETA_LEARN = 0.02
INFER_STEPS = 80
T_LEARN = 3
DEVICE = torch.device("cpu")

if __name__ == "__main__":
    quiet()
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    train_ds = datasets.MNIST(root=ROOT, train=True, download=False, transform=transform)
    test_ds = datasets.MNIST(root=ROOT, train=False, download=False, transform=transform)
    loading = {"batch_size": BATCH_SIZE, "num_workers": os.cpu_count()}
    train_dl = DataLoader(train_ds, shuffle=True, **loading)
    test_dl = DataLoader(test_ds, shuffle=False, prefetch_factor=2, **loading)

    model = PCNetwork(dims=[784, 300, 300], output_dim=10)
    for epoch in range(EPOCHS):
        train_pcn(
            model=model,
            data_loader=train_dl,
            num_epochs=1,
            eta_infer=ETA_INFER,
            eta_learn=ETA_LEARN,
            infer_steps=INFER_STEPS,
            T_learn=T_LEARN,
            device=DEVICE,
        )
        top1, _ = test_pcn_classify(
            model=model,
            data_loader=test_dl,
            infer_steps=INFER_STEPS,
            eta_infer=ETA_INFER,
            device=DEVICE,
        )
        report((epoch + 1) * len(train_dl), 100 * top1)
