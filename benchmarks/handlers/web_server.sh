#!/bin/sh
# What Lambda starts for a function with the Lambda Web Adapter: the web server, and beside it the extension.
# usage: web_server.sh PORT ADAPTER COMMAND...
export AWS_LWA_PORT="$1"
adapter=$2
shift 2
"$@" &
exec "$adapter"
