#!/bin/sh
# Installs or removes what `make install` installs: `install.sh install|uninstall`. The Makefile sets the variables below.
set -eu
: "${PREFIX:?}" "${LIBDIR:?}" "${INCLUDEDIR:?}" "${BINDIR:?}" "${DATADIR:?}" "${MANDIR:?}" "${VERSION:?}" "${RELEASE:?}" "${COMMAND:?}"
: "${PACKAGE:?}" "${PYTHON:?}" "${CARGO:?}" "${DESTDIR=}" "${COMMAND_HERE:=$COMMAND}"
action=$1
root=$(cd "$(dirname "$0")/.." && pwd -P)
major=${VERSION%%.*}

for folder in "$PREFIX" "$LIBDIR" "$INCLUDEDIR" "$BINDIR" "$DATADIR" "$MANDIR"; do
    case $folder in
        /*) ;;
        *) echo "make $action: $folder is not an absolute path" >&2 && exit 2 ;;
    esac
done

# put MODE SOURCE PATH: a file.
put() {
    if [ "$action" = install ]; then
        mkdir -p "$DESTDIR$(dirname "$3")"
        # A new file, not new content: programs that run keep the one they have.
        cp -f "$2" "$DESTDIR$3.new"
        chmod "$1" "$DESTDIR$3.new"
        mv -f "$DESTDIR$3.new" "$DESTDIR$3"
    else
        rm -f "$DESTDIR$3"
    fi
}

# link TEXT PATH: a symbolic link.
link() {
    if [ "$action" = install ]; then ln -sfn "$1" "$DESTDIR$2"; else rm -f "$DESTDIR$2"; fi
}

# fill TEMPLATE: writes a template's file into the package folder.
fill() {
    up=$(realpath -m --relative-to "$1" "$PREFIX")
    # A folder below the prefix stays relative to it, so that the whole can be moved.
    relative() { case $1 in "$PREFIX"/*) echo "\${prefix}${1#"$PREFIX"}" ;; *) echo "$1" ;; esac; }
    cmake() { realpath -m --relative-to "$LIBDIR/cmake/mmx" "$1"; }
    sed -e "s|@VERSION@|$VERSION|g" -e "s|@UP@|$up|g" -e "s|@LIBDIR@|$(relative "$LIBDIR")|g" \
        -e "s|@INCLUDEDIR@|$(relative "$INCLUDEDIR")|g" -e "s|@CMAKE_LIBDIR@|$(cmake "$LIBDIR")|g" \
        -e "s|@CMAKE_INCLUDEDIR@|$(cmake "$INCLUDEDIR")|g" "$root/packaging/$2.in" >"$PACKAGE/$2"
}

if [ "$action" = install ]; then
    rm -rf "$PACKAGE"
    mkdir -p "$PACKAGE"
    fill "$LIBDIR/pkgconfig" mmx.pc
    fill "$LIBDIR/pkgconfig" mmx-static.pc
    fill "$LIBDIR/cmake/mmx" mmx-config.cmake
    fill "$LIBDIR/cmake/mmx" mmx-config-version.cmake
    "$PYTHON" "$root/packaging/man.py" "$root/include/mmx.h" "$VERSION" "$PACKAGE/man3"
    "$PYTHON" "$root/packaging/sbom.py" "$CARGO" "$PACKAGE/mmx.cdx.json"
    "$COMMAND_HERE" man "$PACKAGE/man1"
    for shell in bash zsh fish; do "$COMMAND_HERE" completions $shell >"$PACKAGE/$shell"; done
fi

put 755 "$RELEASE/libmmx.so" "$LIBDIR/libmmx.so.$VERSION"
link "libmmx.so.$VERSION" "$LIBDIR/libmmx.so.$major"
link "libmmx.so.$major" "$LIBDIR/libmmx.so"
put 644 "$RELEASE/libmmx.a" "$LIBDIR/libmmx.a"
put 644 "$root/include/mmx.h" "$INCLUDEDIR/mmx.h"
# The C++ header and what it includes.
for header in "$root"/include/*.hpp; do
    [ ! -e "$header" ] || put 644 "$header" "$INCLUDEDIR/${header##*/}"
done
for header in "$root"/include/mmx/*; do
    [ ! -e "$header" ] || put 644 "$header" "$INCLUDEDIR/mmx/${header##*/}"
done
for file in mmx.pc mmx-static.pc; do put 644 "$PACKAGE/$file" "$LIBDIR/pkgconfig/$file"; done
for file in mmx-config.cmake mmx-config-version.cmake; do put 644 "$PACKAGE/$file" "$LIBDIR/cmake/mmx/$file"; done
put 755 "$COMMAND" "$BINDIR/mmx-files"
for name in mmx $(sed 's/ .*//' "$root/tests/abi/symbols.txt"); do put 644 "$PACKAGE/man3/$name.3" "$MANDIR/man3/$name.3"; done
if [ "$action" = install ]; then
    for file in "$PACKAGE"/man1/*; do put 644 "$file" "$MANDIR/man1/${file##*/}"; done
else
    rm -f "$DESTDIR$MANDIR"/man1/mmx-files.1 "$DESTDIR$MANDIR"/man1/mmx-files-*.1
fi
put 644 "$PACKAGE/bash" "$DATADIR/bash-completion/completions/mmx-files"
put 644 "$PACKAGE/zsh" "$DATADIR/zsh/site-functions/_mmx-files"
put 644 "$PACKAGE/fish" "$DATADIR/fish/vendor_completions.d/mmx-files.fish"
for file in LICENSE-MIT LICENSE-APACHE THIRD-PARTY.md README.md CHANGELOG.md; do
    [ ! -e "$root/$file" ] || put 644 "$root/$file" "$DATADIR/doc/mmx/$file"
done

put 644 "$PACKAGE/mmx.cdx.json" "$DATADIR/doc/mmx/mmx.cdx.json"

if [ "$action" = uninstall ]; then
    # Our own folders; those that others share stay.
    for folder in "$LIBDIR/cmake/mmx" "$DATADIR/doc/mmx" "$INCLUDEDIR/mmx"; do
        [ ! -d "$DESTDIR$folder" ] || rmdir "$DESTDIR$folder"
    done
fi
