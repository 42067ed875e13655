from __future__ import annotations

import os
from pathlib import Path

ELSEWHERE = {
    "mnist-mlp.toml": "mnist",
    "mnist-cnn.toml": "mnist",
    "wide-and-deep.toml": "adult",
    "fashion-resnet.toml": "fashion-mnist",
    "ucr-fcn.toml": "ucr",
    "ucr-resnet.toml": "ucr",
    "ucr-lstm.toml": "ucr",
    "vowels.toml": "ucr",
    "exchange-rate.toml": "exchange-rate",
    "microgpt.toml": "names",
    "text-cnn.toml": "sentences",
    "text-transformer.toml": "sentences",
    "shakespeare.toml": "tiny-shakespeare",
    "shakespeare-lstm.toml": "tiny-shakespeare",
    "shakespeare-gru.toml": "tiny-shakespeare",
    "names.toml": "names",
    "names-mlp.toml": "names",
}
"""The shipped documents whose data do not come with specnet, and the folder of $SPECNET_DATA that holds these."""


def there(name: str) -> bool:
    """Whether a shipped document's data are there."""
    folder = ELSEWHERE.get(name)
    return folder is None or (Path(os.environ.get("SPECNET_DATA", "")) / folder).is_dir()
