"""Links to the processor of a board: `scripts/bench.sh links [SECONDS]`. QEMU emulates the boards; benches/links.rs observes them through its
GDB server, and through probe-rs on a debug port in software whose memory is that of the board. Counted: how often 20 numbers were looked
at of 100 times a second, bytes of RTT a second, rows that are wrong or missing, and what it cost the board."""

import os
import re
import subprocess
import tempfile

GOALS = ((r"20 numbers ([\d.]+) times", 95.0, "looks a second"), (r"RTT ([\d.]+) MB/s", 1.0, "MB/s"))


def links(seconds, program):
    here = os.path.dirname(os.path.abspath(__file__))
    example = os.path.join(os.path.dirname(program), "examples", "links")
    watched = os.path.join(here, "..", "tests", "fixtures", "qemu-freertos", "an386.elf")
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(here, "rtt-board"), folder], check=True)
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
    return failed
