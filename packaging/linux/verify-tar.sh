#!/usr/bin/env bash
# Tries the archive: unpacked into a folder with an odd name, run from there by somebody without a home, moved, run again.
#   packaging/linux/verify-tar.sh ARCHIVE.tar.gz VERSION [FOLDER for pictures]
set -euo pipefail
archive=$(readlink -f "$1") version=$2 pictures=${3:-}
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
ok() { echo "ok ($SECONDS s): $*"; }

mkdir -p "$work/a place with spaces" "$work/home"
tar --extract --file "$archive" --directory "$work/a place with spaces"
[ "$(ls "$work/a place with spaces" | wc -l)" = 1 ] || fail "more than one folder at the top"
name=$(ls "$work/a place with spaces")
run() { (cd "$folder" && env -i PATH=/usr/bin:/bin HOME="$work/home" "$@"); }
for folder in "$work/a place with spaces/$name" "$work/moved"; do
    [ -d "$folder" ] || mv "$work/a place with spaces/$name" "$folder"
    [ "$(run bin/fieldscope --version)" = "fieldscope $version" ] || fail "fieldscope --version in $folder"
    run bin/fieldscope backtrace demo-bundle.zip --all >"$work/backtrace" || fail "backtrace ended with $?"
    grep -qF "$(cat "$root/packaging/expected-backtrace.txt")" "$work/backtrace" || fail "backtrace does not explain the crash"
done
ok "runs from any folder"
for file in README.txt LICENSE-MIT LICENSE-APACHE THIRD-PARTY-LICENSES.txt share/man/man1/fieldscope.1.gz share/applications/fieldscope.desktop \
    share/bash-completion/completions/fieldscope lib/udev/rules.d/60-fieldscope.rules share/icons/hicolor/256x256/apps/fieldscope.png; do
    [ -s "$folder/$file" ] || fail "$file is missing"
done
ok "holds what its README names"
if command -v Xvfb >/dev/null; then
    run bin/fieldscope screenshot crash --workspace "$work/demo.fieldscope" --import demo-bundle.zip --out "$work/crash.png" || fail "screenshot ended with $?"
    [ -z "$pictures" ] || { mkdir -p "$pictures"; cp "$work/crash.png" "$pictures/tar-crash.png"; }
    ok "screenshot"
else
    echo "Xvfb is not installed: the window was not tried"
fi
