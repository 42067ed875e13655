from __future__ import annotations

from specnet.data.format import DataFormat
from specnet.vocabulary.family import Family

FORMATS: Family[DataFormat] = Family(
    "data format",
    DataFormat,
    __name__,
    {
        "inline": "inline.Inline",
        "csv": "csv.Csv",
        "parquet": "parquet.Parquet",
        "npz": "npz.Npz",
        "npy": "npy.Npy",
        "idx": "idx.Idx",
        "images": "images.Images",
        "text": "text.Text",
        "pairs": "pairs.Pairs",
        "series": "series.SeriesFormat",
        "ucr": "ucr.Ucr",
        "builtin": "builtin.Builtin",
        "synthetic": "synthetic.Synthetic",
        "arrays": "arrays.Arrays",
        "frame": "frame.FrameFormat",
    },
)

SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}
"""The format of a table that a file's suffix shows, whatever a model was trained on."""

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "DataFormat",
]

__getattr__ = FORMATS.exported
