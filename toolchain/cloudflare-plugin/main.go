// Command pulumi-resource-cloudflare is the upstream Cloudflare provider (cloudflare/terraform-provider-cloudflare),
// bridged to Pulumi and trimmed to the services in trim.sh, for machines that cannot reach the vendor's plugin download.
//
// Contract: the resources and functions of npm's @pulumi/cloudflare named below, under the same tokens and property names,
// with the same replacement rules. It answers as version 6.22.1; what runs behind it is upstream 5.24.0. Not served:
// everything else.
//
// The module is named beneath the upstream module because that is the only way Go lets it import internal.
package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"os"

	pf "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/cloudflare/terraform-provider-cloudflare/internal"
)

const version = "6.22.1"

func main() {
	info := providerInfo()
	if len(os.Args) == 2 && os.Args[1] == "-schema" {
		if err := printSchema(info); err != nil {
			log.Fatal(err)
		}
		return
	}
	// Node programs carry their own types: the schema is served only because the engine asks for one.
	schema, err := json.Marshal(map[string]string{"name": "cloudflare", "version": version})
	if err != nil {
		log.Fatal(err)
	}
	pf.Main(context.Background(), "cloudflare", info, pf.ProviderMetadata{PackageSchema: schema})
}

func providerInfo() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:              pf.ShimProvider(internal.NewProvider(version)()),
		Name:           "cloudflare",
		Version:        version,
		ResourcePrefix: "cloudflare",
		MetadataInfo:   tfbridge.NewProviderMetadata(nil),
		Resources: map[string]*tfbridge.ResourceInfo{
			"cloudflare_authenticated_origin_pulls":                      resource("AuthenticatedOriginPulls"),
			"cloudflare_authenticated_origin_pulls_certificate":          resource("AuthenticatedOriginPullsCertificate"),
			"cloudflare_authenticated_origin_pulls_hostname_certificate": resource("AuthenticatedOriginPullsHostnameCertificate"),
			"cloudflare_authenticated_origin_pulls_settings":             resource("AuthenticatedOriginPullsSettings"),
			"cloudflare_dns_record":                                      resource("DnsRecord"),
			"cloudflare_origin_ca_certificate":                           resource("OriginCaCertificate"),
			"cloudflare_ruleset":                                         resource("Ruleset"),
			"cloudflare_zone":                                            resource("Zone"),
			"cloudflare_zone_setting":                                    resource("ZoneSetting"),
		},
		DataSources: map[string]*tfbridge.DataSourceInfo{
			"cloudflare_dns_record":   function("getDnsRecord"),
			"cloudflare_dns_records":  function("getDnsRecords"),
			"cloudflare_ip_ranges":    function("getIpRanges"),
			"cloudflare_ruleset":      function("getRuleset"),
			"cloudflare_rulesets":     function("getRulesets"),
			"cloudflare_zone":         function("getZone"),
			"cloudflare_zone_setting": function("getZoneSetting"),
			"cloudflare_zones":        function("getZones"),
		},
	}
	// The zone's own settings have no id of their own in Terraform; Pulumi wants one.
	info.Resources["cloudflare_authenticated_origin_pulls_settings"].ComputeID = tfbridge.DelegateIDField(
		"zoneId", "cloudflare", "https://github.com/pulumi/pulumi-cloudflare")
	info.IgnoreMappings = unmapped(info)
	return info
}

func unmapped(info tfbridge.ProviderInfo) []string {
	var names []string
	info.P.ResourcesMap().Range(func(name string, _ shim.Resource) bool {
		if _, mapped := info.Resources[name]; !mapped {
			names = append(names, name)
		}
		return true
	})
	info.P.DataSourcesMap().Range(func(name string, _ shim.Resource) bool {
		if _, mapped := info.DataSources[name]; !mapped {
			names = append(names, name)
		}
		return true
	})
	return names
}

// resource names a type as npm's package does: cloudflare:index/dnsRecord:DnsRecord.
func resource(name string) *tfbridge.ResourceInfo {
	return &tfbridge.ResourceInfo{Tok: tfbridge.MakeResource("cloudflare", "index", name)}
}

// function names a function as npm's package does: cloudflare:index/getZone:getZone.
func function(name string) *tfbridge.DataSourceInfo {
	return &tfbridge.DataSourceInfo{Tok: tokens.ModuleMember("cloudflare:index/" + name + ":" + name)}
}

// printSchema is for the test that compares the names of arguments with npm's types.
func printSchema(info tfbridge.ProviderInfo) error {
	quiet := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	schema, err := tfgen.GenerateSchema(info, quiet)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(schema)
}
