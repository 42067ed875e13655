"""Augmentations in a training: what batches become, what does not change, and that nothing is forgotten."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from specnet.data.augmentation import Sizes, Work
from specnet.engines.random import stream
from specnet.interchange.exporting import Exported, numpy_program
from specnet.training.loop import Trainer
from tests.support.memory import growth_of_epochs, taken, trainer_maker
from tests.support.resuming import check

IMAGES = [
    {"type": "flip"},
    {"type": "flip", "direction": "vertical", "probability": 0.2},
    {"type": "pad_crop", "padding": 1},
    {"type": "shift", "vertical": 0.1, "horizontal": 0.2},
    {"type": "rotate", "degrees": 20},
    {"type": "cutout", "size": 3},
]
MIXUP = {"type": "mixup", "alpha": 1.0}
SCALED = {"type": "scale", "factor": 0.0625}
SHAPED = {"type": "reshape", "shape": [8, 8, 1]}
DENSE = [{"type": "flatten"}, {"type": "dense", "units": 10}]


def document(augmentations, *, layers=DENSE, data=None, dtype="float32", loss="cross_entropy", **training):
    source = {"type": "builtin", "name": "digits", "split": {"validation": 0.8}} | (data or {})
    source = {"transforms": [SCALED, SHAPED]} | source | {"augmentations": augmentations}
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "name": "digits",
                "dtype": dtype,
                "data": source,
                "layers": layers,
                "loss": loss,
                "training": {"epochs": 2, **training},
            }
        )
    )


def trainer_of(spec):
    data = load_data(spec.data, spec.source.folder, seed=spec.seed, dtype=spec.dtype)
    return Trainer(specnet.compile(spec), data), data


@pytest.mark.parametrize("batch_size", [100, "full"])
def test_batches_pass_through_all_in_order_each_with_a_stream_of_its_own(batch_size):
    spec = document([*IMAGES, MIXUP], batch_size=batch_size)
    trainer, data = trainer_of(spec)
    train = data.splits["train"]
    kept = train.inputs.copy()
    names = ["flip_1", "flip_2", "pad_crop_1", "shift_1", "rotate_1", "cutout_1", "mixup_1"]
    streams = [stream(0, f"augment/{name}") for name in names]
    trainer.feed.begin()
    sizes = []
    for batch in trainer.feed.batches:
        trainer.feed.fetch(batch)
        x = train.inputs[batch.places].copy()
        t = np.eye(10, dtype=np.float32)[train.targets[batch.places]]
        for kind, draw in zip(spec.data.augmentations, streams, strict=True):
            scratch = kind.scratch(Sizes(len(x), (8, 8, 1), (10,), "float32"))
            kind.bind(Work(x, t, draw, {n: np.empty(s, d) for n, (s, d) in scratch.items()}))()
        np.testing.assert_array_equal(batch.arrays["inputs"], x)
        np.testing.assert_array_equal(batch.arrays["targets"], t)
        np.testing.assert_allclose(batch.arrays["targets"].sum(1), 1, rtol=1e-6)
        sizes.append(len(x))
    assert sizes == ([100, 100, 100, 59] if batch_size == 100 else [359])
    np.testing.assert_array_equal(train.inputs, kept)


def test_figures_are_those_of_rows_as_they_are():
    spec = document(IMAGES, batch_size="full")
    result = specnet.run(spec)
    train = result.data.splits["train"]
    loss, _ = result.model.loss_and_gradients(train.inputs, train.targets)
    assert result.splits["train"]["loss"] == pytest.approx(loss, rel=1e-5)
    # The running loss is that of what the steps saw.
    first = specnet.compile(spec)
    before, _ = first.loss_and_gradients(train.inputs, train.targets)
    assert abs(next(iter(result.history))["train"]["loss"] - before) > 1e-4


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_same_document_gives_the_same_bits(accumulate):
    spec = document([*IMAGES, MIXUP], batch_size=64, accumulate=accumulate)
    one, two = specnet.run(spec), specnet.run(spec)
    assert one.model.parameters.flat.tobytes() == two.model.parameters.flat.tobytes()
    plain = specnet.run(document([], batch_size=64, accumulate=accumulate))
    assert one.model.parameters.flat.tobytes() != plain.model.parameters.flat.tobytes()


def test_mixed_classes_cost_what_pytorch_says():
    torch = pytest.importorskip("torch")
    weights = np.linspace(0.5, 1.5, 10).tolist()
    for loss in ({"type": "cross_entropy", "label_smoothing": 0.1}, {"type": "kl_divergence"}):
        spec = document([MIXUP], loss=loss, dtype="float64", batch_size="full", epochs=1)
        trainer, data = trainer_of(spec)
        train = data.splits["train"]
        kernel = torch.tensor(trainer.model.parameters["dense_1.kernel"].copy(), requires_grad=True)
        draw, order = stream(0, "augment/mixup_1"), np.arange(len(train))
        weight = draw.beta(1.0, 1.0)
        draw.shuffle(order)
        x, t = torch.tensor(train.inputs.reshape(-1, 64)), torch.eye(10, dtype=torch.float64)[train.targets]
        x, t = weight * x + (1 - weight) * x[order], weight * t + (1 - weight) * t[order]
        if loss["type"] == "kl_divergence":
            cost = torch.nn.functional.kl_div((x @ kernel).log_softmax(1), t, reduction="batchmean")
        else:
            cost = torch.nn.functional.cross_entropy(x @ kernel, t, label_smoothing=0.1)
        cost.backward()
        events = list(trainer.events())
        seen = next(e for e in events if isinstance(e, specnet.EpochEnded))
        assert seen.loss == pytest.approx(cost.item(), rel=1e-10)
        meant = (kernel - 0.01 * kernel.grad).detach().numpy()
        np.testing.assert_allclose(trainer.model.parameters["dense_1.kernel"], meant, rtol=1e-8)
    assert (
        specnet.run(document([MIXUP], loss={"type": "cross_entropy", "class_weights": weights})).epochs == 2
    )


@pytest.mark.parametrize(
    ("kind", "loss", "units"), [("linear", "mse", 1), ("moons", "binary_cross_entropy", 1)]
)
def test_numbers_are_mixed_as_numbers(kind, loss, units):
    data = {"type": "synthetic", "kind": kind, "samples": 60, "transforms": [], "split": None, "name": None}
    data = {k: v for k, v in data.items() if v is not None}
    spec = specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "data": data | {"augmentations": [MIXUP]},
                "layers": [{"type": "dense", "units": units}],
                "loss": loss,
                "training": {"epochs": 1, "batch_size": 60},
            }
        )
    )
    trainer, data = trainer_of(spec)
    train = data.splits["train"]
    (batch,) = trainer.feed.batches
    trainer.feed.begin()
    trainer.feed.fetch(batch)
    draw, order = stream(0, "augment/mixup_1"), np.arange(60)
    weight = draw.beta(1.0, 1.0)
    draw.shuffle(order)
    t = train.targets.reshape(-1, 1).astype("float32")
    np.testing.assert_allclose(
        batch.arrays["targets"], weight * t + (1 - weight) * t[order], rtol=1e-5, atol=1e-6
    )
    assert batch.arrays["targets"].shape == (60, 1)


@pytest.mark.parametrize("batch_size", [100, "full"])
def test_a_run_that_was_interrupted_ends_the_same(batch_size):
    spec = document([*IMAGES, MIXUP], batch_size=batch_size, epochs=5, checkpoint={"every_steps": 1})
    assert check(spec, 2, 2) == 2


@pytest.mark.parametrize("batch_size", [64, "full"])
def test_no_array_is_allocated_after_the_first_epoch(batch_size):
    nearest = {"type": "rotate", "degrees": 20, "interpolation": "nearest"}
    augmentations = [*IMAGES, nearest, MIXUP]
    spec = document(augmentations, batch_size=batch_size, epochs=6, data={"split": {"test": 0.5}})
    peaks = growth_of_epochs(specnet.train(spec))
    # 64 images of 64 pixels have 16,384 bytes.
    assert max(peaks) < 12_000


@pytest.mark.parametrize("augmentations", [IMAGES, [MIXUP], [IMAGES[3]]], ids=["images", "mixup", "shift"])
@pytest.mark.parametrize("batch_size", [300, "full"])
def test_the_memory_predicted_is_the_memory_taken(batch_size, augmentations):
    data = {"transforms": [{"type": "reshape", "shape": [16, 4]}], "split": {"test": 0.5}}
    layers = [{"type": "flatten"}, {"type": "dense", "units": 512}, {"type": "dense", "units": 10}]
    spec = document(augmentations, data=data, layers=layers, batch_size=batch_size, epochs=1)
    took = taken(trainer_maker(spec))
    assert took.predicted["augmentation"] > 0
    assert abs(took.peak - sum(took.predicted.values())) < 0.05 * took.peak


HEAD = 'specnet = 1\nloss = "{loss}"\n{more}\n[data]\ntype = "builtin"\nname = "digits"\n'
TAIL = '[[layers]]\ntype = "dense"\nunits = {units}\n'


def found(augmentation, loss="cross_entropy", units=10, more="", **options):
    text = HEAD.format(loss=loss, more=more) + augmentation + TAIL.format(units=units)
    report = specnet.validate(text, **options)
    return text.splitlines(), [d for d in report.diagnostics if d.severity == "error"]


def test_a_shape_that_does_not_fit_is_reported_at_its_lines():
    lines, (fault,) = found('[[data.augmentations]]\ntype = "cutout"\nsize = 4\n')
    assert (fault.code, fault.path) == ("SN580", ("data", "augmentations", 0))
    assert "cutout takes images" in fault.message
    assert "[64]" in fault.message
    assert lines[fault.span.start.line - 1] == 'type = "cutout"'
    assert fault.help is not None


def test_a_pinned_shape_is_enough():
    _, (fault,) = found(
        '[[data.augmentations]]\ntype = "pad_crop"\npadding = [1, 9]\n',
        more="input_shape = [8, 8]",
        data=False,
    )
    assert (fault.code, fault.path) == ("SN580", ("data", "augmentations", 0, "padding"))
    assert "nothing of images 8 wide" in fault.message


@pytest.mark.parametrize("loss", ["triplet", "contrastive"])
def test_losses_that_compare_rows_by_their_classes_refuse_mixed_ones(loss):
    with pytest.raises(specnet.SpecError, match="a mean has none") as refused:
        specnet.compile(document([MIXUP], loss=loss))
    assert [(d.code, d.path) for d in refused.value.diagnostics] == [("SN581", ("data", "augmentations", 0))]


@pytest.mark.parametrize("loss", ["focal", "dice", "kl_divergence"])
def test_losses_of_classes_take_rows_of_probabilities(loss):
    trainer, _ = trainer_of(document([MIXUP], loss=loss, batch_size="full"))
    trainer.feed.begin()
    (batch,) = trainer.feed.batches
    trainer.feed.fetch(batch)
    one_hot = {"transforms": [SCALED, SHAPED, {"type": "one_hot", "on": "targets", "classes": 10}]}
    other = specnet.compile(document([], loss=loss, data=one_hot))
    expected, _ = other.loss_and_gradients(batch.arrays["inputs"], batch.arrays["targets"])
    numbers = {"rate": 1e-3, "step": 1}
    made = batch.bound.step(*(numbers[name] for name in trainer.plans.step.numbers))[0]
    assert made == pytest.approx(expected, rel=1e-5)


def test_an_optimizer_that_searches_refuses_rows_that_change():
    with pytest.raises(specnet.SpecError, match="changes the rows from step to step") as refused:
        specnet.run(document([IMAGES[0]], optimizer="lbfgs", batch_size="full"))
    assert [(d.code, d.path) for d in refused.value.diagnostics] == [("SN607", ("data", "augmentations", 0))]


def test_an_autoencoder_is_compared_with_its_inputs_as_they_were():
    layers = [{"type": "flatten"}, {"type": "dense", "units": 64}, {"type": "reshape", "shape": [8, 8, 1]}]
    for batch_size in (100, "full"):
        cutout = document(
            [IMAGES[5]], layers=layers, data={"target": "inputs"}, loss="mse", batch_size=batch_size
        )
        trainer, data = trainer_of(cutout)
        trainer.feed.begin()
        batch = trainer.feed.batches[0]
        trainer.feed.fetch(batch)
        np.testing.assert_array_equal(batch.arrays["targets"], data.splits["train"].inputs[batch.places])
        assert not np.array_equal(batch.arrays["inputs"], batch.arrays["targets"])


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_losses_that_read_targets_as_one_of_two_refuse_mixed_ones(loss):
    data = {"type": "synthetic", "kind": "moons", "augmentations": [{"type": "flip"}, MIXUP]}
    text = json.dumps(
        {
            "specnet": 1,
            "data": data | {"augmentations": [MIXUP]},
            "loss": loss,
            "layers": [DENSE[1] | {"units": 1}],
        }
    )
    report = specnet.validate(text)
    (fault,) = [d for d in report.diagnostics if d.severity == "error"]
    assert (fault.code, fault.path) == ("SN581", ("data", "augmentations", 0))
    assert "this loss treats each target as one of two" in fault.message


AUTOENCODER = {"loss": "mse", "layer": "again", "target": "inputs"}
HEADS = {"label": {"loss": "cross_entropy", "layer": "classes"}, "again": AUTOENCODER}


def several(augmentation):
    layers = [
        {"type": "flatten", "name": "flat"},
        {"type": "dense", "units": 10, "name": "classes", "inputs": ["flat"]},
        {"type": "dense", "units": 64, "name": "wide", "inputs": ["flat"]},
        {"type": "reshape", "shape": [8, 8, 1], "name": "again", "inputs": ["wide"]},
    ]
    data = {"type": "builtin", "name": "digits", "transforms": [SCALED, SHAPED]}
    data["augmentations"] = [augmentation]
    return json.dumps({"specnet": 1, "data": data, "layers": layers, "outputs": HEADS})


def test_several_outputs_refuse_mixed_targets():
    (fault,) = [d for d in specnet.validate(several(MIXUP)).diagnostics if d.severity == "error"]
    assert (fault.code, fault.path) == ("SN581", ("data", "augmentations", 0))
    assert "the targets of several outputs cannot be mixed" in fault.message


@pytest.mark.parametrize("batch_size", [64, "full"])
def test_an_output_that_is_compared_with_the_inputs_sees_them_as_they_are(batch_size):
    spec = specnet.load(several({"type": "cutout", "size": 4}), {"training.batch_size": batch_size})
    trainer, data = trainer_of(spec)
    batch = trainer.feed.batches[0]
    trainer.feed.begin()
    trainer.feed.fetch(batch)
    kept = data.splits["train"].inputs[batch.places]
    np.testing.assert_array_equal(batch.arrays["targets/again"], kept)
    assert not np.array_equal(batch.arrays["inputs"], kept)


def test_unknown_kinds_and_misspellings_are_reported():
    _, (fault,) = found('[[data.augmentations]]\ntype = "flipp"\n')
    assert (fault.code, fault.message) == ("SN204", '`flipp` is not an augmentation; did you mean "flip"?')


@pytest.mark.parametrize(
    ("augmentations", "settings"),
    [
        *(([augmentation], {}) for augmentation in IMAGES),
        ([{"type": "rotate", "degrees": 30, "interpolation": "nearest", "fill": 0.5}], {}),
        ([{"type": "shift", "fill": 1.0}, {"type": "shift", "vertical": 0.3}, MIXUP], {"batch_size": 100}),
        ([*IMAGES, MIXUP], {"batch_size": "full"}),
        (
            [MIXUP],
            {
                "loss": "mse",
                "data": {"transforms": [SCALED, {"type": "one_hot", "classes": 10, "on": "targets"}]},
                "layers": DENSE[1:],
            },
        ),
    ],
    ids=str,
)
def test_a_program_of_numpy_alone_augments_as_the_run_does(augmentations, settings, tmp_path, monkeypatch):
    """To the bit: the last batch that the program has made is the run's."""
    spec = document(augmentations, dtype="float64", **settings)
    trainer, _ = trainer_of(spec)
    for _ in trainer.events():
        pass
    exported = Exported.of_spec(tmp_path, spec)
    found = {"__file__": str(tmp_path / "made.py")}
    written = numpy_program(exported, training=True, beside="made.npz")
    np.savez(tmp_path / "made.npz", **written.arrays)
    monkeypatch.chdir(tmp_path)  # where the program draws its curve
    exec(written.text, found)
    found["stored"].close()
    batch = trainer.steps.batch
    np.testing.assert_array_equal(found["inputs"], batch.arrays["inputs"])
    np.testing.assert_array_equal(found["targets"], batch.arrays["targets"])
    for name, array in trainer.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, rtol=1e-9, atol=1e-11, err_msg=name)


