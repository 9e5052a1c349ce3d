#!/bin/sh
# /opt/streamify, the target of AWS_LAMBDA_EXEC_WRAPPER. Lambda starts it as: streamify INTERPRETER BOOTSTRAP, where
# BOOTSTRAP is AWS's own runtime. What runs instead lies beside this file, so the layer works from any folder.
if [ "$STREAMIFY_DISABLE" != 1 ]; then
  set -- "$1" "${0%/*}/streamify-main.py"
fi
exec ${STREAMIFY_NEXT_WRAPPER:+"$STREAMIFY_NEXT_WRAPPER"} "$@"
