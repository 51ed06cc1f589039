#!/bin/sh
# A Ray on this machine for tests/unit/ray/life.test.ts: installs it into FOLDER unless it is there, starts or stops its head.
# Usage: ray.sh FOLDER start|stop      then: NEXTVEC_TEST_RAY=FOLDER npx vitest run --project unit tests/unit/ray/life.test.ts
set -eu
folder=$1
if [ ! -x "$folder/bin/ray" ]; then
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet 'ray[default]==2.60.0'
fi
PATH="$folder/bin:$PATH"
export PATH RAY_AUTH_MODE="${RAY_AUTH_MODE:-disabled}"
case $2 in
  start)
    # On a busy machine a part of Ray may miss its deadline.
    for attempt in 1 2 3 4 5; do
      if ray start --head --dashboard-host=127.0.0.1 --num-cpus=2 --object-store-memory=80000000 \
        --disable-usage-stats --temp-dir="$folder/tmp"; then exit 0; fi
      ray stop --force
    done
    exit 1
    ;;
  stop) ray stop --force ;;
  *)
    echo "ray.sh: start or stop, not $2" >&2
    exit 2
    ;;
esac
