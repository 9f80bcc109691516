#!/usr/bin/env bash
# Puts what an .msi holds into a folder.
#   packaging/windows/stage.sh FOLDER fieldscope.exe THIRD-PARTY-LICENSES.txt
set -euo pipefail
root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../..
folder=$1
mkdir -p "$folder"
cp "$2" "$folder/fieldscope.exe"
cp "$3" "$folder/THIRD-PARTY-LICENSES.txt"
cp "$root/assets/icon/made/fieldscope.ico" "$root/sample-data/demo-bundle.zip" "$folder/"
# Notepad of older Windows knows no other ends of lines.
{ cat "$root/LICENSE-MIT"; printf '\n%s\n\n' "---- or, at your option ----"; cat "$root/LICENSE-APACHE"; } | sed 's/$/\r/' >"$folder/LICENSE.txt"
x86_64-w64-mingw32-gcc -Os -s -Wall -Wextra -Werror -o "$folder/fieldscope.com" "$root/packaging/windows/launcher.c"
