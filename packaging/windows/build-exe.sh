#!/usr/bin/env bash
# Builds fieldscope.exe on Debian 12.
#   packaging/windows/build-exe.sh FOLDER      leaves it in FOLDER/x86_64-pc-windows-gnu/dist
#
# Debian brings no standard library for Windows, but the source of it (rust-web-src), with the compiler that it builds browsers
# with (rustc-web). So the standard library is built along with the program. This is the one place that knows how.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$1 target=x86_64-pc-windows-gnu
packages=(rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32 wixl msitools python3)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "build-exe.sh: this needs Debian 12 with: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 2
fi
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(/usr/bin/rustc -V | cut -d ' ' -f 2)
if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -1)" != "$wanted" ]; then
    echo "build-exe.sh: Debian's rustc-web is $found and Fieldscope needs $wanted; wait for Debian's next update" >&2
    exit 2
fi

# Debian's compiler by its full name, as another one may come first in PATH. RUSTC_BOOTSTRAP lets a stable compiler take
# build-std; it also lets our code use what is not stable, so it is set nowhere else.
exec env PATH=/usr/bin:/bin RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc \
    RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=std,panic_unwind \
    CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc \
    /usr/bin/cargo build --locked --profile dist --bin fieldscope --target "$target" --target-dir "$folder"
