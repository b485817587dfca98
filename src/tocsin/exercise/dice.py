"""Random numbers with an address, so that every policy meets the same chances."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

PLACES, FACES = 32, 128  # most places where something happens to a subject, and most numbers at each
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_NORMAL_STEPS = 4096
_NORMAL = np.array([NormalDist().inv_cdf((i + 0.5) / _NORMAL_STEPS) for i in range(_NORMAL_STEPS)])


def splitmix64(seed: int, places: Words) -> Words:
    """Compute the outputs of SplitMix64 at any places of its stream; place 0 is its first output.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    z = (places + np.uint64(1)) * _GOLDEN + np.uint64(seed)
    z = (z ^ (z >> np.uint64(30))) * _MIX[0]
    z = (z ^ (z >> np.uint64(27))) * _MIX[1]
    return np.asarray(z ^ (z >> np.uint64(31)))


class Dice:
    """Throw for a subject, a place and a face: the same address gives the same number, always.

    A campaign therefore meets the same chances at a provider whichever policy brought it there, and the difference of
    two policies is not drowned in chance (common random numbers).
    """

    def __init__(self, seed: int) -> None:
        self._seed = int(splitmix64(seed, np.zeros(1, np.uint64))[0])

    def throw(self, subject: Ints, place: Ints, face: int, faces: int = 1) -> Floats:
        """Throw evenly over the open interval from 0 to 1; shape (subjects, faces)."""
        base = (subject * PLACES + place) * FACES + face
        places = (base[:, None] + np.arange(faces)).astype(np.uint64)
        bits = splitmix64(self._seed, places) >> np.uint64(12)
        return np.asarray((bits.astype(np.float64) + 0.5) * 2.0**-52)


def normal(even: Floats) -> Floats:
    """Turn even throws into standard normal ones, in 4,096 steps of equal chance: delays count whole days anyway."""
    return np.asarray(_NORMAL[(even * _NORMAL_STEPS).astype(np.int64)])
