"""Frames of the window while somebody drags across charts of a demo fleet, `scripts/bench.sh charts`."""

import json
import os
import subprocess
import sys
import tempfile

DEVICES, DAYS = 50_000, 9
GOAL_MS = 4


def charts(fieldscope):
    """Points, moves along, zooms by drag, wheel and key: our part of each frame, and whether an answer was waited for meanwhile."""
    if not os.environ.get("DISPLAY"):
        os.execvp("xvfb-run", ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", sys.executable, *sys.argv])
    window = os.path.join(os.path.dirname(fieldscope), "examples", "fleet_drag")
    folder = os.environ.get("FIELDSCOPE_BENCH_DIR")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # A fleet that was made before can be given: making one takes longer than measuring it.
        workspace = os.environ.get("FIELDSCOPE_BENCH_FLEET") or os.path.join(scratch, "fleet.fieldscope")
        if not os.path.exists(workspace):
            print(f"  making a fleet of {DEVICES:,} devices for {DAYS} days", flush=True)
            command = [fieldscope, "demo", "--out", workspace, "--devices", str(DEVICES), "--days", str(DAYS)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        count = [fieldscope, "--workspace", workspace, "query", "fleet-band", "--metric", "wifi_disconnects", "--json"]
        band = json.loads(subprocess.run(count, check=True, capture_output=True).stdout)
        n_points = sum(row[band["columns"].index("count")] for row in band["rows"])
        print(f"{band['n_devices']:,} devices, {n_points:,} points of the metric on screen; processor time of our part of a frame")
        missed = [screen for screen in ("fleet", "device") if not drag(window, workspace, screen, scratch)]
    return bool(missed)


def drag(window, workspace, screen, scratch):
    """Drags across the charts of one screen; true if every frame was fast and none waited for an answer."""
    frame_log = os.path.join(scratch, "frames")
    # A processor that draws by itself leaves the other one to the window.
    environment = dict(os.environ, LP_NUM_THREADS="1", XDG_DATA_HOME=scratch, XDG_RUNTIME_DIR=scratch, FIELDSCOPE_FRAME_LOG=frame_log)
    # It ends by itself, an event a frame after everything was on screen.
    done = subprocess.run([window, workspace, screen], check=True, timeout=300, env=environment, stdout=subprocess.PIPE)
    with open(frame_log, encoding="utf-8") as file:
        frames = [record for record in map(json.loads, file) if record["event"] == "frame"]
    frames = frames[-int(done.stdout):]
    ours = sorted(frame["cpu_us"] / 1e3 for frame in frames)
    n_busy = sum(frame["busy"] for frame in frames)
    is_reached = ours[-1] < GOAL_MS and n_busy == 0
    print(f"  {screen:<7} {len(ours)} frames: median {ours[len(ours) // 2]:.2f} ms   99 of 100 below {ours[len(ours) * 99 // 100]:.2f} ms   "
          f"longest {ours[-1]:.2f} ms; frames that waited for an answer: {n_busy}; goal under {GOAL_MS} ms and none: "
          f"{'reached' if is_reached else 'MISSED'}")
    return is_reached
