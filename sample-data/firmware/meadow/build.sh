#!/usr/bin/env bash
# Builds Meadow and Sprout into OUT, with the SDK as it lies in assets/sdk. Called by scripts/make-sdk-fixtures.
#   build.sh OUT KERNEL      KERNEL: the FreeRTOS-Kernel folder
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sdk=$(cd "$here/../../assets/sdk" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
kernel=$(cd "$2" && pwd)
port="$kernel/portable/GCC/ARM_CM4F"
compiler=$(dirname "$(arm-none-eabi-gcc -print-libgcc-file-name)")
cd "$here"

# build NAME CPU-FLAGS STACK -- compiler flags and sources..
build() {
    local name=$1 cpu=$2 stack=$3 flash=0x00000000 flash_size=1M ram=0x20000000 ram_size=128K
    shift 3
    case $cpu in
        *BOARD_AN505*) flash=0x10000000 ram=0x38000000 ;;
        *BOARD_NRF51*) flash_size=256K ram_size=16K ;;
    esac
    arm-none-eabi-gcc -E -P -x c -DFLASH_ORIGIN=$flash -DFLASH_SIZE=$flash_size -DRAM_ORIGIN=$ram -DRAM_SIZE=$ram_size -DSTACK_SIZE="$stack" common/link.ld.in -o "$out/$name.ld"
    # Debian's libgcc carries debug information with paths of the machine that built it.
    # shellcheck disable=SC2086
    arm-none-eabi-objcopy --strip-debug "$(arm-none-eabi-gcc $cpu -mthumb -print-libgcc-file-name)" "$out/libgcc-$name.a"
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $cpu -mthumb -std=gnu11 -Og -g -gz -gno-record-gcc-switches -Wall -Wextra -Wno-unused-parameter -Wno-unused-function \
        -mno-unaligned-access -ffreestanding -fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections \
        -ffile-prefix-map="$kernel"=FreeRTOS-Kernel -ffile-prefix-map="$here"=firmware -ffile-prefix-map="$compiler"=gcc -ffile-prefix-map="$sdk"=fieldscope-sdk \
        -ffile-prefix-map="$out"=out -nostdlib -nostartfiles -isystem "$here/common/libc" -I common -I "$sdk" \
        -T "$out/$name.ld" -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,--no-warn-rwx-segments "$@" \
        common/start.c common/board.c common/console.c common/libc/string.c "$sdk/fieldscope.c" "$sdk/ports/fs_fault_cortex_m.c" \
        "$out/libgcc-$name.a" -o "$out/$name.elf"
    arm-none-eabi-size "$out/$name.elf" | tail -n 1
}

# meadow NAME FOLDER-OF-MAIN
meadow() {
    build "$1" "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -DBOARD_AN386" 0x400 -DFS_CONFIG='"fs_config.h"' \
        -ffile-prefix-map="$out/dew-point"=meadow -I meadow -I "$sdk/ports/freertos" -I "$kernel/include" -I "$port" "$2/main.c" meadow/glue.c \
        "$sdk/ports/fs_store_noinit.c" "$sdk/ports/freertos/fs_port_freertos.c" \
        "$kernel"/{tasks,queue,list}.c "$kernel/portable/MemMang/heap_4.c" "$port/port.c"
}

meadow meadow-an386 meadow
# The same with one metric more: two lines.
mkdir -p "$out/dew-point"
cp meadow/main.c "$out/dew-point/"
patch --quiet -d "$out/dew-point" -p1 < meadow/dew-point.patch
meadow meadow-an386-dew-point "$out/dew-point"

# sprout NAME CPU-FLAGS [compiler flags..]
sprout() {
    local name=$1 cpu=$2
    shift 2
    build "$name" "$cpu" 0x800 -DFS_STORE=0 -I "$sdk/ports/bare_metal" "$@" sprout/main.c "$sdk/ports/bare_metal/fs_port_bare_metal.c"
}

sprout sprout-an385 "-mcpu=cortex-m3 -DBOARD_AN385"
sprout sprout-an385-cobs "-mcpu=cortex-m3 -DBOARD_AN385" -DFS_WIRE_COBS=1
sprout sprout-nrf51 "-mcpu=cortex-m0 -DBOARD_NRF51"
sprout sprout-an505 "-mcpu=cortex-m33 -mfloat-abi=hard -mfpu=fpv5-sp-d16 -DBOARD_AN505"
