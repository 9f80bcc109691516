"""Frames of the window while a log grows, `scripts/bench.sh follow`, and on one of 100,000,000 rows, `scripts/bench.sh rows`."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGUN_MB = 100
RATE, PER_SECOND = 30_000, 10
# Nothing on its way for so long: everything was answered.
STILL_S = 3
FILTERS = ["wifi", "rssi", "1"]
ROWS = 100_000_000
GOAL_ROWS_MS = 2


def append(log, text, is_still, seconds):
    """Appends to the log in pieces that end anywhere, once the window has read what is there and its filters are on."""
    is_still.wait()
    size = RATE // PER_SECOND
    with open(log, "ab", buffering=0) as file:
        for number in range(seconds * PER_SECOND):
            file.write(text[number * size:(number + 1) * size])
            time.sleep(1 / PER_SECOND)


def follow(seconds, fieldscope, frames_of, goal_ms):
    if not os.environ.get("DISPLAY"):
        os.execvp("xvfb-run", ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", sys.executable, *sys.argv])
    window = os.path.join(os.path.dirname(fieldscope), "examples", "live_log")
    with tempfile.TemporaryDirectory() as folder:
        log, frame_log = os.path.join(folder, "uart.log"), os.path.join(folder, "frames")
        subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "generate_log.py"), log, str(BEGUN_MB)], check=True)
        with open(log, "rb") as file:
            text = file.read(RATE * seconds)
        is_still = threading.Event()
        writer = threading.Thread(target=append, args=(log, text, is_still, seconds), daemon=True)
        writer.start()
        seen = {"busy": 0, "since": time.time(), "frame": 0}

        def is_over(records):
            busy = sum(record.get("busy", False) for record in records)
            if busy > seen["busy"] or busy == 0:
                seen.update(busy=busy, since=time.time())
            elif not is_still.is_set() and time.time() - seen["since"] > STILL_S:
                # What is drawn from now on is drawn while the log grows.
                seen["frame"] = max(record.get("frame", 0) for record in records)
                is_still.set()
            return not writer.is_alive()

        # A processor that draws by itself leaves the other one to the window.
        environment = dict(os.environ, LP_NUM_THREADS="1", XDG_DATA_HOME=folder, XDG_RUNTIME_DIR=folder)
        command = [window, os.path.join(folder, "live.fieldscope"), log, *FILTERS]
        _, records = frames_of(command, environment, frame_log, is_over, patience=120.0 + seconds)
        ours = [record["cpu_us"] / 1e3 for record in records if record["event"] == "frame" and record["frame"] > seen["frame"]]
        whole = [record["thread_us"] / 1e3 for record in records if record["event"] == "between" and record["frame"] > seen["frame"]]
    if len(ours) < seconds:
        sys.exit(f"bench: only {len(ours)} frames were drawn in {seconds} s")
    print(f"{RATE // 1000} kB/s appended for {seconds} s to a log of {BEGUN_MB} MB, {len(FILTERS)} filters on, {len(ours)} frames drawn; "
          f"processor time of the window's thread")
    print(f"  our part of a frame                median {statistics.median(ours):8.2f} ms   longest {max(ours):8.2f} ms; "
          f"goal at most {goal_ms:g} ms: {'reached' if max(ours) <= goal_ms else 'MISSED'}")
    print(f"  with tessellation and OpenGL       median {statistics.median(whole):8.2f} ms   longest {max(whole):8.2f} ms")
    return max(ours) > goal_ms


def make_rows(path):
    """A log of 100,000,000 rows: time, level, module and message in each."""
    with open(path, "wb") as file:
        for first in range(0, ROWS, 1_000_000):
            file.write(b"".join(b"%s (%d) m%d: row %d\n" % (b"E" if row % 1000 == 0 else b"I", row // 10, row % 7, row)
                                for row in range(first, first + 1_000_000)))


def rows(fieldscope):
    """Wheel, page, scroll bar and go-to on a log of 100,000,000 rows: our part of each frame."""
    if not os.environ.get("DISPLAY"):
        os.execvp("xvfb-run", ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", sys.executable, *sys.argv])
    window = os.path.join(os.path.dirname(fieldscope), "examples", "live_log")
    with tempfile.TemporaryDirectory(dir=os.environ.get("FIELDSCOPE_BENCH_DIR")) as folder:
        log, frame_log = os.path.join(folder, "rows.log"), os.path.join(folder, "frames")
        print("  making a log of 100,000,000 rows", flush=True)
        make_rows(log)
        megabytes = os.path.getsize(log) / 1e6
        # A processor that draws by itself leaves the other one to the window.
        environment = dict(os.environ, LP_NUM_THREADS="1", XDG_DATA_HOME=folder, XDG_RUNTIME_DIR=folder)
        started = time.time()
        # It ends by itself when it has scrolled.
        subprocess.run([window, os.path.join(folder, "rows.fieldscope"), log, "--scroll"], check=True, timeout=600,
                       env=dict(environment, FIELDSCOPE_FRAME_LOG=frame_log))
        took = time.time() - started
        with open(frame_log, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
    busy = [index for index, record in enumerate(records) if record["event"] == "still"]
    after = records[busy[0]:] if busy else records
    ours = [record["cpu_us"] / 1e3 for record in after if record["event"] == "frame"]
    if len(ours) < 500:
        sys.exit(f"bench: only {len(ours)} frames were drawn")
    ours.sort()
    print(f"{ROWS:,} rows, {megabytes:.0f} MB: read, indexed and scrolled in {took:.0f} s; {len(ours)} frames by wheel, page, scroll bar and "
          f"go-to; processor time of our part of a frame")
    print(f"  median {statistics.median(ours):.2f} ms   99 of 100 below {ours[len(ours) * 99 // 100]:.2f} ms   longest {ours[-1]:.2f} ms; "
          f"goal under {GOAL_ROWS_MS} ms: {'reached' if ours[-1] < GOAL_ROWS_MS else 'MISSED'}")
    return ours[-1] >= GOAL_ROWS_MS
