#!/usr/bin/env bash
# Makes the .deb of staged files. What the program is linked with becomes Depends by dpkg-shlibdeps; what it loads when a
# window opens (by dlopen, which nobody can see from outside) becomes Recommends, so that a server needs none of it.
#   packaging/linux/build-deb.sh fieldscope THIRD-PARTY-LICENSES.txt VERSION OUT.deb
set -euo pipefail
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
program=$1 licences=$2 version=$3 out=$(readlink -m "$4")
architecture=$(dpkg --print-architecture)
# Nobody is reached at this address: .invalid is reserved for that (RFC 2606).
maintainer="The Fieldscope authors <fieldscope@packages.invalid>"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

tree=$work/tree
"$root/packaging/linux/stage.sh" "$tree/usr" "$program" "$licences"
doc=$tree/usr/share/doc/fieldscope
# Debian's own names for these.
{ printf 'Fieldscope\n\n'; cat "$root/LICENSE-MIT"; printf '\nOr, at your option, the Apache License, Version 2.0:\n\n'
    printf 'On Debian systems its text is in /usr/share/common-licenses/Apache-2.0.\n'
    printf '\nWhat others wrote, and their licences: THIRD-PARTY-LICENSES.txt.gz beside this file.\n'; } >"$doc/copyright"
rm "$doc/LICENSE-MIT" "$doc/LICENSE-APACHE"
gzip --best --no-name "$doc/THIRD-PARTY-LICENSES.txt"
# What is new stands in CHANGELOG.md; a Debian package has this file as well, in Debian's own form.
when=$(git -C "$root" log -1 --format=%aD 2>/dev/null || date --rfc-email --reference "$root/CHANGELOG.md")
printf 'fieldscope (%s) bookworm; urgency=medium\n\n  * See CHANGELOG.md.gz beside this file.\n\n -- %s  %s\n' "$version" "$maintainer" "$when" >"$doc/changelog"
gzip --best --no-name "$doc/changelog" "$doc/CHANGELOG.md"

mkdir -p "$work/debian" "$tree/DEBIAN"
printf 'Source: fieldscope\n\nPackage: fieldscope\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O "$tree/usr/bin/fieldscope" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "build-deb.sh: dpkg-shlibdeps found no library" >&2; exit 1; }

cat >"$tree/DEBIAN/control" <<CONTROL
Package: fieldscope
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -k -s --exclude=DEBIAN "$tree" | cut -f 1)
Depends: $depends
Recommends: libgl1, libegl1, libgl1-mesa-dri, libx11-6, libx11-xcb1, libxcursor1, libxi6, libxkbcommon0, libxkbcommon-x11-0, libwayland-client0, libwayland-egl1
Suggests: xdg-desktop-portal, xvfb
Section: devel
Priority: optional
Description: native debugging workbench for firmware
 Drop what a crashed device left behind, and read on one screen what happened,
 where, in which task, and why Fieldscope believes it: coredumps, fault prints,
 logs and heartbeats of Cortex-M, RISC-V and Xtensa devices, and boards that
 run.
 .
 It works offline, without a server or an account. The command line needs no
 display and none of the recommended packages.
CONTROL
(cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
chmod -R go=rX "$tree"
rm -f "$out"
dpkg-deb --root-owner-group --build -Zxz "$tree" "$out" >/dev/null
echo "$out"
