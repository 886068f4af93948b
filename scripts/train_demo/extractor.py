"""The feature extractor of the demonstration: a small convolutional classifier of 28x28 grey images."""

import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

WIDTHS = (32, 64, 96)
FEATURES = 128


class Extractor(nn.Module):
    """Three times convolution, ReLU, 2x2 max pooling (28 -> 14 -> 7 -> 3); then 128 features, ReLU, 10 logits.

    Input: [N, 1, 28, 28], bytes as byte / 127.5 - 1. The features are those before the ReLU, so none is ever dead.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, WIDTHS[0], 3, padding=1)
        self.conv2 = nn.Conv2d(WIDTHS[0], WIDTHS[1], 3, padding=1)
        self.conv3 = nn.Conv2d(WIDTHS[1], WIDTHS[2], 3, padding=1)
        self.fc1 = nn.Linear(WIDTHS[2] * 9, FEATURES)
        self.fc2 = nn.Linear(FEATURES, 10)

    def convolutions(self):
        return [self.conv1, self.conv2, self.conv3]

    def features(self, x):
        for conv in self.convolutions():
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.fc1(x.flatten(1))

    def logits(self, features):
        return self.fc2(F.relu(features))

    def forward(self, x):
        return self.logits(self.features(x))


def load(path):
    """The extractor with the weights of a safetensors file, ready for inference."""
    model = Extractor()
    model.load_state_dict(load_file(path))
    return model.eval().requires_grad_(False)
