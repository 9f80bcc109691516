#!/usr/bin/env bash
# Makes the table "Public dumps" of docs/accuracy.md again:
#   scripts/accuracy.sh DIR       DIR: checkouts (or test folders) of the projects named in scripts/accuracy.py
# Needs python3 3.11 or later, and gdb-multiarch for the comparison with gdb. Nothing in DIR is changed.
set -euo pipefail
dir=$(realpath "${1:?give the folder that holds the dumps}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${FIELDSCOPE:=${CARGO_TARGET_DIR:-target}/release/fieldscope}"
if [ ! -x "$FIELDSCOPE" ]; then
    echo "accuracy.sh: $FIELDSCOPE is not there: cargo build --release --no-default-features" >&2
    exit 2
fi
FIELDSCOPE=$FIELDSCOPE exec python3 scripts/accuracy.py "$dir"
