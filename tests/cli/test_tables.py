from __future__ import annotations

from rich.cells import cell_len

from specnet.cli.results import confusion_table, results_table
from specnet.cli.tables import TextTable


def text(table: TextTable) -> list[str]:
    return [line.plain for line in table.lines()]


def test_columns_are_in_line_and_lines_end_with_what_they_say() -> None:
    table = TextTable(["name", "n"], "<>", [["a", "1"], ["longer", "1,000"]], {1: "a title"})
    assert text(table) == [
        " name        n",
        " ─────────────",
        " a           1",
        " a title",
        " longer  1,000",
    ]
    assert table.width == 14


def test_wide_letters_take_two_columns() -> None:
    table = TextTable(["名前", "n"], "<>", [["a", "1"], ["日本語", "2"]])
    assert {cell_len(line) for line in text(table)} == {table.width}


def test_heads_may_be_left_out() -> None:
    assert text(TextTable(["", ""], "<>", [["a", "1"]])) == [" a  1"]


SPLITS = {
    "train": {"loss": 0.5, "accuracy": 1.0, "confusion": [[1, 0], [0, 1]]},
    "test": {"loss": 0.25, "accuracy": 0.5, "confusion": [[1, 0], [0, 1]]},
}


def test_results_are_a_row_a_split_without_what_is_no_number() -> None:
    table = results_table(SPLITS, {"train": 1000, "test": 10}, 80)
    assert text(table)[0].split() == ["split", "rows", "loss", "accuracy"]
    assert [line.split() for line in text(table)[2:]] == [
        ["train", "1,000", "0.5000", "1.0000"],
        ["test", "10", "0.2500", "0.5000"],
    ]


def test_results_are_turned_where_they_are_too_wide() -> None:
    splits = {name: {f"a_long_metric_{n}": 0.5 for n in range(9)} for name in ("train", "validation", "test")}
    table = results_table(splits, dict.fromkeys(splits, 10), 80)
    assert table.width <= 80
    assert text(table)[0].split() == ["split", "train", "validation", "test"]
    assert text(table)[2].split() == ["rows", "10", "10", "10"]
    assert text(table)[3].split() == ["a_long_metric_0", "0.5000", "0.5000", "0.5000"]


def test_a_confusion_matrix_has_the_classes_names_where_there_is_room() -> None:
    names = ["setosa", "versicolor", "virginica"]
    matrix = [[10.0, 0.0, 0.0], [0.0, 9.0, 1.0], [0.0, 0.0, 1200.0]]
    wide = text(confusion_table(matrix, names, 80))
    assert wide[0].split() == names
    assert wide[4].split() == ["virginica", ".", ".", "1,200"]
    narrow = text(confusion_table(matrix, names, 36))
    assert narrow[0].split() == ["0", "1", "2"]
    assert narrow[3].split() == ["versicolor", "=", "1", ".", "9", "1"]
    assert text(confusion_table(matrix, None, 80))[0].split() == ["0", "1", "2"]
