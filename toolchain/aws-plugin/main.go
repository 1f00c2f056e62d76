// Command pulumi-resource-aws is the upstream AWS provider (hashicorp/terraform-provider-aws), bridged to Pulumi and
// trimmed to the services in trim.sh, for machines that cannot reach the vendor's plugin download.
//
// Contract: the resources and functions of npm's @pulumi/aws that resources.go names, under the same tokens and property
// names, with the same replacement rules. It answers as version 7.48.0; what runs behind it is upstream 6.48, so a few
// newer arguments are unknown (test/cloud/1-plugins.test.ts lists them). Not served: everything else.
//
// The module is named beneath the upstream module because that is the only way Go lets it import internal/provider.
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
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/x/muxer"
	"github.com/pulumi/pulumi-terraform-bridge/v3/unstable/metadata"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"

	"github.com/hashicorp/terraform-provider-aws/internal"
	"github.com/hashicorp/terraform-provider-aws/internal/provider/framework"
	"github.com/hashicorp/terraform-provider-aws/internal/provider/sdkv2"
)

const version = "7.48.0"

func main() {
	// Upstream says on the log what it makes of itself; the engine would show each line.
	log.SetOutput(io.Discard)
	ctx := context.Background()
	info, err := providerInfo(ctx)
	if err != nil {
		fail(err)
	}
	if len(os.Args) == 2 && os.Args[1] == "-schema" {
		if err := printSchema(info); err != nil {
			fail(err)
		}
		return
	}
	// Node programs carry their own types: the schema is served only because the engine asks for one.
	schema, err := json.Marshal(map[string]string{"name": "aws", "version": version})
	if err != nil {
		fail(err)
	}
	pf.MainWithMuxer(ctx, "aws", info, schema)
}

func fail(err error) {
	log.SetOutput(os.Stderr)
	log.Fatal(err)
}

// providerInfo joins the upstream provider's two halves, SDKv2 and Plugin Framework, into one, and says what of it is served.
func providerInfo(ctx context.Context) (tfbridge.ProviderInfo, error) {
	internal.RegisterSmarterrFS()
	primary, err := sdkv2.NewProvider(ctx)
	if err != nil {
		return tfbridge.ProviderInfo{}, err
	}
	secondary, err := framework.NewProvider(ctx, primary)
	if err != nil {
		return tfbridge.ProviderInfo{}, err
	}
	info := tfbridge.ProviderInfo{
		P:              pf.MuxShimWithPF(ctx, shimv2.NewProvider(primary), secondary),
		Name:           "aws",
		Version:        version,
		ResourcePrefix: "aws",
		Resources:      resources(),
		DataSources:    dataSources(),
		MetadataInfo:   tfbridge.NewProviderMetadata(nil),
	}
	for name, resource := range info.Resources {
		markTags(info.P.ResourcesMap().Get(name), resource)
	}
	info.IgnoreMappings = unmapped(info)
	info.SetAutonaming(255, "-")
	return info, dispatch(&info)
}

// markTags makes tags_all what it is in the published plugin: an output only.
func markTags(upstream shim.Resource, resource *tfbridge.ResourceInfo) {
	if _, has := upstream.Schema().GetOk("tags_all"); !has {
		return
	}
	if resource.Fields == nil {
		resource.Fields = map[string]*tfbridge.SchemaInfo{}
	}
	resource.Fields["tags_all"] = &tfbridge.SchemaInfo{MarkAsComputedOnly: tfbridge.True()}
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
	for name := range info.P.Functions() {
		names = append(names, name)
	}
	return names
}

// dispatch writes down which half serves what; the vendor does this when the plugin is built.
func dispatch(info *tfbridge.ProviderInfo) error {
	halves := info.P.(interface {
		ResolveDispatch(*tfbridge.ProviderInfo) (muxer.DispatchTable, error)
	})
	table, err := halves.ResolveDispatch(info)
	if err != nil {
		return err
	}
	return metadata.Set(info.GetMetadata(), "mux", table)
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
