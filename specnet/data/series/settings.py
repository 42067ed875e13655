"""What the reading of series, their windows and their scales need of a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from specnet.data.series.dates import CalendarPart
from specnet.data.series.panel import Role
from specnet.data.splits import SplitSpec

Name = str | int
"""The name of a column, or its index."""


class SeriesSettings(Protocol):
    """The keys of `type = "series"`, which its class documents."""

    @property
    def time(self) -> Name | None: ...  # noqa: D102
    @property
    def date_format(self) -> str | None: ...  # noqa: D102
    @property
    def series(self) -> Name | None: ...  # noqa: D102
    @property
    def roles(self) -> Mapping[Role, tuple[Name, ...]]:
        """The columns that are read, by what they are for."""

    @property
    def calendar(self) -> tuple[CalendarPart, ...]: ...  # noqa: D102
    @property
    def lookback(self) -> int: ...  # noqa: D102
    @property
    def horizon(self) -> int: ...  # noqa: D102
    @property
    def stride(self) -> int: ...  # noqa: D102
    @property
    def scale(self) -> Literal["none", "standardize", "minmax"]: ...  # noqa: D102
    @property
    def scale_by(self) -> Literal["series", "together"]: ...  # noqa: D102
    @property
    def season(self) -> int: ...  # noqa: D102
    @property
    def gaps(self) -> Literal["refuse", "ignore"]: ...  # noqa: D102
    @property
    def missing(self) -> Literal["refuse", "forward"]: ...  # noqa: D102
    @property
    def split(self) -> SplitSpec | None: ...  # noqa: D102
