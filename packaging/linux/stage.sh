#!/usr/bin/env bash
# Puts what a Linux package holds into a folder, as it stands under /usr (or under the folder of the archive).
#   packaging/linux/stage.sh FOLDER fieldscope THIRD-PARTY-LICENSES.txt
set -euo pipefail
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
here=$root/packaging/linux
prefix=$1 program=$2 licences=$3

put() { install -D -m 644 "$1" "$prefix/$2"; }

install -D -m 755 "$program" "$prefix/bin/fieldscope"
put "$here/fieldscope.desktop" share/applications/fieldscope.desktop
put "$here/fieldscope.metainfo.xml" share/metainfo/fieldscope.metainfo.xml
put "$here/fieldscope.mime.xml" share/mime/packages/fieldscope.xml
put "$here/60-fieldscope.rules" lib/udev/rules.d/60-fieldscope.rules
for picture in "$root"/assets/icon/made/*.png; do
    size=$(basename "$picture" .png)
    put "$picture" "share/icons/hicolor/${size}x$size/apps/fieldscope.png"
done
put "$root/assets/icon/fieldscope.svg" share/icons/hicolor/scalable/apps/fieldscope.svg

# What the program knows of itself, from the program.
mkdir -p "$prefix/share/bash-completion/completions" "$prefix/share/zsh/vendor-completions" \
    "$prefix/share/fish/vendor_completions.d" "$prefix/share/man/man1"
"$program" completions bash >"$prefix/share/bash-completion/completions/fieldscope"
"$program" completions zsh >"$prefix/share/zsh/vendor-completions/_fieldscope"
"$program" completions fish >"$prefix/share/fish/vendor_completions.d/fieldscope.fish"
"$program" man --out "$prefix/share/man/man1" >/dev/null
gzip --best --no-name --force "$prefix"/share/man/man1/*.1

put "$root/sample-data/demo-bundle.zip" share/doc/fieldscope/demo-bundle.zip
put "$licences" share/doc/fieldscope/THIRD-PARTY-LICENSES.txt
put "$root/LICENSE-MIT" share/doc/fieldscope/LICENSE-MIT
put "$root/LICENSE-APACHE" share/doc/fieldscope/LICENSE-APACHE
put "$root/CHANGELOG.md" share/doc/fieldscope/CHANGELOG.md
