#!/usr/bin/env bash
# Makes a machine a node of the cluster: the project in ~/ablate with the locked versions. The launcher files run it on every
# node once the shared folder is mounted; run again, it installs only what changed.
set -euo pipefail

mountpoint -q /mnt/ablate || { echo '/mnt/ablate is not mounted: trials would fill a disk that no other node sees' >&2; exit 1; }
mkdir -p /mnt/ablate/runs /mnt/ablate/data
chmod 600 ~/.ray/auth_token

# What every shell needs, in a file that each start of Ray reads. OMP_NUM_THREADS: the launcher sets it to 1 in the shells it
# opens, and all trials would inherit it.
cat > ~/.ablate-env <<'ENV'
export PATH=$HOME/ablate/.venv/bin:$PATH
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 MLFLOW_DISABLE_TELEMETRY=true
unset OMP_NUM_THREADS
ENV
grep -qs ablate-env ~/.bashrc || echo '. ~/.ablate-env' >> ~/.bashrc

# Python with the same patch level on all nodes, or Ray refuses to let them join: where machines differ, PYTHON=3.11.9 names
# all three numbers, and uv downloads what is missing. Bytecode: without it every trial process begins 12 seconds later.
cd ~/ablate
python3 -m venv ~/.uv
~/.uv/bin/pip install --quiet "$(grep -o '^uv==[^ ]*' requirements.lock)"
test -x .venv/bin/python || ~/.uv/bin/uv venv --python "${PYTHON:-3.11}" .venv
~/.uv/bin/uv pip install --require-hashes --compile-bytecode -r requirements.lock
~/.uv/bin/uv pip install --no-deps --compile-bytecode .
