"""A firmware on an emulated board: UART0 on a pty, and QEMU's debugger port to stop it at the fault handler."""

import os
import re
import select
import socket
import struct
import subprocess
import time
import tty

MACHINES = {"f405": "netduinoplus2", "an385": "mps2-an385", "an386": "mps2-an386", "an505": "mps2-an505", "nrf51": "microbit"}


class Board:
    def __init__(self, machine, elf, debugger_port=None):
        command = ["qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none", "-nic", "none", "-serial", "pty",
                   "-kernel", elf, "-icount", "shift=6,align=off,sleep=on"]
        if debugger_port:
            command += ["-gdb", f"tcp:127.0.0.1:{debugger_port}", "-S"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        pty = None
        while not pty:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"qemu ended with {self.process.wait()}")
            found = re.search(r"(/dev/pts/\d+)", line)
            pty = found and found[1]
        self.fd = os.open(pty, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd)
        self.received = b""

    def pump(self, seconds=0.02):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if ready:
            self.received += os.read(self.fd, 65536)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, marker, count=1, timeout=30.0):
        """Reads until `marker` was received `count` times; False if it never came."""
        end = time.monotonic() + timeout
        while self.received.count(marker) < count:
            if time.monotonic() > end:
                return False
            self.pump()
        return True

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.fd)


class Debugger:
    """The few packets of the GDB remote protocol that reading a stopped board takes."""

    def __init__(self, port):
        for _ in range(100):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.05)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.ask("qSupported:xmlRegisters=arm")
        self.ask("?")
        self.ask("qXfer:features:read:target.xml:0,ffb")  # without it QEMU sends the old register layout

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))

    def reply(self, timeout=30.0):
        self.socket.settimeout(timeout)
        while True:
            start = self.buffer.find(b"$")
            end = self.buffer.find(b"#", start)
            if start >= 0 and end > 0 and len(self.buffer) >= end + 3:
                packet = self.buffer[start + 1:end]
                self.buffer = self.buffer[end + 3:]
                self.socket.sendall(b"+")
                return packet.decode("latin1")
            received = self.socket.recv(65536)
            if not received:
                raise RuntimeError("the debugger port was closed")
            self.buffer += received

    def ask(self, text):
        self.send(text)
        return self.reply()

    def stopped(self):
        ready, _, _ = select.select([self.socket], [], [], 0)
        return bool(ready)

    def memory(self, address, size):
        data = b""
        while len(data) < size:
            part = min(0x400, size - len(data))
            answer = self.ask(f"m{address + len(data):x},{part:x}")
            if answer.startswith("E"):
                raise RuntimeError(f"no memory at {address + len(data):#x}")
            data += bytes.fromhex(answer)
        return data

    def words(self, address, count):
        return struct.unpack(f"<{count}I", self.memory(address, 4 * count))

    def register(self, number):
        answer = self.ask(f"p{number:x}")
        return bytes.fromhex(answer) if answer and not answer.startswith("E") else b""
