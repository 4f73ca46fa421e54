#!/bin/sh
# Compile every lock: versions and hashes only, never an address (run by `make lock`).
# One lock per target host (full Python version and platform), because markers must be
# evaluated for the host and not for the laptop: redis-py needs async-timeout below 3.11.3.
set -eu
cd "$(dirname "$0")"
uv=${UV:-../.venv/bin/uv}
quiet="--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -q"
for name in controller embedded consumers consumers-exchange bench fleet; do
    limit=""; [ "$name" = controller ] || [ "$name" = fleet ] || limit="-c controller.txt"
    "$uv" pip compile $name.in --universal --python-version 3.11 $quiet $limit -o $name.txt
done
"$uv" pip compile dev.in --universal --python-version 3.11 $quiet -c controller.txt -o dev.txt
for arch in x86_64 aarch64; do
    for version in 3.11.2 3.13.5; do   # Debian 12, Debian 13
        for more in "" -exchange; do
            "$uv" pip compile consumers$more.in --python-version $version \
                --python-platform $arch-manylinux_2_28 $quiet -c controller.txt \
                -o hosts/python-$version-linux-$arch$more.txt
        done
    done
done
