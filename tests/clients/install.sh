#!/bin/sh
# Install Claude Code and Codex from npm into a folder, for tests/clients/real.py: install.sh FOLDER
set -eu
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
npm install --prefix "$1" --no-audit --no-fund --loglevel error \
    @anthropic-ai/claude-code @openai/codex
for client in claude codex; do
    echo "$client: $("$1/node_modules/.bin/$client" --version)"
done
