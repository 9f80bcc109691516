#!/usr/bin/env bash
# Tries the .deb as a new user would, on a fresh Debian 12 in a folder: installation without a network, the command line without
# any of what a window needs, then the window under Xvfb, removal. Needs root, debootstrap and lintian.
#   packaging/linux/verify-deb.sh PACKAGE.deb VERSION [FOLDER for pictures]
# Ends with 3 where no fresh Debian can be made: no network, or a container that may not.
set -euo pipefail
package=$(readlink -f "$1") version=$2 pictures=${3:-}
root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
[ "$(id -u)" = 0 ] || { echo "verify-deb.sh: only root can make a fresh Debian in a folder" >&2; exit 2; }
for tool in debootstrap lintian; do
    command -v "$tool" >/dev/null || { echo "verify-deb.sh: apt-get install --no-install-recommends $tool" >&2; exit 2; }
done

fail() { echo "FAILED: $*" >&2; exit 1; }
ok() { echo "ok ($SECONDS s): $*"; }

# The package is not Debian's own: it has no bug of Debian's to close and is made for the suite that it was made on.
lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs "$package" || fail "lintian"
ok "lintian has no error"

debian=$(mktemp -d)
finish() {
    if mountpoint -q "$debian/proc"; then umount "$debian/proc"; fi
    rm -rf --one-file-system "$debian" "$debian.log"
}
trap finish EXIT
chmod 755 "$debian"
# From where this computer takes its own packages.
mirror=$(apt-get indextargets --format '$(REPO_URI)|$(CODENAME)|$(COMPONENT)' 'Created-By: Packages' | sed -n 's/|bookworm|main$//p' | head -1)
debootstrap --variant=minbase bookworm "$debian" ${mirror:+"$mirror"} >"$debian.log" 2>&1 || {
    tail -5 "$debian.log" >&2
    echo "a fresh Debian could not be made here: the package was not tried" >&2
    exit 3
}
apt-config dump | grep -E '^Acquire::(Check|http|https)' >"$debian/etc/apt/apt.conf.d/90verify" || true
mount -t proc proc "$debian/proc" 2>/dev/null || echo "/proc could not be mounted: tried without"
ok "a fresh Debian $(cat "$debian/etc/debian_version")"

in_debian() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/home/tester chroot "$debian" "$@"; }
# As somebody who is not root.
tester() { in_debian setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
in_debian useradd --create-home tester
cp "$package" "$debian/tmp/fieldscope.deb"

# `dpkg` fetches nothing; where it is allowed, the network is taken away as well.
offline=()
if unshare --net true 2>/dev/null; then offline=(unshare --net); fi
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "${offline[@]}" chroot "$debian" dpkg --install /tmp/fieldscope.deb >"$debian/tmp/installed" 2>&1 ||
    fail "installation without a network: $(tail -3 "$debian/tmp/installed")"
[ "$(tester fieldscope --version)" = "fieldscope $version" ] || fail "fieldscope --version"
demo=/usr/share/doc/fieldscope/demo-bundle.zip
tester fieldscope backtrace "$demo" --all >"$debian/tmp/backtrace" || fail "backtrace ended with $?"
grep -qF "$(cat "$root/packaging/expected-backtrace.txt")" "$debian/tmp/backtrace" || fail "backtrace does not explain the crash"
tester fieldscope import "$demo" || fail "import ended with $?"
tester fieldscope query issues --json | grep -q valve_open || fail "the imported demo has no issue"
ok "installed without a network on a minimal system; the demo is imported and explained"

said=$(tester fieldscope screenshot crash --out /home/tester/none.png 2>&1 >/dev/null) && fail "a picture without a display"
case $said in *"apt-get install xvfb"* | *xvfb*) ok "without a display it says what is missing" ;; *) fail "without a display: $said" ;; esac

in_debian apt-get update -qq
# What Recommends stands for: apt's default brings it along.
mapfile -t recommended < <(in_debian dpkg-query -W -f '${Recommends}\n' fieldscope | tr ',' '\n' | tr -d ' ')
in_debian apt-get install -y -qq --no-install-recommends "${recommended[@]}" xvfb man-db desktop-file-utils shared-mime-info >/dev/null 2>&1 || fail "what is recommended"
tester fieldscope screenshot crash --out /home/tester/crash.png || fail "screenshot ended with $?"
[ -s "$debian/home/tester/crash.png" ] || fail "no picture"
[ -z "$pictures" ] || { mkdir -p "$pictures"; cp "$debian/home/tester/crash.png" "$pictures/deb-crash.png"; }
ok "screenshot under Xvfb"

in_debian desktop-file-validate /usr/share/applications/fieldscope.desktop || fail "desktop entry"
printf 'FSCAP\r\n\032' >"$debian/tmp/a.fscap"
types=$(in_debian sh -c 'update-mime-database /usr/share/mime && grep -c fieldscope /usr/share/mime/globs2')
[ "$types" = 2 ] || fail "file types: $types"
tester sh -c 'man --pager=cat fieldscope | grep -q fieldscope-backtrace && man --pager=cat fieldscope-backtrace >/dev/null' || fail "the manual"
in_debian bash -c '. /usr/share/bash-completion/completions/fieldscope && complete -p fieldscope' >/dev/null || fail "completions of bash"
ok "desktop entry, file types, manual, completions"

# Devices that are not there, and udev itself to say what it would do with them: who may open a probe, a mouse, a port.
in_debian apt-get install -y -qq --no-install-recommends udev umockdev >/dev/null 2>&1 || fail "udev and umockdev"
cp "$root/packaging/linux/probes.umockdev" "$debian/tmp/"
usb=/sys/devices/pci0000:00/usb1
while read -r device expected; do
    said=$(in_debian umockdev-run --device /tmp/probes.umockdev -- udevadm test --action=add "$device" 2>&1) || fail "udevadm test $device: $(tail -3 <<<"$said")"
    case $said in *60-fieldscope.rules:[0-9]*) fail "udev about the rules: $(grep 60-fieldscope.rules: <<<"$said")" ;; esac
    tags=$(grep '^TAGS=' <<<"$said" || true)
    case $expected$tags in open*:uaccess:* | closed*) ;; *) fail "$device is not opened: $tags" ;; esac
    case $expected$tags in closed*:uaccess:*) fail "$device is opened: $tags" ;; esac
done <<DEVICES
$usb/1-1 open
$usb/1-1/1-1:1.0/tty/ttyACM0 open
$usb/1-2 open
$usb/1-2/1-2:1.0/hidraw/hidraw0 open
$usb/1-3 open
$usb/1-4 closed
$usb/1-4/1-4:1.0/hidraw/hidraw1 closed
/sys/devices/platform/serial8250/tty/ttyS0 closed
DEVICES
ok "udev opens probes and USB serial ports, and nothing else"

in_debian apt-get purge -y -qq fieldscope >/dev/null 2>&1 || fail "removal"
left=$(find "$debian/usr" "$debian/etc" "$debian/lib/udev" "$debian/var/lib" -iname '*fieldscope*' ! -path '*/apt/*' 2>/dev/null || true)
[ -z "$left" ] || fail "left behind: $left"
[ -s "$debian/home/tester/.local/share/fieldscope/default.fieldscope" ] || fail "removal took the user's workspace"
ok "removed; left is the user's: $(cd "$debian/home/tester" && find .local .cache -type f 2>/dev/null | tr '\n' ' ')"
