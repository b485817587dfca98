"""The worked examples of the C2SP specifications, and RFC 6962's reference tree."""

from base64 import b64decode
from pathlib import Path

import pytest

from tocsin.forms.errors import FormatError, VerificationError
from tocsin.ledger.checkpoint import origin_hash, parse_checkpoint
from tocsin.ledger.edge import Edge, grow
from tocsin.ledger.keys import COSIGNER, VerifierKey, parse_key, verify_note
from tocsin.ledger.merkle import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion
from tocsin.ledger.note import parse_note, parse_signatures
from tocsin.ledger.policy import parse_policy
from tocsin.ledger.proof import parse_proof
from tocsin.ledger.prove import prove_consistency, prove_inclusion
from tocsin.ledger.tiles import TileHashes, tile_name, tiles_of
from tocsin.ledger.witness import parse_add_checkpoint

VECTORS = Path(__file__).parent / "vectors"


def vector(name: str) -> str:
    return (VECTORS / f"{name}.txt").read_text("utf-8")


NOTE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = vector("note")
POEM = vector("poem")
COSIGNED = vector("cosigned")
REQUEST = vector("request")
LINES = vector("lines")
PROOF = vector("proof")
# A witness with a published key: the cosigned checkpoint of Sunlight's own test data.
WITNESSED_KEY = "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN"
WITNESSED = vector("witnessed")

LEAVES = [
    bytes.fromhex(x)
    for x in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
FIVE_IN_EIGHT = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
SIX_TO_EIGHT = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def test_the_note_of_the_specification_verifies_with_its_key() -> None:
    key, note = parse_key(NOTE_KEY), parse_note(NOTE.encode())
    (found,) = verify_note(note, [key])
    assert (found.key, found.time) == (key, None)
    assert note.text == "This is an example message.\n"
    assert key.encode() == NOTE_KEY
    with pytest.raises(VerificationError):
        verify_note(parse_note(NOTE.replace("example message", "example massage").encode()), [key])


@pytest.mark.parametrize("text", [NOTE, POEM, COSIGNED, WITNESSED])
def test_notes_of_the_specifications_read_and_write_alike(text: str) -> None:
    assert parse_note(text.encode()).encode() == text.encode()


def test_the_text_of_a_note_may_hold_empty_lines() -> None:
    assert parse_note(POEM.encode()).text.endswith("sole:\n\ned è subito sera.\n")


def test_the_checkpoint_of_the_specification() -> None:
    note = parse_note(COSIGNED.encode())
    tree = parse_checkpoint(note.text)
    assert (tree.origin, tree.size) == ("example.com/behind-the-sofa", 20852163)
    assert tree.root == b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert tree.text() == note.text
    assert int.from_bytes(note.signatures[1].signature[:8], "big") == 1679315147


def test_a_cosignature_that_another_implementation_made_verifies() -> None:
    key = parse_key(WITNESSED_KEY)
    assert key.kind == COSIGNER
    (found,) = verify_note(parse_note(WITNESSED.encode()), [key])
    assert found.time == 1767139200
    with pytest.raises(VerificationError, match="does not hold"):
        verify_note(parse_note(WITNESSED.replace("\n300\n", "\n301\n").encode()), [key])


def test_a_key_that_signs_notes_and_cosignatures_has_an_id_for_each() -> None:
    key = parse_key(WITNESSED_KEY)
    assert VerifierKey(key.name, 1, key.public).key_id != key.key_id
    with pytest.raises(FormatError, match="its own is"):
        parse_key(WITNESSED_KEY.replace("b8a2cf20", "b8a2cf21"))


def test_the_request_and_the_answer_of_the_witness_specification() -> None:
    request = parse_add_checkpoint(REQUEST.encode())
    assert (request.old, len(request.proof), len(request.note.signatures)) == (20852014, 4, 2)
    assert request.encode() == REQUEST.encode()
    lines = parse_signatures(LINES.encode())
    assert "".join(line.line() for line in lines) == LINES
    assert [line.name for line in lines] == ["witness.example/w1", "witness.example/w1", "witness.example/w2"]


def test_the_proof_of_the_specification() -> None:
    raw = PROOF.encode() + COSIGNED.encode()
    proof = parse_proof(raw)
    assert (proof.index, len(proof.path)) == (73894, 2)
    assert proof.extra is not None and proof.extra.startswith(b"age-v1.2.1-darwin-arm64.tar.g")
    assert proof.encode() == raw
    for wrong in (raw.replace(b"tlog-proof@v1", b"tlog-proof@v2", 1), PROOF.strip().encode()):
        with pytest.raises(FormatError, match="does not begin"):
            parse_proof(wrong)
    with pytest.raises(FormatError, match="no index line"):
        parse_proof(raw.replace(b"\nindex 73894", b"", 1))


def test_the_policy_of_the_specification() -> None:
    def vkey(name: str, kind: int) -> str:
        return VerifierKey(name, kind, origin_hash(name).encode()[:32]).encode()

    lines = [f"log {vkey('log', 1)}", ""]
    for side in "XY":
        lines += [f"witness {side}{n} {vkey(f'{side}{n}', 4)}" for n in (1, 2, 3)]
        lines += [f"group {side}-witnesses {'2' if side == 'X' else 'any'} {side}1 {side}2 {side}3", ""]
    policy = parse_policy(
        "\n".join([*lines, "group X-and-Y all X-witnesses Y-witnesses", "quorum X-and-Y", ""]).encode()
    )
    assert policy.met(["X1", "X3", "Y2"])
    assert not policy.met(["X1", "Y1", "Y2", "Y3"])
    assert not policy.met(["X1", "X2", "X3"])
    assert policy.missing(["X1", "Y1"]) == ["X-witnesses"]


def test_the_tiles_of_70000_and_256_entries() -> None:
    found = list(tiles_of(70_000))
    assert [sum(level == n and width == 256 for level, _, width in found) for n in range(3)] == [273, 1, 0]
    assert [(level, width) for level, _, width in found if width < 256] == [(0, 112), (1, 17), (2, 1)]
    assert list(tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(tiles_of(0)) == []


def test_the_names_of_tiles() -> None:
    assert tile_name(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_name("entries", 0, 7) == "tile/entries/000.p/7"
    assert tile_name(1, 999) == "tile/1/999"
    assert tile_name(1, 1000) == "tile/1/x001/000"


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_of_the_reference_tree(size: int) -> None:
    assert grow(Edge(), LEAVES[:size]).edge.root().hex() == ROOTS[size - 1]


def test_the_proofs_of_the_reference_tree() -> None:
    edge = grow(Edge(), LEAVES).edge
    hashes = TileHashes(lambda level, index, width: edge.tiles[level], 8)
    inclusion, consistency = prove_inclusion(hashes, 5, 8), prove_consistency(hashes, 6, 8)
    assert [h.hex() for h in inclusion] == FIVE_IN_EIGHT
    assert [h.hex() for h in consistency] == SIX_TO_EIGHT
    root = bytes.fromhex(ROOTS[7])
    verify_inclusion(5, 8, leaf_hash(LEAVES[5]), inclusion, root)
    verify_consistency(6, 8, consistency, bytes.fromhex(ROOTS[5]), root)


def test_the_root_of_the_empty_tree() -> None:
    assert grow(Edge(), []).edge.root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_an_origin_hash_that_another_implementation_made() -> None:
    assert origin_hash("rome2026h1.example.org") == "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706"
