# Shortens the upstream provider's two generated registries to some services; code of resources is never touched.
# service_packages_gen.go: an import and a list line for each service, kept when it is in `services`.
# awsclient_gen.go: an import and a method of three lines for each API client, kept when it is in `clients`.
# Both are words between spaces.

BEGIN {
  split(services, words, " ")
  for (i in words) service[words[i]] = 1
  split(clients, words, " ")
  for (i in words) client[words[i]] = 1
}

/"github\.com\/hashicorp\/terraform-provider-aws\/internal\/service\/[a-z0-9]+"$/ {
  name = $0
  gsub(/.*\/|"/, "", name)
  if (!(name in service)) next
}

/^\t\t[a-z0-9]+\.ServicePackage\(ctx\),$/ {
  name = $1
  sub(/\..*/, "", name)
  if (!(name in service)) next
}

/"github\.com\/aws\/aws-sdk-go-v2\/service\/[a-z0-9]+"$/ {
  name = $0
  gsub(/.*\/|"/, "", name)
  if (!(name in client)) next
}

/^func \(c \*AWSClient\) [A-Za-z0-9]+\(ctx context\.Context\) \*[a-z0-9]+\.Client \{$/ {
  name = $0
  gsub(/.* \*|\.Client \{$/, "", name)
  dropping = !(name in client)
}

!dropping { print }
$0 == "}" { dropping = 0 }
