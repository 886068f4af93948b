"""Diffusion models in PyTorch, with the schedules, samplers and random streams of dis-eval."""
