"""Several processes train as one does, whatever a document asks for."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest

import specnet
from specnet.data import files
from specnet.diagnostics import RunError
from specnet.model.memory import memory_fault
from specnet.passes import share_update
from specnet.runs.compiling import compile_spec
from specnet.training import distributed
from specnet.training.distributed import agreed, check_alike
from specnet.training.loop import Trainer
from tests.support.distributed import collectives, compare, trained
from tests.support.ranks import together

ROWS = 53
RNG = np.random.default_rng(0)
X, LABELS, NUMBERS = RNG.normal(size=(ROWS, 6)), RNG.integers(0, 3, ROWS), RNG.normal(size=(ROWS, 2))


SEQUENCES, WORDS = RNG.normal(size=(20, 9, 4)), RNG.integers(1, 4, (20, 3))


def document(data=None, layers=(), units=3, loss="cross_entropy", metrics=("accuracy", "auc"), **training):
    given = {"type": "inline", "inputs": X.tolist(), "targets": LABELS.tolist(), "split": {"validation": 0.2}}
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": given if data is None else data,
        "layers": [
            {"type": "dense", "units": 5, "activation": "tanh"},
            *layers,
            {"type": "dense", "units": units},
        ],
        "loss": loss,
        "metrics": list(metrics),
        "training": {"epochs": 3, "batch_size": 8, **training},
    }


def numbers(**more):
    return {"type": "inline", "inputs": X.tolist(), "targets": NUMBERS.tolist(), **more}


SETTINGS = {
    "plain": {},
    "full batches": {"batch_size": "full"},
    "a last batch of one row": {"batch_size": 14},
    "no last batch": {"drop_last": True},
    "one row at a time": {"batch_size": 1, "epochs": 1},
    "clipped by norm": {"clip_norm": 0.1},
    "clipped by value": {"clip_value": 0.01},
    "accumulated": {"accumulate": 3, "optimizer": "adam"},
    "averaged": {"ema_decay": 0.9, "optimizer": "adam"},
    "by steps": {"epochs": None, "steps": 11, "validate_every": 4},
    "watched": {
        "early_stopping": {"patience": 1},
        "epochs": 30,
        "optimizer": {"type": "adam", "learning_rate": 0.3},
    },
    "plateau": {"schedule": {"type": "plateau", "patience": 1}, "epochs": 6},
    "decayed by a schedule": {
        "optimizer": {"type": "adamw", "weight_decay": {"value": 0.1, "schedule": "flat_cosine"}}
    },
    "searched": {"optimizer": {"type": "lbfgs"}, "batch_size": "full", "epochs": 4},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_processes_train_as_one_does(name):
    settings = dict(SETTINGS[name])
    made = document(layers=[{"type": "dropout", "rate": 0.3}] if name != "searched" else [], **settings)
    made["training"] = {key: value for key, value in made["training"].items() if value is not None}
    trainer = compare(made)
    assert "all_gather" not in collectives(trainer.plans.step)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_gradient_is_one_sum_and_the_loss_another(size):
    trainer = compare(document(), size)
    assert collectives(trainer.plans.step) == ["all_reduce", "all_reduce"]
    loss, gradient = (node.value for node in trainer.plans.step.graph if node.op.name == "all_reduce")
    assert loss.shape == ()
    assert gradient.shape == (trainer.model.network.trained_size,)
    assert [loss.phase, gradient.phase] == ["forward", "update"]


LOSSES = {
    "sum": document(
        loss={"type": "cross_entropy", "reduction": "sum"}, optimizer={"type": "sgd", "learning_rate": 1e-3}
    ),
    "weighted": document(
        data={
            "type": "inline",
            "inputs": X.tolist(),
            "targets": LABELS.tolist(),
            "weight": (LABELS + 0.5).tolist(),
        }
    ),
    "balanced": document(loss={"type": "cross_entropy", "class_weights": "balanced"}),
    "regularized": {
        **document(),
        "layers": [
            {"type": "dense", "units": 5, "kernel_regularizer": {"type": "l2", "factor": 0.1}},
            {"type": "dense", "units": 3, "bias_regularizer": {"type": "l1", "factor": 0.1}},
        ],
    },
    "of numbers": document(data=numbers(), units=2, loss="mse", metrics=["mae", "r2"]),
    "quantiles": document(
        data=numbers(), units=6, loss={"type": "quantile", "quantiles": [0.1, 0.5, 0.9]}, metrics=[]
    ),
    "alignments": {
        **document(
            data={"type": "inline", "inputs": SEQUENCES.tolist(), "targets": WORDS.tolist()},
            loss="ctc",
            metrics=[],
        ),
        "layers": [{"type": "gru", "units": 5, "return_sequences": True}, {"type": "dense", "units": 5}],
    },
    "of an ensemble": {
        **document(),
        "layers": [
            {
                "type": "ensemble",
                "members": 3,
                "sharing": "tabm",
                "layers": [
                    {"type": "dense", "units": 5},
                    {"type": "dropout", "rate": 0.1},
                    {"type": "dense", "units": 3},
                ],
            }
        ],
    },
    "of pairs of rows": document(units=2, loss="contrastive", metrics=[]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_that_of_the_whole_batch(name):
    compare(LOSSES[name])


LAYERS = {
    "batch_norm": [{"type": "batch_norm"}],
    "batch_norm of one row": [{"type": "batch_norm", "momentum": 0.5}],
    "dropout by a schedule": [{"type": "dropout", "rate": {"value": 0.3, "schedule": "flat_cosine"}}],
    "noise": [{"type": "gaussian_noise", "stddev": 0.3}],
    "residual": [
        {"type": "residual", "layers": [{"type": "dense", "units": 5}, {"type": "dropout", "rate": 0.2}]}
    ],
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_see_the_whole_batch(name):
    compare(document(layers=LAYERS[name], batch_size=14 if "one row" in name else 8))


@pytest.mark.parametrize("mixed", [False, True])
def test_augmented_batches_are_those_of_one_process(mixed):
    images = RNG.normal(size=(20, 6, 6, 1))
    made = document(
        data={
            "type": "inline",
            "inputs": images.tolist(),
            "targets": LABELS[:20].tolist(),
            "augmentations": [
                {"type": "flip"},
                {"type": "shift", "vertical": 0.2, "horizontal": 0.2},
                {"type": "rotate", "degrees": 20},
                {"type": "cutout", "size": 2},
                *([{"type": "mixup"}] if mixed else []),
            ],
        },
        batch_size=7,
    )
    made["layers"] = [
        {"type": "conv2d", "filters": 3, "kernel_size": 3},
        {"type": "batch_norm"},
        {"type": "max_pooling2d", "pool_size": 2},
        {"type": "flatten"},
        {"type": "dense", "units": 3},
    ]
    trainer = compare(made)
    assert "all_gather" not in collectives(trainer.plans.step)


def sequences(tmp_path):
    lengths = RNG.integers(2, 9, ROWS)
    x = RNG.normal(size=(ROWS, 8, 3))
    x[np.arange(8) >= lengths[:, None]] = 0.0
    np.savez(tmp_path / "rows.npz", inputs=x, targets=LABELS)
    return {"type": "npz", "path": str(tmp_path / "rows.npz"), "split": {"validation": 0.2}}


@pytest.mark.parametrize(
    "training", [{}, {"batch_by": "length"}, {"batch_by": "length", "batch_tokens": 30, "batch_size": None}]
)
def test_sequences_of_different_lengths(training, tmp_path):
    made = document(data=sequences(tmp_path), **training)
    made["training"] = {key: value for key, value in made["training"].items() if value is not None}
    made["layers"] = [{"type": "masking"}, {"type": "lstm", "units": 4}, {"type": "dense", "units": 3}]
    trainer = compare(made)
    assert "all_gather" not in collectives(trainer.plans.step)


@pytest.mark.parametrize("batch", [4, 5])
def test_states_stay_with_the_process_that_has_their_place(batch):
    x, y = RNG.normal(size=(26, 4, 3)), RNG.normal(size=(26, 4, 2))
    made = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays"},
        "layers": [
            {"type": "lstm", "units": 3, "return_sequences": True, "stateful": True},
            {"type": "dense", "units": 2},
        ],
        "loss": "mse",
        "training": {"epochs": 2, "batch_size": batch},
    }
    compare(made, data=(x, y))


def test_rows_are_read_from_files_in_batches(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", LABELS)
    data = {
        "type": "npy",
        "inputs": str(tmp_path / "x.npy"),
        "targets": str(tmp_path / "y.npy"),
        "load": "batches",
        "split": {"validation": 0.2},
    }
    compare(document(data=data))


@pytest.mark.parametrize("buffer", [10, 1000])
def test_rows_of_a_table_that_is_passed_through_are_read_in_order(buffer, tmp_path):
    rows = [f"{','.join(map(str, row))},{label}" for row, label in zip(X, LABELS, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,d,e,f,label", *rows]) + "\n")
    data = {"type": "csv", "path": str(tmp_path / "rows.csv"), "target": "label", "load": "batches"}
    data |= {"shuffle_buffer": buffer, "split": {"validation": 0.2}}
    compare(document(data=data))
    compare(document(data=data, batch_size="full"))


def test_all_stop_at_the_step_at_which_one_is_asked_to():
    spec = specnet.load(document(epochs=100))

    def work(ranks):
        asked = iter(range(1000))
        model, data = compile_spec(spec)
        trainer = Trainer(model, data, lambda: ranks.rank == 1 and next(asked) == 17, ranks=ranks)
        return list(trainer.events())[-1]

    for ended in together(3, work):
        assert (ended.stopped, ended.steps) == ("interrupted", 18)


def test_the_time_is_that_of_the_first_process():
    spec = specnet.load(document(epochs=10_000, max_seconds=0.2))

    def work(ranks):
        model, data = compile_spec(spec)
        fast = iter(range(10**9)).__next__
        trainer = Trainer(model, data, clock=perf_counter if ranks.rank == 0 else fast, ranks=ranks)
        return list(trainer.events())[-1]

    first, *others = together(3, work)
    assert first.stopped == "early_stopping"
    assert {ended.steps for ended in others} == {first.steps}


def test_a_loss_that_diverges_in_one_process_stops_all():
    data = numbers()
    data["targets"][7][0] = 1e200  # whose square is infinite
    made = document(data=data, units=2, loss="mse", metrics=[])
    spec = specnet.load(made)
    found = together(3, lambda ranks: trained(spec, ranks))
    assert {event.stopped for *_, event in found} == {"diverged"}
    assert len({event.steps for *_, event in found}) == 1


def test_a_fault_of_one_process_is_one_of_all():
    def work(ranks):
        with pytest.raises((RunError, OSError)) as caught:
            agreed(ranks, lambda: (_ for _ in ()).throw(OSError("disk full")) if ranks.rank == 1 else 7)
        return str(caught.value)

    assert together(3, work) == ["process 1 of 3: disk full", "disk full", "process 1 of 3: disk full"]


def test_processes_that_differ_are_told():
    def work(ranks):
        with pytest.raises(RunError) as caught:
            check_alike(ranks, {"engine": "numpy" if ranks.rank < 2 else "numba"})
        return str(caught.value)

    message = "all processes must have the same engine: process 0 has numpy, and process 2 has numba"
    assert together(3, work) == [message] * 3


def test_the_numba_engine_takes_the_same_plans(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("SPECNET_ENGINE", "numba")
    with monkeypatch.context() as patch:
        patch.setattr(share_update, "sharing_pays", lambda *_: True)
        compare(document(layers=[{"type": "batch_norm"}, {"type": "dropout", "rate": 0.2}], clip_norm=0.1), 2)
    # Sums of numbers alone, which could be in a compiled evaluation.
    compare(document(metrics=["accuracy"], batch_size="full"), 2)


def test_several_threads_share_the_rows_of_a_process():
    """Convolutions are shared by threads within each process."""
    images = RNG.normal(size=(24, 8, 8, 2))
    given = {"type": "inline", "inputs": images.tolist(), "targets": LABELS[:24].tolist()}
    made = document(data=given, batch_size=10)
    made["layers"] = [
        {"type": "conv2d", "filters": 4, "kernel_size": 3},
        {"type": "batch_norm"},
        {"type": "flatten"},
        {"type": "dense", "units": 3},
    ]
    trainer = compare(made, threads=2)
    assert trainer.plans.step.workers == 2


def test_without_mpi4py_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(distributed, "find_spec", lambda name: None)
    distributed.started.cache_clear()
    with pytest.raises(RunError, match=r"needs mpi4py, which the extra `mpi` installs: .*pip install"):
        specnet.run(document(), distributed="mpi")


def test_without_an_mpi_one_is_named(monkeypatch):
    class NoMpi:
        def __init__(self):
            raise RuntimeError("cannot load MPI library\n/usr/lib/libmpi.so: cannot open shared object file")

    monkeypatch.setattr(distributed, "find_spec", lambda name: True)
    monkeypatch.setattr("specnet.training.mpi.MpiRanks", NoMpi)
    distributed.started.cache_clear()
    with pytest.raises(RunError, match=r"finds no MPI \(cannot load MPI library\); `pip install mpich`"):
        specnet.run(document(), distributed="mpi")


def test_processes_of_one_machine_share_its_threads_and_memory(monkeypatch):
    monkeypatch.delenv("SPECNET_THREADS", raising=False)
    monkeypatch.setattr(distributed, "allowed", lambda: 5)
    assert together(2, lambda ranks: distributed.threads_each(ranks, None, 2)) == [2, 2]
    assert together(2, lambda ranks: distributed.threads_each(ranks, 3, 2)) == [3, 3]
    # Plans must be the same on a machine with fewer cores.
    assert together(2, lambda ranks: distributed.threads_each(ranks, None, ranks.rank + 1)) == [2, 2]
    spec = specnet.load(document(batch_size="full"))
    model, _ = compile_spec(spec)
    monkeypatch.setattr(files, "memory", lambda: 30_000)
    assert not memory_fault(model.network)
    (fault,) = memory_fault(model.network, 2, 2)
    assert "in each of 2 processes, of the machine's" in fault.message


def test_another_launcher_is_refused():
    for start in (specnet.run, specnet.train):
        with pytest.raises(
            ValueError, match="`distributed` must be 'mpi' or a whole number from 1 to 1024, not 'gloo'"
        ):
            start(document(), distributed="gloo")
