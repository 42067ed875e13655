"""What is wrong with the groups of parameters, and with what weight decay leaves out."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from specnet.diagnostics import Diagnostic, KeyPath
from specnet.diagnostics.text import listed
from specnet.graph.parameter import Parameter, name_matches
from specnet.language.training import Training
from specnet.model.network import Network
from specnet.vocabulary.optimizers import Searching, WeightDecaying, excluded

EXCLUDE: KeyPath = ("training", "optimizer", "weight_decay_exclude")

SHOWN = 6
"""How many names help lists."""


def _patterns(network: Network, settings: Training) -> Iterator[Diagnostic]:
    names = [p.name for p in network.parameters]
    taken: set[str] = set()
    for index, group in enumerate(settings.groups):
        path: KeyPath = ("training", "groups", index, "match")
        for place, pattern in enumerate(group.patterns):
            matched = {name for name in names if name_matches([pattern], name)}
            here = path if isinstance(group.match, str) else (*path, place)
            if not matched:
                yield _unmatched(pattern, names, here)
            elif matched <= taken:
                message = f"an earlier group contains every parameter that `{pattern}` matches"
                yield Diagnostic("SN310", message, here, help="put the narrower pattern first")
            taken |= matched


def _unmatched(pattern: str, names: Collection[str], path: KeyPath) -> Diagnostic:
    some = list(names)[:SHOWN]
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    known = f"there are {listed(some)}{more}" if len(some) > 1 else f"there is {listed(some)}"
    help = f"{known}; a pattern matches them or their layers"
    return Diagnostic("SN310", f"no parameter matches `{pattern}`", path, help=help)


def _settings(_: Network, settings: Training) -> Iterator[Diagnostic]:
    optimizer = settings.optimizer
    for index, group in enumerate(settings.groups):
        path: KeyPath = ("training", "groups", index)
        reasons = {}
        if isinstance(optimizer, Searching) and group.learning_rate_multiplier != 1.0:
            reasons["learning_rate_multiplier"] = "chooses the length of each step"
        if not isinstance(optimizer, WeightDecaying) and group.weight_decay is not None:
            reasons["weight_decay"] = "has no weight decay"
        for key, reason in reasons.items():
            yield Diagnostic(
                "SN608",
                f"`{key}` has no effect with {optimizer.type}, which {reason}",
                (*path, key),
                help="leave it out, or take another optimizer, such as adam",
            )
        if not reasons and (group.learning_rate_multiplier, group.weight_decay, group.trainable) == (
            1.0,
            None,
            None,
        ):
            message = "the group changes nothing"
            help = "give it `learning_rate_multiplier`, `weight_decay` or `trainable`"
            yield Diagnostic("SN310", message, (*path, "match"), part="key", help=help)


def _exclusions(network: Network, settings: Training) -> Iterator[Diagnostic]:
    optimizer = settings.optimizer
    if not isinstance(optimizer, WeightDecaying) or not optimizer.weight_decay_exclude:
        return
    if not any((p.weight_decay or 0.0) or optimizer.weight_decay for p in network.trained):
        message = "`weight_decay_exclude` has no effect: there is no weight decay"
        help = "set `weight_decay` as well, or leave this out"
        yield Diagnostic("SN310", message, EXCLUDE, part="key", help=help)
        return
    names = [p.name for p in network.parameters]
    for place, pattern in enumerate(optimizer.weight_decay_exclude):
        # Either word may be about what a network does not have: both belong to a recipe that fits any network.
        if pattern not in ("bias", "norm") and not _any_excluded(pattern, network.parameters):
            yield _unmatched(pattern, names, (*EXCLUDE, place))


def _any_excluded(pattern: str, parameters: Collection[Parameter]) -> bool:
    return any(excluded([pattern], p.name) for p in parameters)


GROUP_CHECKS = (_patterns, _settings, _exclusions)
"""The checks, each of which reads as few settings as it can: others may have no valid value."""
