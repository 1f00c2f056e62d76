#!/bin/sh
# An image may serve in several releases, so the page learns its release from the container, at the start.
set -eu
sed "s|data-release=\"dev\"|data-release=\"${RELEASE:?}\"|" /srv/web/index.html >/tmp/index.html
exec nginx -g "daemon off;"
