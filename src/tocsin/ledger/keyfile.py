"""Key files: verifier keys in clear, and the seeds of the private ones, sealed by a passphrase where one is given.

tocsin-key/v1
vkey NAME+ID+BASE64              one line a key, Ed25519 first
seed BASE64                      one line a key, in the same order; or, with a passphrase,
sealed scrypt BASE64 BASE64      salt, and the seeds under ChaCha20-Poly1305, bound to the lines above
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tocsin.forms.errors import ConfigError, FormatError
from tocsin.ledger.keys import COSIGNER, ED25519, ML_DSA, SEED_BYTES, Signer, VerifierKey, parse_key, signer_from_seed
from tocsin.ledger.strict import read_base64, read_utf8, write_base64

KEY_BYTES = 64 * 1024
KINDS = {"log": ED25519, "statement": ED25519, "recovery": ED25519, "witness": COSIGNER, "mirror": COSIGNER}
_FIRST = "tocsin-key/v1"
_SALT_BYTES = 16
_NONCE = bytes(12)  # the key is made from a fresh salt and seals one text only

Random = Callable[[int], bytes]


@dataclass(frozen=True)
class KeyFile:
    """The public keys of a file, and its private lines."""

    keys: tuple[VerifierKey, ...]
    private: tuple[str, ...]

    @property
    def sealed(self) -> bool:
        """Tell whether a passphrase is needed."""
        return self.private[0].startswith("sealed ")

    def encode(self) -> bytes:
        """Write the file."""
        return "".join(f"{line}\n" for line in (*_head(self.keys), *self.private)).encode()

    def signers(self, passphrase: bytes = b"") -> tuple[Signer, ...]:
        """Open the private keys.

        Errors: ConfigError for a wrong passphrase; FormatError for a seed that is not its key's.
        """
        seeds = _open(self, passphrase) if self.sealed else _seeds(self.private)
        if len(seeds) != len(self.keys):
            raise FormatError(f"the key file has {len(self.keys)} keys and {len(seeds)} seeds")
        signers = tuple(signer_from_seed(k.name, k.kind, seed) for k, seed in zip(self.keys, seeds, strict=True))
        if tuple(signer.key for signer in signers) != self.keys:
            raise FormatError("a seed of the key file does not make the key above it")
        return signers


def new_key(name: str, random: Random, kind: int = ED25519, *, ml_dsa: bool = False) -> tuple[Signer, ...]:
    """Make an Ed25519 key for notes or cosignatures, and with `ml_dsa` an ML-DSA-44 key beside it."""
    kinds = (kind, ML_DSA) if ml_dsa else (kind,)
    return tuple(signer_from_seed(name, one, random(SEED_BYTES)) for one in kinds)


def seal_keys(signers: Sequence[Signer], random: Random, passphrase: bytes = b"") -> KeyFile:
    """Put keys into a file's form, under a passphrase where one is given."""
    keys = tuple(signer.key for signer in signers)
    if not passphrase:
        return KeyFile(keys, tuple(f"seed {write_base64(signer.seed())}" for signer in signers))
    salt = random(_SALT_BYTES)
    seeds = b"".join(signer.seed() for signer in signers)
    sealed = _cipher(passphrase, salt).encrypt(_NONCE, seeds, _bound(keys))
    return KeyFile(keys, (f"sealed scrypt {write_base64(salt)} {write_base64(sealed)}",))


def parse_key_file(raw: bytes) -> KeyFile:
    """Read a key file; its private keys stay closed.

    Errors: FormatError.
    """
    first, *lines = read_utf8(raw, "key file", KEY_BYTES).split("\n")
    keys = tuple(parse_key(line.removeprefix("vkey ")) for line in lines if line.startswith("vkey "))
    private = tuple(lines[len(keys) : -1])
    if first != _FIRST or lines[-1] or not keys or not private:
        raise FormatError(
            f"the key file is not {_FIRST!r}, vkey lines and seeds", hint="make one with `tocsin key new`"
        )
    if any(not line.startswith("vkey ") for line in lines[: len(keys)]):
        raise FormatError("the vkey lines of the key file do not stand together")
    return KeyFile(keys, private)


def _head(keys: Sequence[VerifierKey]) -> list[str]:
    return [_FIRST, *(f"vkey {key.encode()}" for key in keys)]


def _bound(keys: Sequence[VerifierKey]) -> bytes:
    return "\n".join(_head(keys)).encode()


def _seeds(lines: Sequence[str]) -> list[bytes]:
    if not all(line.startswith("seed ") for line in lines):
        raise FormatError("a private line of the key file is not a seed")
    return [read_base64(line.removeprefix("seed "), "seed", SEED_BYTES) for line in lines]


def _open(file: KeyFile, passphrase: bytes) -> list[bytes]:
    words = file.private[0].split(" ")
    if len(file.private) != 1 or len(words) != 4 or words[1] != "scrypt":
        raise FormatError("the sealed line of the key file is not 'sealed scrypt SALT SEEDS'")
    salt, sealed = read_base64(words[2], "salt", _SALT_BYTES), read_base64(words[3], "sealed seeds")
    try:
        seeds = _cipher(passphrase, salt).decrypt(_NONCE, sealed, _bound(file.keys))
    except InvalidTag:
        raise ConfigError("the passphrase does not open the key", hint="give the one it was made with") from None
    return [seeds[i : i + SEED_BYTES] for i in range(0, len(seeds), SEED_BYTES)]


def _cipher(passphrase: bytes, salt: bytes) -> ChaCha20Poly1305:
    """Derive the sealing key: scrypt with 128 MiB, a second or less."""
    return ChaCha20Poly1305(Scrypt(salt=salt, length=32, n=2**17, r=8, p=1).derive(passphrase))
