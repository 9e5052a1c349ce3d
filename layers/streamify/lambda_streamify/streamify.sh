#!/bin/sh
# /opt/streamify, the target of AWS_LAMBDA_EXEC_WRAPPER. Lambda starts it as: streamify INTERPRETER BOOTSTRAP, where
# BOOTSTRAP is AWS's own runtime. What runs instead lies beside this file, so the layer works from any folder.
case "$STREAMIFY_DISABLE" in
  "" | 0 | false) set -- "$1" "${0%/*}/streamify-main.py" ;;
esac
exec ${STREAMIFY_NEXT_WRAPPER:+"$STREAMIFY_NEXT_WRAPPER"} "$@"
