"""Build the compiled kernels; without a compiler the package installs all the same and its references serve."""

import os
from pathlib import Path

from setuptools import Extension, setup

KERNELS = Path("src/tocsin/text/kernels_c")

setup(
    ext_modules=[
        Extension(
            "tocsin.text._kernels",
            sorted(map(str, KERNELS.glob("*.c"))),
            depends=sorted(map(str, KERNELS.glob("*.h"))),
            extra_compile_args=["-O3", "-std=c11", "-fvisibility=hidden"] if os.name == "posix" else [],
            optional=True,
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
