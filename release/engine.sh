#!/bin/sh
# pulumi, deaf to SIGHUP: of a lost terminal it would end at once, with its lock held (it listens to SIGINT and SIGTERM alone). What it
# starts is in process groups of its own, where no terminal's signal comes. The Automation API puts this folder in front of PATH.
trap '' HUP
PATH=${PATH#"${0%/*}:"}
exec pulumi "$@"
