"""Checks of the training code. REFERENCE_TORCH (a folder with refdis.py and its shim) and REFERENCE_REPOS (unpacked
originals) add a comparison with the original model: python -m pytest test_train_demo.py, or run this file."""

import os
import pathlib
import sys
import tempfile

import torch

import diffusion_process
import dis_model
import mixer_ops
import samplers
import training


def scan_arguments(batch=3, tokens=11, dim=32, seed=0):
    """Random, well-scaled arguments of BidirectionalScan."""
    g = torch.Generator().manual_seed(seed)
    inner, rank = 2 * dim, dim // 16

    def normal(*shape, std=1.0):
        return torch.randn(shape, generator=g) * std

    return [
        normal(batch, tokens, 2 * inner),
        normal(2, inner, 4, std=0.5),
        normal(2, inner, std=0.1),
        normal(2, rank + 32, inner, std=inner**-0.5),
        normal(2, inner, rank),
        normal(2, inner) - 1,
        -torch.rand(2, inner, 16, generator=g) * 8,
        normal(2, inner),
    ]


def relative_error(value, expected):
    return ((value.double() - expected.double()).norm() / expected.double().norm()).item()


def check_gradients(fused, plain, arguments, tolerance, weights=None):
    """Outputs and gradients of `fused` (float32) against `plain` in float64."""
    narrow = [a.clone().requires_grad_() for a in arguments]
    wide = [a.double().requires_grad_() for a in arguments]
    out, expected = fused(*narrow), plain(*wide)
    out, expected = (out, expected) if isinstance(out, tuple) else ((out,), (expected,))
    probes = [torch.randn(o.shape, generator=torch.Generator().manual_seed(i)) for i, o in enumerate(out)]
    for o, e in zip(out, expected, strict=True):
        assert relative_error(o, e) < tolerance
    sum((o * p).sum() for o, p in zip(out, probes, strict=True)).backward()
    sum((e * p.double()).sum() for e, p in zip(expected, probes, strict=True)).backward()
    for i, (n, w) in enumerate(zip(narrow, wide, strict=True)):
        assert relative_error(n.grad, w.grad) < tolerance, (i, relative_error(n.grad, w.grad))


def test_scan_gradients():
    check_gradients(mixer_ops.BidirectionalScan.apply, mixer_ops.plain_bidirectional_scan, scan_arguments(), 2e-6)


def test_plain_scan_gradients_by_differences():
    arguments = [a.double().requires_grad_() for a in scan_arguments(batch=1, tokens=3, dim=16)]
    assert torch.autograd.gradcheck(mixer_ops.plain_bidirectional_scan, arguments, fast_mode=True)


def test_norm_gradients():
    g = torch.Generator().manual_seed(0)
    arguments = [torch.randn(2, 5, 32, generator=g), torch.randn(2, 5, 32, generator=g), torch.rand(32, generator=g)]
    check_gradients(
        lambda h, r, w: mixer_ops.AddRmsNorm.apply(h, r, w, 1e-5, torch.float32),
        lambda h, r, w: mixer_ops.plain_add_rms_norm(h, r, w, 1e-5, torch.float64),
        arguments,
        2e-6,
    )


def test_bfloat16_scan_is_close():
    arguments = scan_arguments(tokens=51)
    half = [arguments[0].bfloat16(), *arguments[1:]]
    expected = mixer_ops.plain_bidirectional_scan(*arguments)
    assert relative_error(mixer_ops.BidirectionalScan.apply(*half), expected) < 1e-2


def random_model(**shape):
    """A model in which every parameter is random, and inputs."""
    torch.manual_seed(0)
    model = dis_model.DiS(dim=64, depth=4, **shape)
    for name, p in model.named_parameters():
        if "final_layer" in name or name.endswith("bias") and "dt_proj" not in name:
            torch.nn.init.normal_(p, std=0.2)
    x, t, y = torch.randn(4, 1, 28, 28), torch.tensor([0, 3, 500, 999]), torch.tensor([0, 9, 10, 4])
    return model.eval().requires_grad_(False), x, t, y


def test_fused_model_equals_plain():
    model, x, t, y = random_model()
    fused = model(x, t, y)
    model.double().precision = dis_model.Precision(torch.float64, fused=False)
    assert relative_error(fused, model(x.double(), t, y)) < 1e-5


