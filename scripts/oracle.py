#!/usr/bin/env python3
"""What gdb says about a core, as JSON: the answer that the tests compare Fieldscope with.

    scripts/oracle.py ELF CORE          one core, to standard output
    scripts/oracle.py --all             every core under tests/fixtures, to tests/fixtures/oracle/NAME.json

The file runs twice: as a command, and inside gdb-multiarch (as `-x scripts/oracle.py`), where it walks threads, frames and variables,
and FreeRTOS's task lists by the types in the debug information."""

import json
import os
import sys

try:
    import gdb
except ImportError:
    gdb = None

MAX_FRAMES = 64


# Inside gdb

def value_text(value):
    """(text, why there is none)."""
    try:
        if value.is_optimized_out:
            return None, "optimized_out"
        return value.format_string(max_elements=64, symbols=False), None
    except gdb.MemoryError:
        return None, "memory_not_captured"
    except gdb.error as error:
        return None, str(error)


def variables(frame):
    arguments, local = {}, {}
    try:
        block = frame.block()
    except RuntimeError:
        return arguments, local
    blocks = []
    while block is not None:
        blocks.append(block)
        if block.function is not None:
            break
        block = block.superblock
    for block in reversed(blocks):
        for symbol in block:
            if not (symbol.is_argument or symbol.is_variable):
                continue
            try:
                value = symbol.value(frame)
                text, unavailable = value_text(value)
            except gdb.error as error:
                text, unavailable = None, str(error)
            entry = {"type": str(symbol.type), "value": text}
            if unavailable:
                entry["unavailable"] = unavailable
            (arguments if symbol.is_argument else local)[symbol.name] = entry
    return arguments, local


def frames_of_selected_thread():
    frames, frame, stop = [], gdb.newest_frame(), None
    while frame is not None and len(frames) < MAX_FRAMES:
        sal = frame.find_sal()
        arguments, local = variables(frame)
        frames.append({
            "pc": f"{frame.pc():#010x}",
            "function": frame.name(),
            "file": sal.symtab.filename if sal.symtab else None,
            "line": sal.line if sal.symtab else None,
            "inlined": frame.type() == gdb.INLINE_FRAME,
            "args": arguments,
            "locals": local,
        })
        try:
            frame_older = frame.older()
        except gdb.error as error:
            stop, frame_older = str(error), None
        if frame_older is None and stop is None:
            stop = gdb.frame_stop_reason_string(frame.unwind_stop_reason())
        frame = frame_older
    return frames, stop


def word(address):
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(address, 4)), "little")


def freertos_tasks(port):
    try:
        current = int(gdb.parse_and_eval("pxCurrentTCB"))
    except gdb.error:
        return None
    item_type = gdb.lookup_type("ListItem_t").pointer()
    tcb_type = gdb.lookup_type("TCB_t").pointer()
    try:
        registry = gdb.parse_and_eval("xQueueRegistry")
        queues = [(int(registry[i]["xHandle"]), registry[i]["pcQueueName"].string())
                  for i in range(registry.type.range()[1] + 1) if int(registry[i]["xHandle"])]
    except gdb.error:
        queues = []
    found = []

    def walk(task_list, where):
        address = int(task_list["xListEnd"]["pxNext"])
        for _ in range(int(task_list["uxNumberOfItems"])):
            item = gdb.Value(address).cast(item_type)
            found.append((int(item["pvOwner"]), where))
            address = int(item["pxNext"])

    ready = gdb.parse_and_eval("pxReadyTasksLists")
    for priority in range(ready.type.range()[1] + 1):
        walk(ready[priority], "ready")
    for name in ("xDelayedTaskList1", "xDelayedTaskList2", "xPendingReadyList", "xSuspendedTaskList", "xTasksWaitingTermination"):
        try:
            walk(gdb.parse_and_eval(name), name)
        except gdb.error:
            pass
    # The kernel renames the member when configENABLE_BACKWARD_COMPATIBILITY is set.
    container = "pxContainer" if any(f.name == "pxContainer" for f in item_type.target().fields()) else "pvContainer"
    tasks = []
    for address, where in found:
        tcb = gdb.Value(address).cast(tcb_type)
        waits_on = int(tcb["xEventListItem"][container])
        waits_name = None
        queue_type = gdb.lookup_type("Queue_t").pointer()
        for handle, name in queues:
            queue = gdb.Value(handle).cast(queue_type)
            if waits_on in (int(queue["xTasksWaitingToSend"].address), int(queue["xTasksWaitingToReceive"].address)):
                waits_name = name
        if address == current:
            state = "running"
        elif where == "ready":
            state = "ready"
        elif where == "xTasksWaitingTermination":
            state = "deleted"
        elif where == "xSuspendedTaskList" and not waits_on:
            state = "suspended"
        elif where == "xPendingReadyList":
            state = "ready"
        else:
            state = "blocked"
        base, end, top = int(tcb["pxStack"]), int(tcb["pxEndOfStack"]), int(tcb["pxTopOfStack"])
        stack = bytes(gdb.selected_inferior().read_memory(base, end - base))
        task = {"name": tcb["pcTaskName"].string(), "id": f"{address:#010x}", "state": state, "priority": int(tcb["uxPriority"]),
                "waits_on": waits_name, "waits": bool(waits_on), "stack_base": f"{base:#010x}", "stack_end": f"{end:#010x}",
                "stack_unused_min": len(stack) - len(stack.lstrip(b"\xa5"))}
        if address != current:
            task["saved"] = saved_registers(top, port)
        tasks.append(task)
    return tasks


