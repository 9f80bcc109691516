#!/usr/bin/env bash
# Makes the archive of staged files: one folder that runs wherever it is put.
#   packaging/linux/build-tar.sh fieldscope THIRD-PARTY-LICENSES.txt VERSION OUT.tar.gz
set -euo pipefail
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
program=$1 licences=$2 version=$3 out=$(readlink -m "$4")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

name=$(basename "$out" .tar.gz)
tree=$work/$name
"$root/packaging/linux/stage.sh" "$tree" "$program" "$licences"
# What somebody who unpacks it looks for first.
mv "$tree"/share/doc/fieldscope/{LICENSE-MIT,LICENSE-APACHE,THIRD-PARTY-LICENSES.txt,demo-bundle.zip} "$tree/"
glibc=$(objdump -T "$program" | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -1)
sed -e "s/@VERSION@/$version/" -e "s/@GLIBC@/${glibc#GLIBC_}/" "$root/packaging/linux/README.txt" >"$tree/README.txt"
mkdir -p "$(dirname "$out")"
tar --create --gzip --owner=0 --group=0 --numeric-owner --sort=name --directory "$work" --file "$out" "$name"
echo "$out"
