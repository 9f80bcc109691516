#!/usr/bin/env bash
# Builds the matrix of compilers again, runs every build to its crash on QEMU, asks gdb and llvm-symbolizer, and writes the table.
#   matrix.sh                 make tests/fixtures/matrix/matrix.tar.zst and the table of docs/accuracy.md
#   matrix.sh --only REGEX --keep DIR    some of them, to look at
# Needs: arm-none-eabi-gcc with libstdc++, riscv64-unknown-elf-gcc, clang-14, lld-14, llvm-14, gdb-multiarch, QEMU, zstd,
# and /usr/bin/rustc with its library's source (MATRIX_SYSROOT: a sysroot made before).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ $# -gt 0 ]; then exec python3 scripts/matrix.py "$@"; fi
python3 scripts/matrix.py --pack
table=$(mktemp)
MATRIX_TABLE=$table cargo test --offline --no-default-features --test matrix
python3 scripts/matrix.py --document "$table"
rm "$table"
