#!/usr/bin/env bash
# Becomes Prometheus, unless the data is another image's: that one is of version 3, whose files this
# version, 2.53, cannot read.
set -euo pipefail

readonly DATA=/prometheus MARK=/prometheus/.version-2

# Of an empty volume nobody has made anything yet.
if [[ ! -e $MARK && -n $(ls -A "$DATA") ]]; then
    echo "entrypoint: the data in this volume was not made by this image, and is left as it is. Take the images it was made with (IMAGES=official make images), or remove it with all that is in it: make down" >&2
    exit 1
fi
touch "$MARK"
exec /usr/bin/prometheus "$@"
