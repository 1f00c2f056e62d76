# Shortens the upstream provider's two generated registries (resources and data sources, in internal/provider.go) to some
# services; code of resources is never touched. An import and a line of a list are kept when the service is in
# `services`, words between spaces.

BEGIN {
  split(services, words, " ")
  for (i in words) service[words[i]] = 1
}

/"github\.com\/cloudflare\/terraform-provider-cloudflare\/internal\/services\/[a-z0-9_]+"$/ {
  name = $0
  gsub(/.*\/|"/, "", name)
  if (!(name in service)) next
}

/^\t\t[a-z0-9_]+\.New[A-Za-z0-9]+,( *\/\/ .*)?$/ {
  name = $1
  sub(/\..*/, "", name)
  if (!(name in service)) next
}

{ print }
