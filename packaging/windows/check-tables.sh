#!/usr/bin/env bash
# Packs the stand-in and holds the tables of both packages against tables.txt, which is reviewed like code. Takes seconds.
#   packaging/windows/check-tables.sh [update]
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
version=1.2.3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

x86_64-w64-mingw32-gcc -Os -s -DSTAND_IN_VERSION="\"$version\"" -o "$work/stand-in.exe" "$here/stand-in.c"
echo "licences" >"$work/licences.txt"
"$here/stage.sh" "$work/staged" "$work/stand-in.exe" "$work/licences.txt"

# Rows in an order of their own; what is new in every package, and sizes, are left out.
table() { msiinfo export "$1" "$2" | tr -d '\r' | tail -n +4 | LC_ALL=C sort; }
describe() {
    local package=$1 name
    msiinfo suminfo "$package" | grep -E '^(Subject|Template|Version|Source):'
    for name in Property LaunchCondition Upgrade Component Directory Environment Shortcut InstallExecuteSequence; do
        echo "-- $name"
        table "$package" "$name"
    done
    echo "-- File"
    table "$package" File | awk -F '\t' -v OFS='\t' '{ $4 = "SIZE"; print }'
    # The names of these rows are made by wixl of what is in them.
    echo "-- Registry"
    msiinfo export "$package" Registry | tr -d '\r' | tail -n +4 | cut -f 2- | LC_ALL=C sort
    echo "-- MsiFileHash, without the hashes"
    table "$package" MsiFileHash | cut -f 1
}
for scope in machine user; do
    "$here/pack.sh" "$work/staged" "$version" "$scope" "$work/$scope.msi"
    { echo "==== $scope"; describe "$work/$scope.msi"; } >>"$work/tables.txt"
done
if [ "${1:-}" = update ]; then
    cp "$work/tables.txt" "$here/tables.txt"
else
    diff -u "$here/tables.txt" "$work/tables.txt" || {
        echo "check-tables.sh: the tables differ from tables.txt; if that is meant: packaging/windows/check-tables.sh update" >&2
        exit 1
    }
    echo "the tables of both packages are those of tables.txt"
fi