MOVES = [each for each in IMAGES if each["type"] != "cutout"]


def masks(folder, augmentations, loss="cross_entropy", *, several=False, **training):
    """A document of images whose target is a mask of the classes of their pixels, one of them 255 = ignored."""
    draw = np.random.default_rng(0)
    x = draw.integers(0, 3, (20, 6, 5, 1)).astype(np.float64)
    np.savez(folder / "masks.npz", inputs=x, targets=x[..., 0].astype(np.int64))
    layers = [{"type": "conv2d", "filters": 3, "kernel_size": 1, "name": "classes"}]
    outputs = {"outputs": {"classes": {"loss": loss}}} if several else {"loss": loss}
    data = {"type": "npz", "path": "masks.npz", "augmentations": augmentations, "split": {"test": 0.2}}
    (folder / "masks.json").write_text(
        json.dumps(
            {
                "specnet": 1,
                "dtype": "float64",
                "data": data,
                "layers": layers,
                **outputs,
                "training": {"epochs": 2, "batch_size": 6, **training},
            }
        )
    )
    return folder / "masks.json"


@pytest.mark.parametrize("ignored", [None, 255])
@pytest.mark.parametrize("batch_size", [6, "full"])
def test_masks_move_with_their_images(ignored, batch_size, tmp_path):
    loss = {"type": "cross_entropy"} | ({} if ignored is None else {"ignore_index": ignored})
    moves = [each | ({"interpolation": "nearest"} if each["type"] == "rotate" else {}) for each in MOVES]
    moves = [each | ({} if each["type"] == "flip" else {"fill": -1.0}) for each in moves]
    trainer, data = trainer_of(specnet.load(masks(tmp_path, moves, loss, batch_size=batch_size)))
    trainer.feed.begin()
    changed = 0
    for batch in trainer.feed.batches:
        trainer.feed.fetch(batch)
        x, t = batch.arrays["inputs"][..., 0], batch.arrays["targets"]
        np.testing.assert_array_equal(t, np.where(x < 0, ignored or 0, x))
        changed += np.count_nonzero(t != data.splits["train"].targets[batch.places])
    assert changed > 20
    for _ in trainer.events():
        pass


