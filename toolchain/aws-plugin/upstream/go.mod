// Names the upstream module and, in go.sum, what it has to be: the plugin is built from a trimmed copy of it.
module upstream

go 1.26

require github.com/hashicorp/terraform-provider-aws v1.60.1-0.20260602190131-5f2286d6d836
