"""Build the compiled kernels; without a compiler the package installs all the same and its references serve."""

import os

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "tocsin.text._kernels",
            ["src/tocsin/text/_kernels.c"],
            extra_compile_args=["-O3", "-std=c11"] if os.name == "posix" else [],
            optional=True,
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
