"""Makes a DDPMPipeline with random weights, to try torch_diffusers.py without a download.

    python3 make_tiny_pipeline.py FOLDER
"""

import sys

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python3 make_tiny_pipeline.py FOLDER")
    torch.manual_seed(0)
    network = UNet2DModel(
        sample_size=8, in_channels=3, out_channels=3, layers_per_block=1, block_out_channels=(8, 16), norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    DDPMPipeline(network, DDPMScheduler()).save_pretrained(sys.argv[1])


if __name__ == "__main__":
    main()
