#!/bin/sh
# /opt/streamify, the value of AWS_LAMBDA_EXEC_WRAPPER. Lambda runs `streamify INTERPRETER BOOTSTRAP`, where BOOTSTRAP is
# AWS's own runtime. This script replaces it with the program in its own folder, so the layer works from any folder.
case "$STREAMIFY_DISABLE" in
  "" | 0 | false) set -- "$1" "${0%/*}/streamify-main.py" ;;
esac
exec ${STREAMIFY_NEXT_WRAPPER:+"$STREAMIFY_NEXT_WRAPPER"} "$@"