def saved_registers(top, port):
    """r0-r15 and xpsr of a task that does not run, from what the port pushed; on RISC-V pc and x1 to x31."""
    if port == "RISCV":  # mepc, ra, t0-t2, s0, s1, a0-a7, s2-s11, t3-t6, critical nesting, mstatus
        words = [word(top + 4 * i) for i in range(31)]
        gp = int(gdb.parse_and_eval("(unsigned)&__global_pointer$")) if gdb.lookup_static_symbol("__global_pointer$") else 0
        return [words[0], words[1], top + 31 * 4, gp, 0, *words[2:29]]
    at, exc_return = top, 0xFFFFFFFD
    if port == "ARM_CM33_NTZ":  # psplim, EXC_RETURN, r4-r11
        exc_return = word(at + 4)
        at += 8
    r4_r11 = [word(at + 4 * i) for i in range(8)]
    at += 32
    if port == "ARM_CM4F":
        exc_return = word(at)
        at += 4
    if not exc_return & 0x10:
        at += 64
    r0, r1, r2, r3, r12, lr, pc, xpsr = [word(at + 4 * i) for i in range(8)]
    sp = at + (0x20 if exc_return & 0x10 else 0x68) + (4 if xpsr & 0x200 else 0)
    return [r0, r1, r2, r3, *r4_r11, r12, sp, lr, pc & ~1, xpsr]


def inside_gdb():
    gdb.execute("set pagination off")
    gdb.execute("set print frame-arguments all")
    answer = {"threads": []}
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
        thread.switch()
        frames, stop = frames_of_selected_thread()
        answer["threads"].append({"id": thread.ptid[1] or thread.ptid[0], "frames": frames, "stop": stop})
    answer["frames"] = answer["threads"][0]["frames"] if answer["threads"] else []
    try:
        answer["tasks"] = freertos_tasks(os.environ.get("ORACLE_PORT", "ARM_CM4F"))
    except (gdb.error, OverflowError) as error:  # a stack overflow has run over the task lists
        answer["tasks"], answer["tasks_error"] = None, str(error)
    with open(os.environ["ORACLE_OUT"], "w") as file:
        json.dump(answer, file)


# As a command

def ask(elf, core, port="ARM_CM4F"):
    import subprocess
    import tempfile
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        environment = dict(os.environ, ORACLE_OUT=out.name, ORACLE_PORT=port)
        run = subprocess.run(["gdb-multiarch", "-nx", "-batch", "-x", os.path.abspath(__file__), elf, core], env=environment,
                             capture_output=True, text=True)
        text = open(out.name).read()
        if not text:
            raise RuntimeError(f"gdb gave no answer for {core}: {run.stderr[-500:]}")
        return json.loads(text)


def dump(answer, path):
    with open(path, "w") as file:
        json.dump(answer, file, indent=1, sort_keys=True)
        file.write("\n")


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if sys.argv[1:] != ["--all"]:
        if len(sys.argv) < 3:
            sys.exit(__doc__)
        json.dump(ask(sys.argv[1], sys.argv[2], os.environ.get("ORACLE_PORT", "ARM_CM4F")), sys.stdout, indent=1, sort_keys=True)
        print()
        return
    fixtures = os.path.join(root, "tests", "fixtures")
    os.makedirs(os.path.join(fixtures, "oracle"), exist_ok=True)
    n = 0
    for folder in sorted(os.listdir(fixtures)):
        directory = os.path.join(fixtures, folder)
        if not os.path.isdir(directory) or folder in ("oracle", "qemu-riscv"):
            continue
        for name in sorted(os.listdir(directory)):
            if not name.endswith(".core"):
                continue
            stem = name[:-len(".core")]
            elf = max((e for e in os.listdir(directory) if e.endswith(".elf") and stem.startswith(e[:-4] + "-")), key=len, default=None)
            if elf is None:
                print(f"{folder}/{name}: no ELF beside it", file=sys.stderr)
                continue
            many = os.path.join(directory, name + ".mt")
            core = many if os.path.exists(many) else os.path.join(directory, name)
            answer = ask(os.path.join(directory, elf), core, "ARM_CM33_NTZ" if "an505" in elf else "ARM_CM4F")
            for task in answer.get("tasks") or []:
                task.pop("saved", None)
            answer["elf"], answer["core"] = f"{folder}/{elf}", f"{folder}/{os.path.basename(core)}"
            dump(answer, os.path.join(fixtures, "oracle", f"{folder}-{stem}.json"))
            n += 1
    print(f"{n} cores")


if gdb is not None:
    inside_gdb()
elif __name__ == "__main__":
    main()
