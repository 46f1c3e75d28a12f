"""The Merkle tree over the digests of events, made leaf by leaf: its memory grows with the height alone.

A leaf is SHA-256("0" + digest), a node SHA-256("1" + left + right). An odd node moves up as it is. The root
of nothing is the SHA-256 of the empty text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from program.canonical import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Iterable


class MerkleTree:
    """``peaks`` are the complete trees so far, as (height, hash), the highest first; JSON can keep them."""

    def __init__(self, peaks: Iterable[tuple[int, str]] = ()) -> None:
        self.peaks = [(height, node) for height, node in peaks]

    def add(self, digest: str) -> None:
        height, node = 0, sha256_hex("0" + digest)
        while self.peaks and self.peaks[-1][0] == height:
            height, node = height + 1, sha256_hex("1" + self.peaks.pop()[1] + node)
        self.peaks.append((height, node))

    @property
    def root(self) -> str:
        nodes = [node for _, node in self.peaks]
        if not nodes:
            return sha256_hex("")
        root = nodes.pop()
        while nodes:
            root = sha256_hex("1" + nodes.pop() + root)
        return root


def merkle_root(digests: Iterable[str]) -> str:
    """The Merkle root of hexadecimal ``digests``."""
    tree = MerkleTree()
    for digest in digests:
        tree.add(digest)
    return tree.root
