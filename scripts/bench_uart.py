"""A UART at full rate: `scripts/bench.sh uart [SECONDS]`. A board that cannot wait (its FIFO runs over) talks over a pseudo terminal at
3 Mbaud while `fieldscope monitor` prints and records, and then while the window shows it. Counted: bytes that found no room, bytes that
are not in the recording, the processor time that listening takes, and the frames of the window."""

import errno
import glob
import json
import os
import pty
import signal
import statistics
import subprocess
import tempfile
import time
import tty

BAUD = 3_000_000
# Start bit, eight data bits, stop bit.
BYTES_A_SECOND = BAUD // 10
STEP_S = 0.001
GOAL_FRAME_MS = 16
# The window opens the port, and shows what came before the picture is taken.
WINDOW_S = 6


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


def uart_at_full_rate():
    """A board's end of a UART that cannot wait, and the port."""
    board, port = pty.openpty()
    tty.setraw(port)
    tty.setraw(board)
    os.set_blocking(board, False)
    return board, port


def recorded_in(program, recording):
    return subprocess.run([program, "logs", "--raw", recording], stdout=subprocess.PIPE, check=True).stdout


def window(seconds, program, text):
    """The Live screen while the same comes; the frames are those of a real window."""
    with tempfile.TemporaryDirectory() as folder:
        board, port = uart_at_full_rate()
        frames = os.path.join(folder, "frames")
        environment = dict(os.environ, LP_NUM_THREADS="1", FIELDSCOPE_FRAME_LOG=frames)
        command = [program, "screenshot", "live", "--no-cache", "--workspace", os.path.join(folder, "w.fieldscope"), "--connect",
                   f"uart:{os.ttyname(port)}", "--seconds", str(seconds + WINDOW_S), "--out", os.path.join(folder, "live.png")]
        with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:
            # The recording begins when the port was opened.
            while not (recordings := glob.glob(os.path.join(folder, "recordings", "*.fscap"))):
                if process.poll() is not None:
                    raise SystemExit("bench: the window ended before it listened")
                time.sleep(0.05)
            time.sleep(1)
            with open(frames, encoding="utf-8") as file:
                n_before = len(file.readlines())
            sent, lost, took = talk(board, text, seconds)
            with open(frames, encoding="utf-8") as file:
                records = [json.loads(line) for line in file.readlines()[n_before:] if line.endswith("\n")]
        os.close(port)
        same = recorded_in(program, recordings[0]) == sent
    ours = [record["cpu_us"] / 1e3 for record in records if record["event"] == "frame"]
    whole = [record["thread_us"] / 1e3 for record in records if record["event"] == "between"]
    print(f"  window: {len(sent):,} bytes in {took:.1f} s; no room for {lost}; the recording is {'the same' if same else 'NOT THE SAME'}; "
          f"{len(ours)} frames, processor time of the window's thread")
    failed = lost > 0 or not same or len(ours) < seconds or max(ours) >= GOAL_FRAME_MS
    print(f"    our part of a frame                median {statistics.median(ours):8.2f} ms   longest {max(ours):8.2f} ms; "
          f"no byte lost and under {GOAL_FRAME_MS} ms: {'NOT REACHED' if failed else 'reached'}")
    print(f"    with tessellation and OpenGL       median {statistics.median(whole):8.2f} ms   longest {max(whole):8.2f} ms")
    return failed


def uart(seconds, program):
    lines = [f"[{at:08}] <inf> sensor: sample {at * 7919 % 4096} of channel {at % 8}, battery {3000 + at % 1200} mV\n" for at in range(4000)]
    text = "".join(lines).encode()
    failed = monitor(seconds, program, text)
    return window(seconds, program, text) or failed


def monitor(seconds, program, text):
    with tempfile.TemporaryDirectory() as folder:
        board, port = uart_at_full_rate()
        recording = os.path.join(folder, "uart.fscap")
        command = [program, "monitor", "--no-cache", "--workspace", os.path.join(folder, "w.fieldscope"), "--uart", os.ttyname(port),
                   "--baud", str(BAUD), "--record", recording]
        with open(os.path.join(folder, "printed"), "wb") as printed:
            listener = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.PIPE, text=True)
        os.close(port)
        while "listening" not in listener.stderr.readline():
            pass
        sent, lost, took = talk(board, text, seconds)
        time.sleep(0.5)
        with open(f"/proc/{listener.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        listener.send_signal(signal.SIGINT)
        listener.stderr.read()
        listener.wait()
        recorded = recorded_in(program, recording)
        with open(os.path.join(folder, "printed"), "rb") as printed:
            n_printed = printed.read().count(b"\n")
    print(f"  {len(sent):,} bytes in {took:.1f} s ({len(sent) * 10 / took / 1e6:.2f} Mbaud); no room for {lost}; "
          f"the recording is {'the same' if recorded == sent else 'NOT THE SAME'}; {n_printed:,} rows printed, {sent.count(10):,} sent; "
          f"listening took {cpu / took * 100:.1f} % of a processor")
    failed = lost > 0 or recorded != sent
    print(f"    bytes lost: {lost}; goal 0: {'NOT REACHED' if failed else 'reached'}")
    return failed
