"""Links to the processor of a board: `scripts/bench.sh links [SECONDS]`. QEMU emulates the boards; benches/links.rs observes them through its
GDB server, and through probe-rs on a debug port in software whose memory is that of the board. Counted: how often 20 numbers were looked
at of 100 times a second, bytes of RTT a second, rows that are wrong or missing, and what it cost the board. Then `fieldscope monitor` decodes
defmt that comes over RTT, beside what defmt-print needs for the same bytes."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

GOALS = ((r"20 numbers ([\d.]+) times", 95.0, "looks a second"), (r"RTT ([\d.]+) MB/s", 1.0, "MB/s"))


DEFMT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "fixtures", "defmt", "cistern-rzcobs")


# The stream of channel 0 of the first link (docs/recording-format.md).
FIRST_RTT = 16


def came_over(recording, number):
    """What came over one stream of a recording."""
    with open(recording, "rb") as file:
        data = file.read()
    at, out = 16, bytearray()
    while at + 16 <= len(data):
        _, kind, stream, n_bytes = struct.unpack_from("<HBBI", data, at)
        if (kind, stream) == (2, number):
            out += data[at + 16:at + 16 + n_bytes]
        at += 20 + n_bytes
    return bytes(out)


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def defmt(seconds, program, folder):
    """defmt over RTT: what comes is printed as it comes, and is then given to defmt-print."""
    address = f"127.0.0.1:{free_port()}"
    board = os.path.join(folder, "rtt-stream.elf")
    recording, printed = os.path.join(folder, "s.fscap"), os.path.join(folder, "printed")
    qemu = subprocess.Popen(["qemu-system-arm", "-M", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "null", "-nic", "none",
                             "-gdb", f"tcp:{address}", "-kernel", board], stdin=subprocess.DEVNULL)
    try:
        time.sleep(1)
        with open(printed, "wb") as out:
            monitor = subprocess.Popen([program, "monitor", "--no-cache", "--workspace", os.path.join(folder, "w.fieldscope"), "--gdb", address,
                                        "--rtt", "--elf", board, "--elf", DEFMT + ".elf", "--record", recording],
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        with open(f"/proc/{monitor.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        busy = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") / seconds
        monitor.send_signal(signal.SIGINT)
        monitor.wait()
    finally:
        qemu.kill()
        qemu.wait()
    stream = came_over(recording, FIRST_RTT)
    with open(DEFMT + ".bin", "rb") as file:
        frames = file.read()
    same = len(stream) > len(frames) and stream == (frames * (len(stream) // len(frames) + 1))[:len(stream)]
    with open(DEFMT + ".txt", encoding="utf-8") as file:
        n_frames = file.read().count("\n") * (len(stream) // len(frames))
    with open(printed, "rb") as file:
        n_rows = file.read().count(b"\n")
    rate = len(stream) / seconds / 1e6
    print(f"  gdb: defmt over RTT {rate:.2f} MB/s, {len(stream):,} bytes, {'all as the board wrote them' if same else 'NOT AS THE BOARD WROTE THEM'}; "
          f"{n_rows:,} rows printed of {n_frames:,}; {busy * 100:.0f} % of a processor")
    tool = shutil.which("defmt-print")
    if not tool:
        print("    defmt-print is not installed (cargo install --locked defmt-print): not compared")
        return not same
    started = time.perf_counter()
    subprocess.run([tool, "-e", DEFMT + ".elf"], input=stream, stdout=subprocess.DEVNULL, check=True)
    theirs = len(stream) / (time.perf_counter() - started) / 1e6
    print(f"    defmt-print decodes the same bytes at {theirs:.2f} MB/s; {rate / theirs:.1f} times as fast as that, over the link: "
          f"{'reached' if same and rate >= theirs else 'NOT REACHED'}")
    return not same or rate < theirs


def links(seconds, program):
    here = os.path.dirname(os.path.abspath(__file__))
    example = os.path.join(os.path.dirname(program), "examples", "links")
    watched = os.path.join(here, "..", "tests", "fixtures", "qemu-freertos", "an386.elf")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(here, "rtt-board"), folder, DEFMT + ".bin"], check=True)
        command = [example, str(seconds), watched, os.path.join(folder, "rtt.elf")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                print(f"  {line.rstrip()}")
                for pattern, goal, unit in GOALS:
                    reached = re.search(pattern, line)
                    wrong = re.search(r"(\d+) rows wrong", line)
                    if reached:
                        is_reached = float(reached[1]) >= goal and not (wrong and int(wrong[1]))
                        failed |= not is_reached
                        print(f"    goal {goal:g} {unit}, nothing wrong: {'reached' if is_reached else 'NOT REACHED'}")
        failed |= process.returncode != 0
        failed |= defmt(seconds, program, folder)
    return failed
