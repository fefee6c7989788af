"""PostgreSQL's `hashtextextended(text, seed)`, computed here for many texts at once.

Sums of these 64-bit hashes show whether two tables hold the same values in whatever order: the server computes them
from what it stores, this module from what the file holds. It is Bob Jenkins' lookup3 over the UTF-8 bytes, as in
PostgreSQL's src/common/hashfn.c, which fixes it for hash partitioning. numpy does a block of 12 bytes of all texts in
one step.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

HASHED_BYTES = 255
"""Longer texts are hashed by their MD5 in hexadecimal, on both sides: steps are as many as the longest has blocks."""

_BLOCK = 12
_START = 0x9E3779B9 + 3923095
_MIX = ((0, 1, 2, 4), (1, 2, 0, 6), (2, 0, 1, 8), (0, 1, 2, 16), (1, 2, 0, 19), (2, 0, 1, 4))
_FINAL = ((2, 1, 14), (0, 2, 11), (1, 0, 25), (2, 1, 16), (0, 2, 4), (1, 0, 14), (2, 1, 24))

Words = list[np.ndarray]


def hash_texts(texts: Sequence[str], seed: int) -> np.ndarray:
    """Return the hash of every text as an unsigned 64-bit number."""
    if not texts:
        return np.empty(0, np.uint64)
    encoded, lengths = _encoded(texts)
    order = np.argsort(-lengths, kind="stable")  # the texts that still have a block are then the first ones
    lengths = lengths[order]
    width = (int(lengths[0]) // _BLOCK + 1) * _BLOCK
    words = encoded.astype(f"S{width}")[order].view("<u4").reshape(len(encoded), width // 4)
    hashed = np.empty(len(encoded), np.uint64)
    hashed[order] = _hash(words, lengths, seed)
    return hashed


def _encoded(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes that are hashed, and how many they are."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    if lengths.max() <= HASHED_BYTES:
        try:
            return np.array(texts, "S"), lengths
        except UnicodeEncodeError:
            pass  # not only ASCII
    encoded = [_shortened(text.encode()) for text in texts]
    return np.array(encoded, "S"), np.fromiter(map(len, encoded), np.int64, len(encoded))


def _shortened(text: bytes) -> bytes:
    return text if len(text) <= HASHED_BYTES else hashlib.md5(text, usedforsecurity=False).hexdigest().encode()


def _hash(words: np.ndarray, lengths: np.ndarray, seed: int) -> np.ndarray:
    state: Words = [((_START + lengths) & 0xFFFFFFFF).astype(np.uint32) for _ in range(3)]
    if seed:
        state[0] += np.uint32(seed >> 32)
        state[1] += np.uint32(seed & 0xFFFFFFFF)
        _mix(state)
    for block in range(int(lengths[0]) // _BLOCK):
        count = int(np.searchsorted(-lengths, -_BLOCK * (block + 1), side="right"))
        active = [part[:count] for part in state]
        for place, part in enumerate(active):
            part += words[:count, 3 * block + place]
        _mix(active)
    rows, last = np.arange(len(lengths)), 3 * (lengths // _BLOCK)
    state[0] += words[rows, last]
    state[1] += words[rows, last + 1]
    state[2] += words[rows, last + 2] << np.uint32(8)  # the lowest byte is the length
    for target, source, by in _FINAL:
        state[target] ^= state[source]
        state[target] -= _rotated(state[source], by)
    return (state[1].astype(np.uint64) << np.uint64(32)) | state[2]


def _mix(state: Words) -> None:
    for first, second, third, by in _MIX:
        state[first] -= state[third]
        state[first] ^= _rotated(state[third], by)
        state[third] += state[second]


def _rotated(word: np.ndarray, by: int) -> np.ndarray:
    return (word << np.uint32(by)) | (word >> np.uint32(32 - by))
