#!/usr/bin/env bash
# Packs staged files into an .msi.
#   packaging/windows/pack.sh FOLDER VERSION machine|user OUT.msi
# FOLDER holds fieldscope.exe, fieldscope.com, fieldscope.ico, LICENSE.txt, THIRD-PARTY-LICENSES.txt, demo-bundle.zip.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
folder=$1 version=$2 scope=$3 out=$(readlink -m "$4")

# Windows Installer compares three numbers; what follows a hyphen in Cargo's version has no place in it.
numbers=${version%%[-+]*}
# The same version is the same product, another version another one: that is what makes the second an upgrade.
product=$(python3 -c 'import sys, uuid
print(str(uuid.uuid5(uuid.UUID("ac1f7bb5-4f51-4ac1-9f2b-0f6b3f9d1c3e"), " ".join(sys.argv[1:]))).upper())' "$version" "$scope")

rm -f "$out"
# wixl finds files by relative names only.
cp "$here/fieldscope.wxs" "$folder/"
(cd "$folder" && wixl -a x64 -D Version="$numbers" -D Scope="$scope" -D ProductCode="$product" -o "$out" fieldscope.wxs)

# What wixl (0.101) leaves out, row by row.
change() { msibuild "$out" -q "$1"; }
# Without a version in the table, a file that has one (the .exe of the older package) would be kept in an upgrade.
change "UPDATE \`File\` SET \`Version\` = '$numbers.0' WHERE \`File\` = 'fieldscope.exe'"
change "UPDATE \`File\` SET \`Language\` = '1033' WHERE \`File\` = 'fieldscope.exe'"
change "DELETE FROM \`MsiFileHash\` WHERE \`File_\` = 'fieldscope.exe'"
# The folder of the program at the end of PATH, of the computer (*) or of the user; taken away with the package (-).
name='=-PATH'
[ "$scope" = user ] || name='=-*PATH'
change "CREATE TABLE \`Environment\` (\`Environment\` CHAR(72) NOT NULL, \`Name\` CHAR(255) NOT NULL LOCALIZABLE, \`Value\` CHAR(255) LOCALIZABLE, \`Component_\` CHAR(72) NOT NULL PRIMARY KEY \`Environment\`)"
change "INSERT INTO \`Environment\` (\`Environment\`, \`Name\`, \`Value\`, \`Component_\`) VALUES ('Path', '$name', '[~];[INSTALLDIR]', 'Program')"
change "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('RemoveEnvironmentStrings', 3300)"
change "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('WriteEnvironmentStrings', 5200)"
