"""scripts/bench.sh metrics: fleet samples beside DuckDB, both in process on an open connection, in one run.

The samples are made once by scripts/generate_fleet.py and kept in target/bench (FIELDSCOPE_BENCH_DIR). DuckDB, pyarrow and numpy come
from PyPI into an environment there, when this Python has none. Both sides are asked cold (a new connection after the pages of the file
were dropped from memory) and then warm, and every answer is held against the other's, value by value."""

import json
import os
import statistics
import subprocess
import sys
import time

from bench_logs import HERE, ROOT, Ran

# (devices, days); the first two are compared, the last shows how the first grows.
WEEK, DAY, GROWTH = (10_000, 7), (50_000, 1), (10_000, 1)
DEVICE = 421
WARM, ROUNDS = 20, 5
GOAL_IMPORT, GOAL_BYTES_A_POINT, GOAL_IMPORT_MB, GOAL_LOOKING_MB = 0.75, 1.05, 1000, 250
GOAL_SCREEN_MS = 100
GOALS = {"Q1": 1 / 5, "Q2": 1.0, "Q3": 1.0, "Q4": 1.0, "Q5": 1.0, "Q6": 1.5}
WHAT = {"Q1": "line of a device", "Q2": "band by hour", "Q3": "mean by version", "Q4": "crash rate by version", "Q5": "top devices",
        "Q6": "histogram of a version"}
SQL = {
    "Q1": f"SELECT (ts - 1760000000) * 1000 // 604800 px, min(rssi), max(rssi), avg(rssi) FROM hb WHERE device = {DEVICE} GROUP BY px ORDER BY px",
    "Q2": "SELECT ts // 3600 h, quantile_cont(rssi, [0.05, 0.5, 0.95]) FROM hb GROUP BY h ORDER BY h",
    "Q3": "SELECT version, avg(wifi_disconnects), count(*) FROM hb GROUP BY version ORDER BY version",
    "Q4": "SELECT h.version, e.n * 1000.0 / h.n FROM (SELECT version, count(*) n FROM hb GROUP BY version) h "
          "JOIN (SELECT version, count(*) n FROM ev GROUP BY version) e ON h.version = e.version ORDER BY 1",
    "Q5": "SELECT device, sum(wifi_disconnects) s FROM hb GROUP BY device ORDER BY s DESC, device LIMIT 20",
    "Q6": "SELECT main_task_ms // 4 b, count(*) FROM hb WHERE version = 3 GROUP BY b ORDER BY b",
}
# Among devices of one sum ours are in the order of their names, which is what answers are held against.
ORDERED = {"Q5": SQL["Q5"].replace("DESC, device", "DESC, device::VARCHAR")}


def environment():
    """Goes on in a Python that has DuckDB: this one, or one that is made."""
    try:
        import duckdb  # noqa: F401
        import numpy  # noqa: F401
        import pyarrow  # noqa: F401
        return
    except ImportError:
        pass
    folder = os.path.join(HERE, "python")
    python = os.path.join(folder, "bin", "python")
    if os.environ.get("FIELDSCOPE_BENCH_PYTHON") == python:
        sys.exit(f"bench: {folder} has no DuckDB; delete it and try again")
    if not os.path.exists(python):
        print("  fetching DuckDB", flush=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "duckdb", "pyarrow", "numpy"], check=True)
    os.environ["FIELDSCOPE_BENCH_PYTHON"] = python
    os.execv(python, [python, *sys.argv])


def sample(devices, days):
    folder = os.path.join(HERE, f"fleet-{devices}-{days}")
    if not os.path.exists(os.path.join(folder, "ev.parquet")):
        print(f"  making {os.path.basename(folder)}", flush=True)
        command = [sys.executable, os.path.join(ROOT, "scripts", "generate_fleet.py"), folder, str(devices), str(days)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


def drop_pages(path):
    """Takes a file out of the page cache, as far as the system lets us."""
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)


def remove(path):
    for ending in ("", "-wal", "-shm", ".wal"):
        if os.path.exists(path + ending):
            os.remove(path + ending)


def import_duckdb(folder, database):
    import duckdb

    remove(database)
    started = time.perf_counter()
    connection = duckdb.connect(database)
    for table in ("hb", "ev"):
        connection.execute(f"CREATE TABLE {table} AS FROM '{folder}/{table}.parquet'")
    connection.execute("CHECKPOINT")
    connection.close()
    return time.perf_counter() - started


def goal(what, value, limit, is_at_most=True):
    """Prints a number beside its goal; true when it is missed."""
    is_reached = value <= limit if is_at_most else value < limit
    print(f"    {what}: {value:.3g}; goal {'at most' if is_at_most else 'under'} {limit:.3g}: {'reached' if is_reached else 'NOT REACHED'}")
    return not is_reached


def imports(program, folder, database, workspace, n_points, n):
    theirs, ours, private = [], [], 0
    for _ in range(n):
        theirs.append(import_duckdb(folder, database))
        remove(workspace)
        ran = Ran([program, "import", "--no-cache", "--workspace", workspace, folder])
        ours.append(ran.took)
        private = max(private, ran.private / 1000)
    size, other = (os.path.getsize(path) / n_points for path in (workspace, database))
    print(f"  import, {n} runs each: fieldscope {statistics.median(ours):.2f} s, DuckDB {statistics.median(theirs):.2f} s (medians); "
          f"bytes a point {size:.3f} and {other:.3f}; private memory {private:.0f} MB")
    failed = goal("import, fieldscope / DuckDB", statistics.median(ours) / statistics.median(theirs), GOAL_IMPORT)
    failed |= goal("bytes a point", size, GOAL_BYTES_A_POINT)
    return failed | goal("MB while importing", private, GOAL_IMPORT_MB, False)


