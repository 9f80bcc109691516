#!/usr/bin/env bash
# Tries the Windows installers under Wine, in a new prefix and on a display of its own: silent install over an older version,
# the command line, a double-click on a file of each type, a refused downgrade, removal.
#   packaging/windows/verify.sh MACHINE.msi USER.msi VERSION [FOLDER for pictures]
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
machine=$(readlink -f "$1") user=$(readlink -f "$2") version=$3 pictures=${4:-}
root=$here/../..
needed=(wine wine64 xvfb xdotool imagemagick libgl1-mesa-dri gcc-mingw-w64-x86-64-win32 wixl msitools)
missing=()
for package in "${needed[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] || { echo "verify.sh: apt-get install --no-install-recommends ${missing[*]}" >&2; exit 2; }

work=$(mktemp -d)
[ -n "$pictures" ] || pictures=$work
mkdir -p "$pictures"
# wine64 itself: the script `wine` also asks for 32 bits, of which there are none here.
wine=/usr/lib/wine/wine64
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
drive=$WINEPREFIX/drive_c
Xvfb -displayfd 3 -screen 0 1600x1000x24 +extension GLX 3>"$work/display" >/dev/null 2>&1 &
display=$!
finish() {
    wineserver -k 2>/dev/null || true
    kill "$display" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
until [ -s "$work/display" ]; do sleep 0.1; done
DISPLAY=:$(cat "$work/display")
export DISPLAY

fail() { echo "FAILED: $*" >&2; exit 1; }
ok() { echo "ok ($SECONDS s): $*"; }
# What is typed into a console, with the words of Windows' ends of lines taken off.
console() { timeout 120 "$wine" cmd /d /c "$@" 2>&1 | tr -d '\r'; }
install() { timeout 180 "$wine" msiexec /i "$1" /qn; }
remove() { timeout 180 "$wine" msiexec /x "$1" /qn; }
# Lines of the list of installed programs.
listed() { for hive in HKLM HKCU; do "$wine" reg query "$hive\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall" /s 2>/dev/null || true; done | tr -d '\r' | grep -E 'DisplayName .*Fieldscope' -c || true; }
shortcuts() { find "$drive/users" "$drive/ProgramData" -name 'Fieldscope.lnk' 2>/dev/null | wc -l; }
key_exists() { "$wine" reg query "$1" >/dev/null 2>&1; }
path_of() { "$wine" reg query "$1" /v PATH 2>/dev/null | tr -d '\r' || true; }
machine_path='HKLM\System\CurrentControlSet\Control\Session Manager\Environment'
# Wine takes a folder out of PATH and leaves its semicolon; and its cmd looks no further than to an empty place in PATH.
mend_path() {
    local value
    value=$(path_of "$machine_path" | sed -n 's/.*REG_EXPAND_SZ *//p' | sed 's/;;*/;/g; s/;$//')
    "$wine" reg add "$machine_path" /v PATH /t REG_EXPAND_SZ /d "$value" /f >/dev/null
}

# Opens something as a double-click does, takes a picture of the window and closes it with its button.
opened() {
    local what=$1 picture=$pictures/$2.png waiting try
    timeout 120 "$wine" start /wait /unix "$what" >/dev/null 2>&1 &
    waiting=$!
    for try in $(seq 80); do
        xdotool search --name '^Fieldscope$' >/dev/null 2>&1 && break
        [ "$try" -lt 80 ] || fail "no window opened for $what"
        sleep 0.5
    done
    sleep 6
    import -window root "$picture"
    [ "$(identify -format %k "$picture")" -gt 100 ] || fail "nothing was drawn: $picture"
    timeout 30 "$wine" taskkill /im fieldscope.exe >/dev/null
    wait "$waiting" || fail "the window of $what ended with $?"
    # What `start` waits for may be the shortcut alone, and a program that ends still holds its folder.
    while timeout 30 "$wine" taskkill /im fieldscope.exe >/dev/null 2>&1; do sleep 0.2; done
}

timeout 180 "$wine" wineboot -i >/dev/null 2>&1
# Wine 8 calls itself Windows 7 and has not the library that Rust's standard library asks for random numbers.
"$wine" reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null
if [ ! -e "$drive/windows/system32/bcryptprimitives.dll" ]; then
    x86_64-w64-mingw32-gcc -shared -O2 -o "$drive/windows/system32/bcryptprimitives.dll" "$here/bcryptprimitives.c" -ladvapi32
fi
wineserver -w
ok "a prefix of $("$wine" --version)"

# An older version: the stand-in, with the same tables.
x86_64-w64-mingw32-gcc -Os -s -DSTAND_IN_VERSION='"0.0.1"' -o "$work/old.exe" "$here/stand-in.c"
echo "licences" >"$work/licences.txt"
"$here/stage.sh" "$work/old" "$work/old.exe" "$work/licences.txt"
"$here/pack.sh" "$work/old" 0.0.1 machine "$work/old.msi"
install "$work/old.msi"
[ "$(console 'fieldscope --version')" = "fieldscope 0.0.1" ] || fail "the older version does not run"
program="$drive/Program Files/Fieldscope"
data=$(find "$drive/users" -maxdepth 1 -mindepth 1 -type d ! -name Public | head -1)/AppData/Roaming/fieldscope
mkdir -p "$data"
printf '{"theme":"Light"}' >"$work/settings"
cp "$work/settings" "$data/kept-by-an-upgrade.json"

install "$machine"
mend_path
[ "$(listed)" = 1 ] || fail "$(listed) versions are listed as installed"
[ "$(shortcuts)" = 1 ] || fail "$(shortcuts) shortcuts in the start menu"
cmp -s "$work/settings" "$data/kept-by-an-upgrade.json" || fail "the upgrade touched what is the user's"
said=$(console 'fieldscope --version')
[ "$said" = "fieldscope $version" ] || fail "fieldscope --version says: $said"
ok "installed over an older version, for all users; fieldscope is in PATH: $said"

cp "$root/sample-data/demo-bundle.zip" "$drive/demo.zip"
console 'fieldscope backtrace C:\demo.zip --all --no-cache' >"$work/backtrace" || fail "backtrace: $(tail -1 "$work/backtrace")"
grep -qF "$(cat "$root/packaging/expected-backtrace.txt")" "$work/backtrace" || fail "backtrace does not explain the crash: $(head -5 "$work/backtrace")"
[ "$(grep -c 'crash [0-9]* of 11$' "$work/backtrace")" = 11 ] || fail "backtrace does not show all crashes"
ok "backtrace of the demo: 11 crashes explained, $(wc -l <"$work/backtrace") lines"
set +e
console 'fieldscope backtrace C:\absent.core' >"$work/absent"
console 'fieldscope backtrace C:\absent.core >nul 2>nul & if errorlevel 2 if not errorlevel 3 echo code 2' >"$work/code"
set -e
grep -q '^fieldscope: ' "$work/absent" || fail "no words about a file that is not there"
grep -qx 'code 2 *' "$work/code" || fail "the console does not get the exit code: $(cat "$work/code")"
ok "exit code and words of a failure reach the console"

console 'fieldscope import C:\demo.zip --workspace C:\field.fieldscope' >/dev/null
opened "$drive/field.fieldscope" msi-workspace
ok "a double-click on a workspace opens it"
"$root/packaging/demo_recording.py" "$drive/session.fscap"
opened "$drive/session.fscap" msi-recording
ok "a double-click on a recording imports it"
console 'fieldscope query issues --workspace C:\field.fieldscope --json' | sort >"$work/issues"
[ -s "$work/issues" ] || fail "the workspace has no issues"

if install "$work/old.msi"; then fail "an older version replaced a newer one"; fi
[ "$(console 'fieldscope --version')" = "fieldscope $version" ] || fail "the refused downgrade left nothing that runs"
ok "downgrade refused"

remove "$machine"
[ "$(listed)" = 0 ] || fail "still listed as installed"
[ ! -e "$program" ] || fail "left behind: $(find "$program")"
[ "$(shortcuts)" = 0 ] || fail "the shortcut was left behind"
for key in .fieldscope .fscap Fieldscope.Workspace Fieldscope.Recording; do
    if key_exists "HKLM\\Software\\Classes\\$key"; then fail "left in the registry: $key"; fi
done
case $(path_of "$machine_path") in *Fieldscope*) fail "left in PATH" ;; esac
mend_path
cmp -s "$work/settings" "$data/kept-by-an-upgrade.json" || fail "removal took what is the user's"
[ -s "$drive/field.fieldscope" ] || fail "removal took a workspace"
ok "removed; left are: $(cd "$data/.." && find fieldscope -type f | tr '\n' ' ')"

