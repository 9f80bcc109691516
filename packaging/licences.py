#!/usr/bin/env python3
"""Writes THIRD-PARTY-LICENSES.txt: what a package holds that others wrote, and the texts under which they gave it.

    packaging/licences.py x86_64-pc-windows-gnu OUT.txt

Every crate that is linked for the target is listed with version and licence. A crate without a licence text ends the
script, unless the standard text of its licence stands in for it (STANDARD) or a reason is given here (WITHOUT_TEXT).
"""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT_NAMES = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense|ofl)([-_. ].*)?$", re.IGNORECASE)
NO_TEXT_ENDINGS = {".rs", ".toml", ".json", ".sh", ".py"}
# Folders of a crate that are not linked.
NOT_LINKED = {"tests", "test", "benches", "examples", "bindings", "suite", "contrib", "docs"}

# Licences whose text is the same whoever uses it: it is printed once, and stands in where a crate brings none.
STANDARD = {
    "Apache-2.0": lambda: (ROOT / "LICENSE-APACHE").read_text(),
    "BSL-1.0": lambda: crate_file("error-code", "LICENSE"),
}
# Crate: why it may come without a text.
WITHOUT_TEXT: dict[str, str] = {}

# What is in the program and is no crate: title, licence, files with the text.
ASSETS = [
    ("Inter (font)", "OFL-1.1", ["assets/fonts/Inter-LICENSE.txt"]),
    ("JetBrains Mono (font)", "OFL-1.1", ["assets/fonts/JetBrainsMono-LICENSE.txt"]),
    ("Phosphor (icons)", "MIT", ["assets/fonts/FieldscopeIcons-LICENSE.txt"]),
]
RUST = """The Rust standard library is linked into the program. Copyright The Rust Project Developers
(https://thanks.rust-lang.org). MIT OR Apache-2.0; the texts of both stand in this file."""
# The demo bundle is in the program, and with it ELF files that hold a kernel: its notice stands at the end of this page.
DEMO = ("sample-data/README.md", "The ELFs of brook and meadow contain the FreeRTOS kernel")
MINGW = """The Windows program is linked with the start-up code of mingw-w64, whose notices follow, and with libgcc, which the GCC
Runtime Library Exception lets be a part of any program."""
MINGW_NOTICES = Path("/usr/share/doc/mingw-w64-common/copyright")


def cargo(*words: str) -> str:
    return subprocess.run(["cargo", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


PACKAGES = json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]
BY_NAME = {(package["name"], package["version"]): package for package in PACKAGES}


def crate_file(name: str, file: str) -> str:
    folder = next(Path(package["manifest_path"]).parent for package in PACKAGES if package["name"] == name)
    return (folder / file).read_text()


def linked(target: str) -> list[dict]:
    """The crates of the program, by name; what only runs while it is built is no part of it."""
    words = ["tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target, "--prefix", "none", "--format", "{p}"]
    found = set()
    for line in cargo(*words).splitlines():
        name, version = line.split()[:2]
        found.add((name, version.removeprefix("v")))
    return [BY_NAME[key] for key in sorted(found) if key[0] != "fieldscope"]


def texts_of(package: dict) -> list[str]:
    folder = Path(package["manifest_path"]).parent
    files = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder).parts
        is_text = TEXT_NAMES.match(path.name) and path.suffix not in NO_TEXT_ENDINGS
        if is_text and path.is_file() and not NOT_LINKED.intersection(inner[:-1]):
            files.append(path)
    return [path.read_text(errors="replace").replace("\r\n", "\n").strip() for path in files]


def main() -> int:
    target, out = sys.argv[1], Path(sys.argv[2])
    parts: dict[str, tuple[str, list[str]]] = {}  # by hash: text, who
    rows, missing, standard = [], [], {}

    def add(text: str, who: str) -> None:
        key = hashlib.sha256(re.sub(r"\s+", " ", text).encode()).hexdigest()
        parts.setdefault(key, (text, []))[1].append(who)

    for package in linked(target):
        who, licence = f"{package['name']} {package['version']}", package["license"] or ""
        texts = texts_of(package)
        row = f"{who:44} {licence}"
        if not texts:
            stand_in = next((name for name in STANDARD if name in re.split(r"[^\w.-]+", licence)), None)
            if stand_in:
                standard[stand_in] = standard.get(stand_in, []) + [who]
                row += f" (used under {stand_in}; the crate brings no text)"
            elif package["name"] in WITHOUT_TEXT:
                row += f" ({WITHOUT_TEXT[package['name']]})"
            else:
                missing.append(f"{who}: {licence or 'no licence'}")
        rows.append(row)
        for text in dict.fromkeys(texts):
            add(text, who)
    if missing:
        print("licences.py: no licence text in: " + "; ".join(missing), file=sys.stderr)
        return 1
    for name, users in standard.items():
        for who in users:
            add(STANDARD[name]().strip(), who)
    for title, licence, files in ASSETS:
        rows.append(f"{title:44} {licence}")
        for file in files:
            add((ROOT / file).read_text().strip(), title)
    page = (ROOT / DEMO[0]).read_text()
    freertos = page[page.index(DEMO[1]):].strip()

    line = "=" * 100
    sections = ["What Fieldscope holds that others wrote, for " + target, "\n".join(rows), RUST, freertos]
    if "windows" in target:
        sections.append(MINGW + "\n\n" + MINGW_NOTICES.read_text().strip())
    sections += [", ".join(who) + "\n\n" + text for text, who in parts.values()]
    out.write_text(f"\n\n{line}\n".join(sections) + "\n")
    print(f"{out}: {len(rows)} parts, {len(parts)} texts, {out.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
