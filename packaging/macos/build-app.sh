#!/usr/bin/env bash
# Makes Fieldscope.app and an archive of it, on a Mac with Rust and Apple's command line tools. NEVER TRIED: there was no Mac.
#   packaging/macos/build-app.sh OUT_FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
out=$1
[ "$(uname)" = Darwin ] || { echo "build-app.sh: this needs a Mac" >&2; exit 2; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=$(rustc -vV | sed -n 's/^host: //p')
cargo build --locked --profile dist --bin fieldscope

app=$out/Fieldscope.app/Contents
rm -rf "$out/Fieldscope.app"
mkdir -p "$app/MacOS" "$app/Resources"
cp "${CARGO_TARGET_DIR:-target}/dist/fieldscope" "$app/MacOS/"
cp assets/icon/made/fieldscope.icns LICENSE-MIT LICENSE-APACHE sample-data/demo-bundle.zip "$app/Resources/"
sed "s/@VERSION@/$version/" packaging/macos/Info.plist >"$app/Info.plist"
packaging/licences.py "$target" "$app/Resources/THIRD-PARTY-LICENSES.txt"
plutil -lint "$app/Info.plist"
# Signed by nobody ("-"): Apple's processors start no program without any signature. Gatekeeper still warns of it.
codesign --force --sign - "$out/Fieldscope.app"
(cd "$out" && zip -qry "fieldscope-$version-macos-$(uname -m).zip" Fieldscope.app)