def ask_fieldscope(queries, workspace, question, runs):
    ran = Ran([queries, workspace, question, str(DEVICE), str(runs)])
    return json.loads(ran.out), ran.private / 1000


def ask_duckdb(database, question, runs):
    import duckdb

    connection = duckdb.connect(database, read_only=True)
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        rows = connection.execute(SQL[question]).fetchall()
        times.append((time.perf_counter() - started) * 1e3)
    if question in ORDERED:
        rows = connection.execute(ORDERED[question]).fetchall()
    connection.close()
    return times, rows


def flat(rows):
    return [value for row in rows for part in row for value in (part if isinstance(part, list) else [part])]


def differences(question, ours, theirs):
    """Values that are not the other's. Names of devices and versions are numbers in the tables. Rates are quotients of other
    quotients: there the last bits may differ."""
    ours, theirs = flat(ours), flat(theirs)
    if len(ours) != len(theirs):
        return [f"{len(ours)} values and {len(theirs)}"]
    limit = 1e-12 if question == "Q4" else 0.0
    pairs = [(float(one), float(other)) for one, other in zip(ours, theirs)]
    return [f"{one!r} and {other!r}" for one, other in pairs if abs(one - other) > limit * abs(other)]


def questions(queries, workspace, database):
    """{question: milliseconds of ours warm}; true when something is missed."""
    failed, most_private, ours_warm = False, 0, {}
    print(f"  milliseconds, medians of {ROUNDS} cold and {ROUNDS * WARM} warm runs")
    print(f"    {'':28} {'cold: ours':>10} {'DuckDB':>8} {'ratio':>6}   {'warm: ours':>10} {'DuckDB':>8} {'ratio':>6}   {'goal':>5}")
    for question in SQL:
        cold, warm = ([], []), ([], [])
        for _ in range(ROUNDS):
            drop_pages(workspace)
            told, private = ask_fieldscope(queries, workspace, question, WARM + 1)
            drop_pages(database)
            times, rows = ask_duckdb(database, question, WARM + 1)
            most_private = max(most_private, private)
            for side, own in enumerate((told["ms"], times)):
                cold[side].append(own[0])
                warm[side].extend(own[1:])
        cold, warm = ([statistics.median(side) for side in sides] for sides in (cold, warm))
        ratios = [sides[0] / sides[1] for sides in (cold, warm)]
        ours_warm[question] = warm[0]
        wrong = differences(question, told["answer"], rows)
        is_reached = max(ratios) <= GOALS[question]
        failed |= not is_reached or bool(wrong)
        print(f"    {question + ' ' + WHAT[question]:28} {cold[0]:10.2f} {cold[1]:8.2f} {ratios[0]:6.2f}   {warm[0]:10.2f} {warm[1]:8.2f} {ratios[1]:6.2f}"
              f"   {GOALS[question]:5.2f} {'reached' if is_reached else 'NOT REACHED'}; {len(flat(rows))} values "
              f"{'the same' if not wrong else f'DIFFER in {len(wrong)}: {wrong[:3]}'}", flush=True)
    told, private = ask_fieldscope(queries, workspace, "screens", 7)
    most_private = max(most_private, private)
    first = max(told, key=lambda name: told[name][0])
    slowest = max(told, key=lambda name: statistics.median(told[name][1:]))
    print(f"  {len(told)} questions of the Fleet and Device screens, each with a connection of its own; slowest at first: {first}, {told[first][0]:.1f} ms")
    for name, times in told.items():
        print(f"    {name:40} {statistics.median(times[1:]):8.2f} ms")
    failed |= goal(f"slowest ({slowest}), ms", statistics.median(told[slowest][1:]), GOAL_SCREEN_MS, False)
    return ours_warm, failed | goal("MB while looking", most_private, GOAL_LOOKING_MB, False)


def metrics(n, program):
    environment()
    import duckdb
    import pyarrow.parquet

    queries = os.path.join(os.path.dirname(program), "fleet_queries")
    os.makedirs(HERE, exist_ok=True)
    failed, warm = False, {}
    for size in (GROWTH, WEEK, DAY):
        folder = sample(*size)
        n_rows = pyarrow.parquet.read_metadata(os.path.join(folder, "hb.parquet")).num_rows
        n_columns = pyarrow.parquet.read_schema(os.path.join(folder, "hb.parquet")).names
        n_points = n_rows * (len(n_columns) - 4)
        database, workspace = (os.path.join(HERE, name) for name in ("fleet.duckdb", "fleet.fieldscope"))
        print(f"{size[0]:,} devices, {size[1]} days, {n_points:,} points; DuckDB {duckdb.__version__}", flush=True)
        if size == GROWTH:
            remove(workspace)
            Ran([program, "import", "--no-cache", "--workspace", workspace, folder])
            for question in SQL:
                told, _ = ask_fieldscope(queries, workspace, question, WARM + 1)
                warm[question] = statistics.median(told["ms"][1:])
            continue
        failed |= imports(program, folder, database, workspace, n_points, max(n // 7, 1))
        ours, missed = questions(queries, workspace, database)
        failed |= missed
        if size == WEEK:
            growth = max(SQL, key=lambda question: ours[question] / warm[question])
            failed |= goal(f"seven days / one day (most: {growth})", ours[growth] / warm[growth], 7.0)
        for path in (workspace, database):
            remove(path)
    return failed
