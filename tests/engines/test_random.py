from __future__ import annotations

import hashlib

import numpy as np

from specnet.engines.random import stream, words


def test_a_use_is_four_words_of_the_hash_of_its_name():
    digest = hashlib.sha256(b"shuffle").hexdigest()
    expected = [int.from_bytes(bytes.fromhex(digest[i : i + 8]), "little") for i in range(0, 32, 8)]
    assert words("shuffle") == expected
    assert all(0 <= word < 1 << 32 for word in expected)


def test_a_stream_follows_from_seed_and_use_alone():
    first = stream(7, "shuffle").random(4)
    np.testing.assert_array_equal(stream(7, "shuffle").random(4), first)
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence([7, *words("shuffle")]))).random(4)
    np.testing.assert_array_equal(first, expected)
    for other in (stream(8, "shuffle"), stream(7, "shuffle/2"), stream(7, "split")):
        assert not np.isin(other.random(4), first).any()
