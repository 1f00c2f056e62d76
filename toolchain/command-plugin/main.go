// Command pulumi-resource-command runs shell commands as Pulumi resources, here or over SSH. It stands in for the
// published provider of npm's @pulumi/command 1.2.1 on machines that cannot reach the vendor's plugin download.
//
// Contract: tokens, properties and behaviour of 1.2.1 in all that this project uses; README.md lists what is left out
// and where the published one's defects are not copied. test/toolchain holds the proof.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/middleware/schema"
)

const (
	name    = "command"
	version = "1.2.1"
)

func main() {
	stopOnSignal()
	provider := infer.Provider(infer.Options{
		Metadata: schema.Metadata{DisplayName: "Command"},
		Resources: []infer.InferredResource{
			infer.Resource(&LocalCommand{}),
			infer.Resource(&RemoteCommand{}),
			infer.Resource(&CopyToRemote{}),
		},
		Functions: []infer.InferredFunction{infer.Function(&Run{})},
	})
	if err := p.RunProvider(context.Background(), name, version, provider); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
