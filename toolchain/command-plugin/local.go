package main

import (
	"context"
	"errors"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Streams is what a run printed. It is in state, and in the environment of the next run unless that is turned off.
type Streams struct {
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// previous gives the streams of the run before as environment variables.
func (s *Streams) previous(wanted *bool) map[string]string {
	variables := map[string]string{}
	if wanted != nil && !*wanted {
		return variables
	}
	if s.Stdout != "" {
		variables["PULUMI_COMMAND_STDOUT"] = s.Stdout
	}
	if s.Stderr != "" {
		variables["PULUMI_COMMAND_STDERR"] = s.Stderr
	}
	return variables
}

// LocalInputs say how a command is run here.
type LocalInputs struct {
	Interpreter            *[]string         `pulumi:"interpreter,optional"`
	Dir                    *string           `pulumi:"dir,optional"`
	Environment            map[string]string `pulumi:"environment,optional"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Logging                *Logging          `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
	AssetPaths             *[]string         `pulumi:"assetPaths,optional"`
	ArchivePaths           *[]string         `pulumi:"archivePaths,optional"`
}

var errAssets = errors.New("assetPaths and archivePaths are not built into this stand-in for the command provider: " +
	"leave them out, or install the published plugin (pulumi plugin install resource command 1.2.1)")

func (in LocalInputs) unsupported() error {
	if in.AssetPaths != nil || in.ArchivePaths != nil {
		return errAssets
	}
	return nil
}

// Lifecycle is which command runs when. Strings left out do nothing, but for update, which falls back to create.
type Lifecycle struct {
	Create   *string `pulumi:"create,optional"`
	Update   *string `pulumi:"update,optional"`
	Delete   *string `pulumi:"delete,optional"`
	Triggers *[]any  `pulumi:"triggers,optional" provider:"replaceOnChanges"`
}

func (l Lifecycle) updating() *string {
	if l.Update != nil {
		return l.Update
	}
	return l.Create
}

// LocalCommand is command:local:Command.
type LocalCommand struct{}

// LocalCommandInputs are its inputs.
type LocalCommandInputs struct {
	LocalInputs
	Lifecycle
}

// LocalCommandState is what is kept of it.
type LocalCommandState struct {
	LocalCommandInputs
	Streams
}

// Annotate names the resource as the SDK does.
func (*LocalCommand) Annotate(a infer.Annotator) { a.SetToken("local", "Command") }

// Check refuses what is not built, so that preview says it.
func (*LocalCommand) Check(
	ctx context.Context, req infer.CheckRequest,
) (infer.CheckResponse[LocalCommandInputs], error) {
	inputs, failures, err := infer.DefaultCheck[LocalCommandInputs](ctx, req.NewInputs)
	if refused := inputs.unsupported(); refused != nil {
		failures = append(failures, p.CheckFailure{Property: "assetPaths", Reason: refused.Error()})
	}
	return infer.CheckResponse[LocalCommandInputs]{Inputs: inputs, Failures: failures}, err
}

// Create runs the create command.
func (*LocalCommand) Create(
	ctx context.Context, req infer.CreateRequest[LocalCommandInputs],
) (infer.CreateResponse[LocalCommandState], error) {
	state := LocalCommandState{LocalCommandInputs: req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err == nil && !req.DryRun && req.Inputs.Create != nil {
		err = runLocal(ctx, *req.Inputs.Create, req.Inputs.LocalInputs, &state.Streams)
	}
	return infer.CreateResponse[LocalCommandState]{ID: id, Output: state}, err
}

// Update runs the update command, or create again.
func (*LocalCommand) Update(
	ctx context.Context, req infer.UpdateRequest[LocalCommandInputs, LocalCommandState],
) (infer.UpdateResponse[LocalCommandState], error) {
	state := LocalCommandState{LocalCommandInputs: req.Inputs, Streams: req.State.Streams}
	var err error
	if command := req.Inputs.updating(); command != nil && !req.DryRun {
		err = runLocal(ctx, *command, req.Inputs.LocalInputs, &state.Streams)
	}
	return infer.UpdateResponse[LocalCommandState]{Output: state}, err
}

// Delete runs the delete command that state holds.
func (*LocalCommand) Delete(
	ctx context.Context, req infer.DeleteRequest[LocalCommandState],
) (infer.DeleteResponse, error) {
	var err error
	if req.State.Delete != nil {
		err = runLocal(ctx, *req.State.Delete, req.State.LocalInputs, &req.State.Streams)
	}
	return infer.DeleteResponse{}, err
}

// Run is the function command:local:run: it runs at once, in preview too.
type Run struct{}

// RunInputs are its arguments.
type RunInputs struct {
	LocalInputs
	Command string `pulumi:"command"`
}

// RunResult is what it gives back.
type RunResult struct {
	RunInputs
	Streams
}

// Annotate names the function as the SDK does.
func (*Run) Annotate(a infer.Annotator) { a.SetToken("local", "run") }

// Invoke runs the command.
func (*Run) Invoke(
	ctx context.Context, req infer.FunctionRequest[RunInputs],
) (infer.FunctionResponse[RunResult], error) {
	result := RunResult{RunInputs: req.Input}
	err := runLocal(ctx, req.Input.Command, req.Input.LocalInputs, &result.Streams)
	return infer.FunctionResponse[RunResult]{Output: result}, err
}
