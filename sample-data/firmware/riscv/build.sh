#!/usr/bin/env bash
# Builds the RISC-V firmwares into OUT. Called by scripts/make-riscv-fixtures.
#   build.sh OUT KERNEL      KERNEL: the FreeRTOS-Kernel folder
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
kernel=$(cd "$2" && pwd)
cd "$here"
# The 2.2 specification counts the control and status registers to the base, as Debian's libgcc was built.
target="-march=rv32imac -misa-spec=2.2 -mabi=ilp32 -mcmodel=medany"
compiler=$(dirname "$(riscv64-unknown-elf-gcc -print-libgcc-file-name)")
# shellcheck disable=SC2086
riscv64-unknown-elf-objcopy --strip-debug "$(riscv64-unknown-elf-gcc $target -print-libgcc-file-name)" "$out/libgcc-rv32.a"

# build NAME PRODUCT [compiler flags..]
build() {
    local name=$1 product=$2
    shift 2
    local sources=(riscv/start.S riscv/board.c riscv/fault.c riscv/coredump_zephyr.c common/console.c common/libc/string.c "$product/main.c")
    local kernel_flags=()
    if [ "$product" = weir ]; then
        local port="$kernel/portable/GCC/RISC-V"
        # shellcheck disable=SC2206
        sources+=("$kernel"/{tasks,queue,list,timers}.c "$kernel"/portable/MemMang/heap_4.c "$port/port.c" "$port/portASM.S")
        kernel_flags=(-DFREERTOS -I "$kernel/include" -I "$port" -I "$port/chip_specific_extensions/RISCV_MTIME_CLINT_no_extensions")
    fi
    # shellcheck disable=SC2086
    riscv64-unknown-elf-gcc $target -std=gnu11 -g -gno-record-gcc-switches -Wall -Wextra -Wno-infinite-recursion \
        -Wno-unused-parameter -Wno-unused-function -ffreestanding -fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections \
        -ffile-prefix-map="$kernel"=FreeRTOS-Kernel -ffile-prefix-map="$here"=firmware -ffile-prefix-map="$compiler"=gcc -fdebug-prefix-map="$out"=out \
        -Wa,--debug-prefix-map="$kernel"=FreeRTOS-Kernel -Wa,--debug-prefix-map="$here"=firmware \
        -nostdlib -nostartfiles -isystem "$here/common/libc" -I riscv -I common -I "$product" "${kernel_flags[@]}" \
        -T riscv/link.ld -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,--no-warn-rwx-segments "$@" \
        "${sources[@]}" "$out/libgcc-rv32.a" -o "$out/$name.elf"
    riscv64-unknown-elf-size "$out/$name.elf" | tail -n 1
}

build rill-virt rill -Og
build rill-virt-os rill -Os -fno-omit-frame-pointer
build rill-virt-o2 rill -O2 -gdwarf-4
build weir-virt weir -Og
