from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

XOR = {"type": "inline", "inputs": [[0, 0], [0, 1], [1, 0], [1, 1]]}


def test_numbers_become_arrays_in_their_order(desk):
    data = desk.load(**XOR, targets=[0.5, 1, 2, -3])
    np.testing.assert_array_equal(data.splits["train"].inputs, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(data.splits["train"].targets, [0.5, 1, 2, -3])
    assert data.signature.target_kind == "number"
    assert not data.signature.integers
    assert data.signature.class_count is None
    assert data.sources == ()


def test_whole_numbers_from_zero_are_told_as_possible_classes(desk):
    for targets in ([0, 1, 1, 2], [0.0, 1.0, 1.0, 2.0], [[0], [1], [1], [2]]):
        data = desk.load(**XOR, targets=targets)
        assert data.splits["train"].targets.tolist() == [0, 1, 1, 2]
        assert data.signature.integers
        assert data.signature.class_count == 3
        assert data.signature.classes == ("0", "1", "2")
        assert data.signature.target_kind == "number"


@pytest.mark.parametrize("targets", [[0, 1, 1, -1], [0, 1, 1, 0.5], [0, 1, 1, 2**31], [[0], [1], [1], [-1]]])
def test_other_numbers_are_not(desk, targets):
    data = desk.load(**XOR, targets=targets)
    assert not data.signature.integers
    assert data.splits["train"].targets.tolist() == targets


def test_large_whole_numbers_get_no_names(desk):
    signature = desk.inspect(**XOR, targets=[0, 1, 1, 5000])
    assert signature.class_count == 5001
    assert signature.classes is None


def test_text_targets_are_classes_in_alphabetical_order(desk):
    data = desk.load(
        **XOR,
        targets=["no", "yes", "yes", "no"],
        test={"inputs": [[1, 1]], "targets": ["yes"]},
    )
    assert data.signature.classes == ("no", "yes")
    assert data.signature.target_kind == "class"
    assert data.splits["train"].targets.tolist() == [0, 1, 1, 0]
    assert data.splits["test"].targets.tolist() == [1]


def test_rows_may_have_any_shape(desk):
    data = desk.load(type="inline", inputs=[[[1, 2], [3, 4], [5, 6]]] * 2, targets=[[1, 2], [3, 4]])
    assert data.signature.inputs == (3, 2)
    assert data.signature.target == (2,)


def test_plain_numbers_are_rows_of_one(desk):
    data = desk.load(type="inline", inputs=[1, 2, 3], targets=[1.5, 2.5, 3.5])
    assert data.splits["train"].inputs.tolist() == [[1], [2], [3]]


def test_a_class_beyond_the_training_rows_counts(desk):
    signature = desk.inspect(**XOR, targets=[0, 1, 1, 0], test={"inputs": [[1, 1]], "targets": [3]})
    assert signature.class_count == 4


NUMBER = "SN540"
CASES = [
    ([[0, 0], [0, 1], [0, 0], [1, "x"]], ("data", "inputs", 3, 1), NUMBER, 'not the string "x"'),
    ([[0, 0], [0, True], [0, 0], [1, 1]], ("data", "inputs", 1, 1), NUMBER, "not `true`"),
    ([[0, 0], [0, {}], [0, 0], [1, 1]], ("data", "inputs", 1, 1), NUMBER, "not a table"),
    ([[0, 0], [0, None], [0, 0], [1, 1]], ("data", "inputs", 1, 1), NUMBER, "None"),
    (
        [[0, 0], [0, 1, 2], [1, 0], [1, 1]],
        ("data", "inputs", 1),
        "SN541",
        "a list of 3 numbers, but the others are",
    ),
    (
        [[0, 0, 0], [0, 1], [1, 0], [1, 1]],
        ("data", "inputs", 0),
        "SN541",
        "a list of 3 numbers, but the others are",
    ),
    ([[0, 0], 1, [1, 0], [1, 1]], ("data", "inputs", 1), "SN541", "a plain number, but the others are"),
    (
        [[0, 0], [0, [1]], [1, 0], [1, 1]],
        ("data", "inputs", 1, 1),
        "SN541",
        "a list of 1 number, but the first",
    ),
    ([[0, 0], [0, math.nan], [1, 0], [1, 1]], ("data", "inputs", 1, 1), "SN513", "finite"),
    ([[0, 0], [0, -math.inf], [1, 0], [1, 1]], ("data", "inputs", 1, 1), "SN513", "finite"),
    ([[0, 0], [0, 10**400], [1, 0], [1, 1]], ("data", "inputs", 1, 1), "SN513", "finite"),
    ([[], [], [], []], ("data", "inputs"), "SN543", "empty"),
]


@pytest.mark.parametrize(("inputs", "path", "code", "words"), CASES)
def test_what_is_no_array_of_numbers_is_found_at_its_place(desk, inputs, path, code, words):
    fault = desk.fault(type="inline", inputs=inputs, targets=[0, 1, 1, 0])
    assert (fault.path, fault.code) == (path, code)
    assert words in fault.message


def test_all_faults_are_found_at_once(desk):
    found = desk.found(type="inline", inputs=[[0, "a"], [None, 1], [1]], targets=[0, "b", False])
    assert [f.path[1:] for f in found] == [("targets", 1), ("targets", 2), ("inputs", 0, 1), ("inputs", 1, 0)]


def test_at_most_twenty_are_listed(desk):
    found = desk.found(type="inline", inputs=[["x"]] * 50, targets=[0] * 50)
    assert len(found) == 21
    assert found[-1].code == "SN500"
    assert found[-1].message.startswith("30 more errors")


def test_rows_and_targets_must_be_as_many(desk):
    fault = desk.fault(**XOR, targets=[0, 1, 1])
    assert (fault.code, fault.path) == ("SN542", ("data", "targets"))
    assert "4 rows of inputs, but 3 targets" in fault.message


def test_no_rows(desk):
    assert desk.fault(type="inline", inputs=[], targets=[]).code == "SN506"


def test_another_table_must_be_alike(desk):
    fault = desk.fault(**XOR, targets=[0, 1, 1, 0], test={"inputs": [[1]], "targets": [0]})
    assert (fault.code, fault.path, fault.part) == ("SN554", ("data", "test"), "table")
    assert "[1], of the training data [2]" in fault.message


def test_another_table_must_have_the_same_classes(desk):
    fault = desk.fault(**XOR, targets=["no", "yes"] * 2, test={"inputs": [[1, 1]], "targets": ["Yes"]})
    assert (fault.code, fault.path) == ("SN514", ("data", "test", "targets", 0))
    assert fault.help == "did you mean `yes`?"


def test_deep_nesting_is_refused(desk):
    deep: list = [1]
    for _ in range(200):
        deep = [deep]
    fault = desk.fault(type="inline", inputs=[deep], targets=[0])
    assert fault.code == "SN541"
    assert "deep" in fault.message


def test_the_fields_are_lists(desk):
    with pytest.raises(ValidationError, match="list"):
        desk.inspect(type="inline", inputs=3, targets=[0])
