// Command pulumi-resource-docker is the upstream Docker provider (kreuzwerker/terraform-provider-docker), bridged to
// Pulumi, for machines that cannot reach the vendor's plugin download.
//
// Contract: the resources of npm's @pulumi/docker that come from upstream, under the same tokens and property names,
// with the same replacement rules. It answers as version 5.2.0. Not served: docker:index/image:Image (the vendor's own
// code), docker:index/buildxBuilder:BuildxBuilder and the functions (get…).
//
// The module is named beneath the upstream module because that is the only way Go lets it import internal/provider.
package main

import (
	"encoding/json"
	"log"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

const version = "5.2.0"

func main() {
	// Node programs carry their own types: the schema is served only because the engine asks for one.
	schema, err := json.Marshal(map[string]string{"name": "docker", "version": version})
	if err != nil {
		log.Fatal(err)
	}
	tfbridge.Main("docker", version, providerInfo(), schema)
}

func providerInfo() tfbridge.ProviderInfo {
	upstream := provider.New(version)()
	info := tfbridge.ProviderInfo{
		P:              shimv2.NewProvider(upstream),
		Name:           "docker",
		Version:        version,
		ResourcePrefix: "docker",
		Config: map[string]*tfbridge.SchemaInfo{
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_container": {
				Tok: token("Container"),
				Fields: map[string]*tfbridge.SchemaInfo{
					// The default rule would make these plural.
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
				// Published ports and names cannot be held twice.
				DeleteBeforeReplace: true,
			},
			"docker_image":          {Tok: token("RemoteImage")},
			"docker_registry_image": {Tok: token("RegistryImage")},
			"docker_network":        {Tok: token("Network")},
			"docker_volume":         {Tok: token("Volume")},
			"docker_config":         {Tok: token("ServiceConfig")},
			"docker_secret":         {Tok: token("Secret")},
			"docker_service":        {Tok: token("Service")},
			"docker_plugin":         {Tok: token("Plugin")},
			"docker_tag":            {Tok: token("Tag")},
		},
	}
	for name := range upstream.ResourcesMap {
		if _, mapped := info.Resources[name]; !mapped {
			info.IgnoreMappings = append(info.IgnoreMappings, name)
		}
	}
	for name := range upstream.DataSourcesMap {
		info.IgnoreMappings = append(info.IgnoreMappings, name)
	}
	return info
}

// token names a resource as npm's package does: docker:index/remoteImage:RemoteImage.
func token(name string) tokens.Type {
	return tfbridge.MakeResource("docker", "index", name)
}
