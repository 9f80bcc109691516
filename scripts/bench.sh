#!/usr/bin/env bash
# How long Fieldscope takes beside the tools people use today, on this machine, in this run.
#   scripts/bench.sh crash [N]        `fieldscope backtrace --locals` against gdb-multiarch's `thread apply all bt full`
#   scripts/bench.sh symbolize [N]    `fieldscope symbolize` against binutils' addr2line, for 1 and for 10,000 addresses
#   scripts/bench.sh symbols [N]      `fieldscope symbolize` against binutils' and gimli's addr2line and llvm-symbolizer: 1, 10,000 and
#                                     1,000,000 addresses of an ELF of 10 MB and of one of several hundred MB; answers compared
#   scripts/bench.sh import           `fieldscope import` of 1,000 coredumps of 10 builds
#   scripts/bench.sh logs [N]         `fieldscope logs` on a log of 1 GB against ripgrep and lnav, and on a defmt stream against defmt-print
#   scripts/bench.sh metrics [N]      a fleet sample of 160 million points, and one day of 50,000 devices: import (N/7 runs) and six questions,
#                                     cold and warm, against DuckDB; answers compared
#   scripts/bench.sh follow [SECONDS] frames of the window while 30 kB a second are appended to a log of 100 MB, with filters on
#   scripts/bench.sh rows             frames of the window while a log of 100,000,000 rows is scrolled by wheel, page, scroll bar and go-to
#   scripts/bench.sh charts           frames of the window while somebody drags across charts of 10,000,000 points over 50,000 devices
#   scripts/bench.sh links [SECONDS]  boards that QEMU emulates, behind a GDB server and behind a debug probe: 20 numbers at 100 Hz and RTT at
#                                     full rate (default 20), with what that costs; needs gcc-arm-none-eabi and qemu-system-arm
#   scripts/bench.sh uart [SECONDS]   a UART at 3 Mbaud that `fieldscope monitor` and then the window listen to (default 20): bytes lost,
#                                     processor time, frames
#   scripts/bench.sh live [SECONDS]   uart, then links
#   scripts/bench.sh window [N]       start to first frame against an empty eframe window, and the longest frame of an import
# N: runs of each, one after the other (default 20). FIELDSCOPE: the program (default: built with --release).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
what=${1:-}
case $what in charts | crash | follow | import | links | live | logs | metrics | rows | symbolize | symbols | uart | window) ;; *) sed -n '2,20s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
if [ -z "${FIELDSCOPE:-}" ]; then
    case $what in
        follow | rows) cargo build --release --quiet --example live_log ;;
        links) cargo build --release --quiet --no-default-features --features probe --example links ;;
        charts) cargo build --release --quiet --bin fieldscope --example fleet_drag ;;
        window | uart | live) cargo build --release --quiet ;;
        metrics) cargo build --release --quiet --no-default-features --features bench ;;
        *) cargo build --release --quiet --no-default-features ;;
    esac
    [ "$what" != live ] || cargo build --release --quiet --no-default-features --features probe --example links
    [ "$what" != window ] || cargo build --release --quiet --example empty_window
    FIELDSCOPE=${CARGO_TARGET_DIR:-target}/release/fieldscope
fi
FIELDSCOPE=$FIELDSCOPE exec python3 scripts/bench.py "$what" "${2:-20}"
