#!/usr/bin/env bash
# Build the kernels for AArch64 and run their tests there, under emulation: `make aarch64`.
#
# Needs a Debian or Ubuntu machine with gcc-aarch64-linux-gnu and qemu-user, and Python 3.11 packages in its archive. The
# AArch64 Python, its libraries and wheels are unpacked under build/aarch64; nothing is installed on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
HOME_DIR=$PWD/build/aarch64
ROOT=$HOME_DIR/root SITE=$HOME_DIR/site SRC=$HOME_DIR/src
DEBS="python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libpython3.11-dev libc6 libstdc++6 libgcc-s1
      zlib1g libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1"
WHEELS="numpy pyarrow msgspec pydantic pyyaml rich jinja2 hyperscan google-re2 typer pytest hypothesis"

for tool in aarch64-linux-gnu-gcc qemu-aarch64 apt-get dpkg-deb; do
    command -v $tool >/dev/null || { echo "$tool is missing: apt-get install gcc-aarch64-linux-gnu qemu-user" >&2; exit 2; }
done

unpack_python() {
    local apt=$HOME_DIR/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$HOME_DIR/debs" "$ROOT.part"
    touch "$apt/status"
    local options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$apt" -o Dir::State::Lists="$apt/lists"
                   -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$HOME_DIR/debs" && apt-get "${options[@]}" download $DEBS)
    for deb in "$HOME_DIR"/debs/*.deb; do dpkg-deb -x "$deb" "$ROOT.part"; done
    mv "$ROOT.part" "$ROOT"
}

fetch_wheels() {
    "$PYTHON" -m pip install --quiet --only-binary=:all: --python-version 3.11 --implementation cp --target "$SITE.part" \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 $WHEELS
    mv "$SITE.part" "$SITE"
}

[ -d "$ROOT" ] || unpack_python
[ -d "$SITE" ] || fetch_wheels
rm -rf "$SRC" && cp -r src "$SRC" && rm -f "$SRC"/tocsin/text/_kernels*.so
aarch64-linux-gnu-gcc -O3 -std=c11 -fvisibility=hidden -shared -fPIC -Wall -Wextra -Werror \
    -I"$ROOT/usr/include/python3.11" -I"$ROOT/usr/include" src/tocsin/text/kernels_c/*.c -o "$SRC/tocsin/text/_kernels.abi3.so"
export QEMU_LD_PREFIX=$ROOT PYTHONPATH=$SRC:$SITE
run() { qemu-aarch64 "$ROOT/usr/bin/python3.11" "$@"; }
run -c 'import platform; from tocsin.text import kernels_in_use; print(platform.machine(), kernels_in_use()); assert kernels_in_use() == "c"'
run -m pytest -p no:cacheprovider tests/text/test_kernels.py tests/text/test_kernels_tables.py tests/text/test_text_demands.py tests/text/test_text_utf8.py
run tests/fuzz/fuzz_kernels.py --here --random --seconds 20  # no child processes: they would not be emulated
