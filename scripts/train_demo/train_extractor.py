"""Trains the feature extractor (a Fashion-MNIST classifier), and folds batch norm into its convolutions."""

import argparse
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

import extractor
import fashion

OUT = pathlib.Path(__file__).parents[2] / "reference_stats" / "fashion-mnist-extractor.safetensors"
MAX_SHIFT = 2


class Normalised(nn.Module):
    """The extractor with a batch norm after every convolution and dropout before the features; only for training."""

    def __init__(self):
        super().__init__()
        self.base = extractor.Extractor()
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in extractor.WIDTHS)

    def forward(self, x):
        for conv, norm in zip(self.base.convolutions(), self.norms, strict=True):
            x = F.max_pool2d(F.relu(norm(conv(x))), 2)
        return self.base.logits(self.base.fc1(F.dropout(x.flatten(1), 0.3, self.training)))

    def folded(self):
        """A plain extractor that computes the same outputs."""
        plain = extractor.Extractor()
        plain.load_state_dict(self.base.state_dict())
        with torch.no_grad():
            for conv, norm in zip(plain.convolutions(), self.norms, strict=True):
                gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
                conv.weight.mul_(gain[:, None, None, None])
                conv.bias.copy_((conv.bias - norm.running_mean) * gain + norm.bias)
        return plain.eval()


def shifted(images):
    """Moves all images of a batch by the same random offset of at most MAX_SHIFT pixels, and fills with black."""
    dy, dx = torch.randint(0, 2 * MAX_SHIFT + 1, (2,)).tolist()
    return F.pad(images, [MAX_SHIFT] * 4, value=-1.0)[:, :, dy : dy + 28, dx : dx + 28]


@torch.no_grad()
def accuracy(model, images, labels):
    hits = [(model(x).argmax(1) == y).sum() for x, y in zip(images.split(1000), labels.split(1000), strict=True)]
    return (sum(hits) / len(labels)).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    parser.add_argument("--data", default=fashion.FOLDER)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images, labels = fashion.load("train", args.data)
    images, labels = fashion.to_float(images), labels.long()
    model = Normalised().to(memory_format=torch.channels_last)
    steps = args.epochs * (len(images) // args.batch)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps, pct_start=0.2)
    for epoch in range(args.epochs):
        total = 0.0
        for index in torch.randperm(len(images)).split(args.batch)[: len(images) // args.batch]:
            with torch.autocast("cpu", torch.bfloat16):
                scores = model(shifted(images[index]).contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(scores.float(), labels[index], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} loss {total * args.epochs / steps:.4f}", flush=True)

    plain = model.eval().folded()
    test_images, test_labels = fashion.load("t10k", args.data)
    score = accuracy(plain, fashion.to_float(test_images), test_labels)
    print(f"test accuracy {score:.4f}")
    about = {
        "format": "pt",
        "architecture": "fashion-classifier",
        "test_accuracy": f"{score:.4f}",
        "trained_on": "Fashion-MNIST train",
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in plain.state_dict().items()}, args.out, metadata=about)


if __name__ == "__main__":
    main()
