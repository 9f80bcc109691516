"""A UART at full rate: `scripts/bench.sh uart [SECONDS]`. A board that cannot wait (its FIFO runs over) talks over a pseudo terminal at
3 Mbaud while `fieldscope monitor` prints and records. Counted: bytes that found no room, bytes that are not in the recording, and
the processor time that listening takes."""

import errno
import os
import pty
import signal
import subprocess
import tempfile
import time
import tty

BAUD = 3_000_000
# Start bit, eight data bits, stop bit.
BYTES_A_SECOND = BAUD // 10
STEP_S = 0.001


def talk(board, text, seconds):
    """Writes at the rate of the UART; answers what was taken and how many bytes found no room."""
    sent, lost, begun = bytearray(), 0, time.monotonic()
    due = 0
    while due < BYTES_A_SECOND * seconds:
        now = int(min(time.monotonic() - begun, seconds) * BYTES_A_SECOND)
        part = bytes(text[at % len(text)] for at in range(due, min(now, due + 4096)))
        due += len(part)
        try:
            n = os.write(board, part) if part else 0
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            n = 0
        sent += part[:n]
        lost += len(part) - n
        time.sleep(STEP_S)
    return bytes(sent), lost, time.monotonic() - begun


def uart(seconds, program):
    lines = [f"[{at:08}] <inf> sensor: sample {at * 7919 % 4096} of channel {at % 8}, battery {3000 + at % 1200} mV\n" for at in range(4000)]
    text = "".join(lines).encode()
    with tempfile.TemporaryDirectory() as folder:
        board, port = pty.openpty()
        tty.setraw(port)
        tty.setraw(board)
        os.set_blocking(board, False)
        recording = os.path.join(folder, "uart.fscap")
        command = [program, "monitor", "--no-cache", "--workspace", os.path.join(folder, "w.fieldscope"), "--uart", os.ttyname(port),
                   "--baud", str(BAUD), "--record", recording]
        with open(os.path.join(folder, "printed"), "wb") as printed:
            monitor = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.PIPE, text=True)
        os.close(port)
        while "listening" not in monitor.stderr.readline():
            pass
        sent, lost, took = talk(board, text, seconds)
        time.sleep(0.5)
        with open(f"/proc/{monitor.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        monitor.send_signal(signal.SIGINT)
        monitor.stderr.read()
        monitor.wait()
        recorded = subprocess.run([program, "logs", "--raw", recording], stdout=subprocess.PIPE, check=True).stdout
        with open(os.path.join(folder, "printed"), "rb") as printed:
            n_printed = printed.read().count(b"\n")
    print(f"  {len(sent):,} bytes in {took:.1f} s ({len(sent) * 10 / took / 1e6:.2f} Mbaud); no room for {lost}; "
          f"the recording is {'the same' if recorded == sent else 'NOT THE SAME'}; {n_printed:,} rows printed, {sent.count(10):,} sent; "
          f"listening took {cpu / took * 100:.1f} % of a processor")
    failed = lost > 0 or recorded != sent
    print(f"    bytes lost: {lost}; goal 0: {'NOT REACHED' if failed else 'reached'}")
    return failed
