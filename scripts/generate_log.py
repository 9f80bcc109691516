#!/usr/bin/env python3
"""Writes the firmware log that the benchmarks read: seeded, so that it is the same everywhere.

    scripts/generate_log.py FILE [MEGABYTES]     default 1000

ESP-IDF style lines of 78 bytes on average (12.8 million in 1 GB): one in ten coloured, one in 2,000 with bytes that are no text, boots
every 200,000 lines, 60 HardFault lines spread evenly."""

import random
import sys

MODULES = ["wifi", "ble", "sensor", "flash", "net", "main", "power", "ota", "http", "storage"]
TEXTS = ["connected, rssi -%d dBm", "batch %d sampled, 64 values", "tx queued %d (len 512)", "unavailable, retrying in %d min", "page %d sealed, crc 0x91B2",
         "session %08x opened by peer", "I2C transaction timeout, rv=-%d", "heap free %d bytes, largest block 8192", "state changed from idle to active after %d ms",
         "sample %d: temperature 21.5 C, humidity 40 %%, pressure 1013 hPa"]
LEVELS = "IIIIIIDDWE"
COLOURS = {"I": "32", "D": "36", "W": "33", "E": "31"}
BLOCK = 200_000


def block(chance, first, uptime):
    lines = []
    for number in range(first, first + BLOCK):
        uptime += chance.randrange(1, 40)
        level = LEVELS[chance.randrange(10)]
        text = TEXTS[chance.randrange(10)] % chance.randrange(1, 99_999)
        line = f"{level} ({uptime}) {MODULES[chance.randrange(10)]}: {text}, t{number & 0xFFFF:04x}"
        if number % 10 == 0:
            line = f"\x1b[0;{COLOURS[level]}m{line}\x1b[0m"
        lines.append(line)
    return lines, uptime


def main():
    path, size = sys.argv[1], int(sys.argv[2] if len(sys.argv) > 2 else 1000) * 1_000_000
    chance = random.Random(20261125)
    n_blocks = max(1, round(size / (BLOCK * 78)))
    faults = {round((n + 0.5) * n_blocks * BLOCK / 60) for n in range(60)}
    written = number = 0
    with open(path, "wb", buffering=1 << 20) as file:
        while written < size:
            lines, _ = block(chance, number, 0)
            lines[0] = "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)"
            for at in sorted(faults):
                if number <= at < number + BLOCK:
                    lines[at - number] = f"E (1) panic: HardFault at 0x{0x08000000 + at % 65536:08x}, task logger"
            data = bytearray("\n".join(lines).encode())
            # Noise of a loose wire.
            for _ in range(BLOCK // 2000):
                at = chance.randrange(len(data))
                if data[at] != 10:
                    data[at] = 0x80 | chance.randrange(128)
            data += b"\n"
            written += file.write(data)
            number += BLOCK
    print(f"{number} lines, {written} bytes")


if __name__ == "__main__":
    main()