def test_interrupted_training():
    """Four steps at once and in two parts give the same bytes, of every kind of network that the study trains."""
    images, labels = torch.randint(0, 256, (600, 1, 28, 28)) / 127.5 - 1, torch.randint(0, 10, (600,))
    small = dict(patch_size=7, dim=32, depth=2)
    for family, shape in [
        ("dis", small),
        ("dis", small | dict(skips=False, label_token=False)),
        ("dis", small | dict(classes=None)),
        ("uvit", small | dict(heads=1)),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            weights = []
            for name, stops in (("whole", [4]), ("parts", [1, 4])):
                for stop in stops:
                    run = training.Training(
                        family, shape, 3, training.Schedule(), images, labels, pathlib.Path(folder) / name, batch=200
                    )
                    run.run(until=stop)
                weights.append(run.weights())
            assert list(weights[0]) == list(weights[1])
            assert all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True)), family


def test_trainings_share_their_data():
    """With one seed, models see the same images, labels, times and noise; with another, others."""
    images, labels = torch.arange(600).float().view(600, 1, 1, 1).expand(-1, 1, 28, 28), torch.arange(600) % 10
    with tempfile.TemporaryDirectory() as folder:

        def draw(family, seed, shape, step=4):
            run = training.Training(
                family, shape, seed, training.Schedule(), images, labels, pathlib.Path(folder) / "x", batch=200
            )
            return run.draw(step)

        first = draw("dis", 0, dict(patch_size=7, dim=32, depth=2))
        second = draw("uvit", 0, dict(patch_size=7, dim=48, depth=2, heads=1))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
        other = draw("dis", 1, dict(patch_size=7, dim=32, depth=2))
        assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))
        # An epoch has every image once, and the share of labels that are dropped is about a tenth.
        run = [draw("dis", 0, dict(patch_size=7, dim=32, depth=2), step) for step in range(3)]
        assert sorted(int(x[0, 0, 0]) for step in run for x in step[0]) == list(range(600))
        dropped = sum((step[1] == 10).sum().item() for step in run)
        assert 30 <= dropped <= 100


def original():
    """The module that loads the originals, or None."""
    if "REFERENCE_TORCH" not in os.environ:
        print("skipped: REFERENCE_TORCH is not set")
        return None
    sys.path.insert(0, os.environ["REFERENCE_TORCH"])
    import refdis

    torch.use_deterministic_algorithms(False)
    return refdis


def test_model_equals_original():
    if refdis := original():
        for shape in ({}, {"skips": False}, {"classes": None}):
            model, x, t, y = random_model(**shape)
            state = model.state_dict()
            published, _ = refdis.build(state, "float32")
            assert [(k, v.shape) for k, v in published.state_dict().items()] == [(k, v.shape) for k, v in state.items()]
            labels = None if "classes" in shape else y
            assert relative_error(model(x, t, y), published(x, t, labels)) < 1e-5


def test_losses_equal_original():
    if refdis := original():
        g = torch.Generator().manual_seed(0)
        x0 = (torch.rand(6, 1, 28, 28, generator=g) * 2.2 - 1.1).clamp(-1, 1)
        noise, output = torch.randn(6, 1, 28, 28, generator=g), torch.randn(6, 2, 28, 28, generator=g) * 0.5
        t = torch.tensor([0, 0, 1, 20, 500, 999])
        terms = refdis.create_diffusion("").training_losses(lambda *_: output, x0, t, {}, noise)
        process = diffusion_process.Diffusion()
        mse, bound = process.losses(output, x0, process.noisy(x0, t, noise), t, noise)
        for value, expected in ((mse, terms["mse"]), (bound, terms["vb"])):
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)


def test_samplers_equal_original():
    if refdis := original():
        model, x, _, y = random_model()
        network, timesteps = samplers.guided(model, 1), samplers.respaced(25)
        process = refdis.create_diffusion("25")
        options = dict(noise=x, clip_denoised=False, model_kwargs=dict(labels=y), device="cpu")
        expected = process.ddim_sample_loop(model, x.shape, **options)
        assert relative_error(samplers.ddim(network, x, y, timesteps), expected) < 1e-3
        torch.manual_seed(1)
        expected = process.p_sample_loop(model, x.shape, **options)
        torch.manual_seed(1)
        assert relative_error(samplers.ddpm(network, x, y, timesteps), expected) < 1e-3


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("test_"):
            check()
            print("ok", name)