install "$user"
said=$(console 'fieldscope --version')
[ "$said" = "fieldscope $version" ] || fail "per user: fieldscope --version says: $said"
[ -e "$data/../../Local/Programs/Fieldscope/fieldscope.exe" ] || fail "per user: not in Local/Programs"
for key in .fieldscope .fscap Fieldscope.Workspace Fieldscope.Recording; do
    key_exists "HKCU\\Software\\Classes\\$key" || fail "per user: no key $key"
    if key_exists "HKLM\\Software\\Classes\\$key"; then fail "per user: wrote to the computer's registry"; fi
done
console 'fieldscope query issues --workspace C:\field.fieldscope --json' | sort >"$work/issues-after"
cmp "$work/issues" "$work/issues-after" || fail "per user: the workspace reads otherwise"
# Wine does not look into the user's half of the registry for file types; the shortcut it does start.
opened "$(find "$drive/users" -name 'Fieldscope.lnk' | head -1)" msi-user-shortcut
ok "installed for one user, opened from the start menu"
remove "$user"
[ "$(listed)" = 0 ] || fail "per user: still listed as installed"
[ ! -e "$data/../../Local/Programs/Fieldscope" ] || fail "per user: left behind: $(find "$data/../../Local/Programs/Fieldscope")"
[ "$(shortcuts)" = 0 ] || fail "per user: the shortcut was left behind"
if key_exists 'HKCU\Software\Classes\.fieldscope'; then fail "per user: left in the registry"; fi
case $(path_of 'HKCU\Environment') in *Fieldscope*) fail "per user: left in PATH" ;; esac
ok "removed for one user"
