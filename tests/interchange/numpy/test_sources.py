"""Host code copied into programs."""

from __future__ import annotations

import ast
from textwrap import dedent

import numpy as np
import pytest

import specnet
from specnet.engines.numpy import lbfgs, line_search
from specnet.interchange.numpy.program import Program
from specnet.interchange.numpy.sources import Sources
from specnet.vocabulary.metrics import METRICS


def copied(*what):
    program = Program("copies", "float64", None)
    sources = Sources(program)
    names = [sources.copy(each) for each in what]
    return names, "\n\n\n".join("\n".join(function) for function in program.functions), program


def test_a_method_is_a_function_with_its_settings_in_it():
    names, text, _ = copied(METRICS.validate({"type": "recall", "average": "macro"}).finish)
    assert names == ["finish_recall"]
    assert text == dedent(
        '''\
        def _quotient(part, whole):
            return float(part / whole) if whole else 0.0


        def figure_recall(both, predicted, actual):
            return _quotient(both, actual)


        def finish_recall(totals, rows):
            """Return the average of the classes' figures."""
            form = next(iter(totals)).partition("_")[0]
            both, predicted, actual = (totals[f"{form}_{name}"] for name in ("both", "predicted", "actual"))
            average = "macro" or ("binary" if form == "binary" else "macro")
            if average == "micro":
                return figure_recall(both.sum(), predicted.sum(), actual.sum())
            if average == "binary":
                return figure_recall(both[1], predicted[1], actual[1])
            present = [i for i in range(len(both)) if form == "labels" or predicted[i] + actual[i] > 0]
            return sum(figure_recall(both[i], predicted[i], actual[i]) for i in present) / len(present)'''
    )


def test_what_two_functions_use_is_copied_once_and_other_settings_make_another_function():
    recall = [
        METRICS.validate({"type": "recall", "average": average}).finish for average in ("macro", "micro")
    ]
    names, text, _ = copied(*recall, recall[0])
    assert names == ["finish_recall", "finish_recall_2", "finish_recall"]
    assert text.count("def _quotient(") == text.count("def figure_recall(") == 1


def test_a_class_comes_with_all_that_it_uses_and_without_what_checkpoints_need():
    (name,), text, program = copied(lbfgs.LimitedMemoryBFGS)
    assert name == "LimitedMemoryBFGS"
    methods = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    assert {"step", "strong_wolfe", "_zoom"} <= methods
    assert not methods & {"state", "resume"}
    assert program.modules == {"dataclasses", "math"}
    assert "Array" not in text
    assert "Mapping" not in text
    scope = {"np": np, **{module: __import__(module) for module in program.modules}}
    exec(text, scope)
    line = [scope["Trial"](0.0, 3.0, -1.5, None, ()), scope["Trial"](2.0, 1.0, 4.0, None, ())]
    own = [line_search.Trial(each.t, each.loss, each.slope, None, ()) for each in line]
    assert scope["_interpolated"](*line, 0.1, 1.9) == line_search._interpolated(*own, 0.1, 1.9)


def test_what_is_not_of_this_package_or_has_no_source_is_refused():
    with pytest.raises(specnet.RunError, match=r"the source of .* is needed"):
        copied(np.add)


def called(metric, *totals):
    program = Program("calls", "float64", None)
    write = Sources(program).call(METRICS.validate(metric).finish)
    return write({name: name for name in totals}, "rows"), program


def test_a_function_that_returns_one_expression_is_written_where_it_is_called():
    text, program = called({"type": "accuracy"}, "hits")
    assert (text, program.functions) == ("float(hits) / rows", [])


def test_a_longer_function_is_copied_and_called():
    text, program = called({"type": "auc"}, "score", "target")
    assert text == 'finish_auc({"score": score, "target": target}, rows)'
    assert any(lines[0] == "def finish_auc(totals, rows):" for lines in program.functions)


def test_an_alternative_to_a_setting_that_is_none_is_written_alone():
    _, program = called({"type": "f1"}, "classes_both", "classes_predicted", "classes_actual")
    text = "\n".join(line for lines in program.functions for line in lines)
    assert '    average = "binary" if form == "binary" else "macro"\n' in text
