# shellcheck shell=bash
# libchdb.sh - brings the embedded ClickHouse engine: one shared library, pinned, its download verified. Needs common.sh.
#
# Order: SLUICE_LIBCHDB, the cache, `npm pack` (which fetches the tarball alone; no Node program is involved afterwards).

: "${cache:?source common.sh first}"

libchdb_version=26.7.3-stable.1
libchdb_package=@chdb/lib-linux-x64-gnu
libchdb_sha256=c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad # of the tarball
libchdb_size=566330096                                                          # of the library in it, bytes

libchdb_file="$cache/libchdb-$libchdb_version.so"
libchdb_tarball="$cache/chdb-lib-linux-x64-gnu-$libchdb_version.tgz"

# A library in the cache got its name only when it was whole; its size is looked at against a disk that lost the end.
libchdb_here()
{
    [ -n "${SLUICE_LIBCHDB:-}" ] || [ "$(stat -c %s "$libchdb_file" 2>/dev/null)" = "$libchdb_size" ]
}

libchdb_packed()
{
    [ -f "$libchdb_tarball" ]
}

libchdb_verify()
{
    printf '%s  %s\n' "$libchdb_sha256" "$1" | sha256sum --check --status -
}

# need_libchdb: afterwards SLUICE_LIBCHDB names the library.
need_libchdb()
{
    if [ -n "${SLUICE_LIBCHDB:-}" ]; then
        [ -r "$SLUICE_LIBCHDB" ] || die "SLUICE_LIBCHDB names $SLUICE_LIBCHDB, which cannot be read; unset it or mend it"
        export SLUICE_LIBCHDB
        return 0
    fi
    mkdir -p "$cache"
    # Two scripts may come here at once: the second finds what the first one fetched.
    exec 9>"$cache/libchdb.lock"
    flock 9
    libchdb_here || libchdb_unpack
    exec 9>&-
    export SLUICE_LIBCHDB="$libchdb_file"
}

libchdb_unpack()
{
    local scratch
    [ "$(uname -m)" = x86_64 ] || die "the embedded ClickHouse is pinned for x86_64; set SLUICE_LIBCHDB to a libchdb.so of version $libchdb_version for $(uname -m)"
    scratch=$(mktemp -d "$cache/fetch.XXXXXX")
    if libchdb_packed && ! libchdb_verify "$libchdb_tarball"; then
        say "$libchdb_tarball has not the pinned checksum: fetched again"
        rm -f "$libchdb_tarball"
    fi
    if ! libchdb_packed; then
        step "fetching the embedded ClickHouse ($libchdb_package@$libchdb_version, 178 MB)"
        if ! (cd "$scratch" && npm pack --silent "$libchdb_package@$libchdb_version") >"$cache/npm.log" 2>&1; then
            rm -rf "$scratch"
            tail -n 20 "$cache/npm.log" >&2
            die "the embedded ClickHouse could not be fetched; fetch $libchdb_package@$libchdb_version by hand into $libchdb_tarball, or set SLUICE_LIBCHDB"
        fi
        if ! libchdb_verify "$scratch"/*.tgz; then
            rm -rf "$scratch"
            die "the download of $libchdb_package@$libchdb_version has not the pinned checksum: not used"
        fi
        mv "$scratch"/*.tgz "$libchdb_tarball"
    fi
    step "unpacking the embedded ClickHouse (559 MB)"
    if ! tar -xzf "$libchdb_tarball" -C "$scratch" package/libchdb.so; then
        rm -rf "$scratch"
        die "$libchdb_tarball could not be unpacked; is the disk full?"
    fi
    sync "$scratch/package/libchdb.so"
    mv "$scratch/package/libchdb.so" "$libchdb_file"
    rm -rf "$scratch"
}
