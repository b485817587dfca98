"""A range has the root of the tree at every size; a whole log is read back from its folder."""

from ledger_worlds import Branch, World, entries

from tocsin.ledger.merkle import leaf_hash
from tocsin.ledger.range import Range
from tocsin.ledger.source import folder_source, read_log


def test_a_range_has_the_root_of_every_size_and_its_copy_grows_alone() -> None:
    tree, grown = Branch(tuple(entries(70))), Range()
    for size, entry in enumerate(tree.entries):
        assert grown.root() == tree.root(size)
        grown.copy().extend([leaf_hash(b"other")])
        grown.extend([leaf_hash(entry)])
    assert (grown.size, grown.root()) == (70, tree.root())


def test_all_entries_below_the_checkpoint_are_read(world: World) -> None:
    world.log.append(entries(300))
    world.log.publish(world.checkpoint())
    world.log.append(entries(301))
    assert list(read_log(folder_source(world.folder / "log"))) == entries(300)
