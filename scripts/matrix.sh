#!/usr/bin/env bash
# Builds the matrix of compilers again, runs every build to its crash on QEMU, asks gdb and llvm-symbolizer, and writes the table.
#   matrix.sh                 make tests/fixtures/matrix/matrix.tar.zst and the table of docs/accuracy.md
#   matrix.sh --only REGEX --keep DIR    some of them, to look at
# Needs: arm-none-eabi-gcc with libstdc++, riscv64-unknown-elf-gcc, clang-14, lld-14, llvm-14, gdb-multiarch, QEMU,
# and a rustc with its library's source (RUSTC, default /usr/bin/rustc; MATRIX_SYSROOT to use a sysroot made before).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 scripts/matrix.py "$@"