@pytest.mark.parametrize(
    ("loss", "more"),
    [
        ("cross_entropy", []),
        ({"type": "cross_entropy", "ignore_index": 2}, []),
        ("cross_entropy", [{"type": "mixup"}]),
    ],
)
def test_a_program_of_numpy_alone_moves_masks_as_the_run_does(loss, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = specnet.load(masks(tmp_path, [*MOVES, *more], loss))
    trainer, _ = trainer_of(spec)
    for _ in trainer.events():
        pass
    written = numpy_program(Exported.of_spec(tmp_path, spec), training=True, beside=None)
    found = {"__file__": str(tmp_path / "made.py")}
    exec(written.text, found)
    np.testing.assert_array_equal(found["targets"], trainer.steps.batch.arrays["targets"])
    np.testing.assert_array_equal(found["inputs"], trainer.steps.batch.arrays["inputs"])


def test_masks_of_several_outputs_cannot_move(tmp_path):
    found = specnet.validate(masks(tmp_path, IMAGES, several=True)).diagnostics
    assert [(d.code, d.path) for d in found if d.severity == "error"] == [
        ("SN581", ("data", "augmentations", i)) for i in range(len(MOVES))
    ]
    assert "masks of several outputs do not move with them" in found[0].message
    assert specnet.validate(masks(tmp_path, IMAGES[-1:], several=True))


def test_explain_counts_what_it_takes():
    from specnet.analysis.explanation import explain

    with_, without = (
        explain(specnet.compile(document(augmentations)).network).as_dict()["memory"]
        for augmentations in ([IMAGES[2]], [])
    )
    assert with_["augmentation"] > 0 == without["augmentation"]
    assert with_["total"] == without["total"] + with_["augmentation"]
