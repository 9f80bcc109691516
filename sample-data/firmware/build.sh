#!/usr/bin/env bash
# Builds every firmware of the sample data into OUT (default: ./out). Called by scripts/make-sample-data.
#   build.sh OUT KERNEL      KERNEL: the FreeRTOS-Kernel folder
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
kernel=$(cd "$2" && pwd)
cd "$here"
compiler=$(dirname "$(arm-none-eabi-gcc -print-libgcc-file-name)")

# build NAME PRODUCT DUMP BOARD [compiler flags..]
build() {
    local name=$1 product=$2 dump=$3 board=$4
    shift 4
    local cpu flash=0x00000000 flash_size=1M ram=0x20000000 ram_size=128K stack=0x800 port=""
    case $board in
        an385) cpu="-mcpu=cortex-m3 -DBOARD_AN385" ;;
        an386) cpu="-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -DBOARD_AN386" port=ARM_CM4F ;;
        an505) cpu="-mcpu=cortex-m33 -mfloat-abi=hard -mfpu=fpv5-sp-d16 -DBOARD_AN505" port=ARM_CM33_NTZ/non_secure
            flash=0x10000000 ram=0x38000000 ;;
        f405) cpu="-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -DBOARD_F405" flash=0x08000000 port=ARM_CM4F ;;
        nrf51) cpu="-mcpu=cortex-m0 -DBOARD_NRF51" flash_size=256K ram_size=16K ;;
    esac
    local sources=(common/start.c common/board.c common/console.c common/fault.c "common/coredump_$dump.c" common/libc/string.c "$product/main.c")
    local kernel_flags=()
    if [ "$product" = brook ]; then
        stack=0x400
        # shellcheck disable=SC2206
        sources+=("$kernel"/{tasks,queue,list,timers}.c "$kernel"/portable/MemMang/heap_4.c "$kernel/portable/GCC/$port"/port*.c)
        kernel_flags=(-I "$kernel/include" -I "$kernel/portable/GCC/$port")
    fi
    arm-none-eabi-gcc -E -P -x c -DFLASH_ORIGIN=$flash -DFLASH_SIZE=$flash_size -DRAM_ORIGIN=$ram -DRAM_SIZE=$ram_size \
        -DSTACK_SIZE=$stack common/link.ld.in -o "$out/$name.ld"
    # Debian's libgcc carries debug information with paths of the machine that built it.
    # shellcheck disable=SC2086
    arm-none-eabi-objcopy --strip-debug "$(arm-none-eabi-gcc $cpu -mthumb -print-libgcc-file-name)" "$out/libgcc-$name.a"
    # shellcheck disable=SC2086
    arm-none-eabi-gcc $cpu -mthumb -std=gnu11 -Og -g -gno-record-gcc-switches -Wall -Wextra -Wno-infinite-recursion -Wno-unused-parameter -Wno-unused-function \
        -mno-unaligned-access -ffreestanding -fno-tree-loop-distribute-patterns -ffunction-sections -fdata-sections \
        -ffile-prefix-map="$kernel"=FreeRTOS-Kernel -ffile-prefix-map="$here"=firmware -ffile-prefix-map="$compiler"=gcc -fdebug-prefix-map="$out"=out \
        -nostdlib -nostartfiles -isystem "$here/common/libc" -I common -I "$product" "${kernel_flags[@]}" \
        -T "$out/$name.ld" -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,--no-warn-rwx-segments "$@" \
        "${sources[@]}" "$out/libgcc-$name.a" -o "$out/$name.elf"
    arm-none-eabi-size "$out/$name.elf" | tail -n 1
}

build hearth-f405 hearth crashcatcher f405
build hearth-an385 hearth zephyr an385
build hearth-an505 hearth crashcatcher an505
build hearth-nrf51 hearth crashcatcher nrf51
build brook-an386 brook zephyr an386 -DCOREDUMP_CRC -gz
build brook-an386-cc brook crashcatcher an386
build brook-an505 brook crashcatcher an505
