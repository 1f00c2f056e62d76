// Names the upstream module and, in go.sum, what it has to be: the plugin is built from a trimmed copy of it.
module upstream

go 1.26

require github.com/cloudflare/terraform-provider-cloudflare v0.0.0-20260824180050-4f360d592a7d
