package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"
)

// RemoteInputs say how a command is run on another machine.
type RemoteInputs struct {
	Connection             Connection        `pulumi:"connection" provider:"secret"`
	Environment            map[string]string `pulumi:"environment,optional"`
	Stdin                  *string           `pulumi:"stdin,optional"`
	Logging                *Logging          `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool             `pulumi:"addPreviousOutputInEnv,optional"`
}

// RemoteCommand is command:remote:Command.
type RemoteCommand struct{}

// RemoteCommandInputs are its inputs.
type RemoteCommandInputs struct {
	RemoteInputs
	Lifecycle
}

// RemoteCommandState is what is kept of it.
type RemoteCommandState struct {
	RemoteCommandInputs
	Streams
}

// Annotate names the resource as the SDK does.
func (*RemoteCommand) Annotate(a infer.Annotator) { a.SetToken("remote", "Command") }

// Create runs the create command.
func (*RemoteCommand) Create(
	ctx context.Context, req infer.CreateRequest[RemoteCommandInputs],
) (infer.CreateResponse[RemoteCommandState], error) {
	state := RemoteCommandState{RemoteCommandInputs: req.Inputs}
	id, err := resource.NewUniqueHex(req.Name, 8, 0)
	if err == nil && !req.DryRun && req.Inputs.Create != nil {
		err = runRemote(ctx, *req.Inputs.Create, req.Inputs.RemoteInputs, &state.Streams)
	}
	return infer.CreateResponse[RemoteCommandState]{ID: id, Output: state}, err
}

// Update runs the update command, or create again.
func (*RemoteCommand) Update(
	ctx context.Context, req infer.UpdateRequest[RemoteCommandInputs, RemoteCommandState],
) (infer.UpdateResponse[RemoteCommandState], error) {
	state := RemoteCommandState{RemoteCommandInputs: req.Inputs, Streams: req.State.Streams}
	var err error
	if command := req.Inputs.updating(); command != nil && !req.DryRun {
		err = runRemote(ctx, *command, req.Inputs.RemoteInputs, &state.Streams)
	}
	return infer.UpdateResponse[RemoteCommandState]{Output: state}, err
}

// Delete runs the delete command over the connection that state holds. Without one, nothing is dialled.
func (*RemoteCommand) Delete(
	ctx context.Context, req infer.DeleteRequest[RemoteCommandState],
) (infer.DeleteResponse, error) {
	var err error
	if req.State.Delete != nil {
		err = runRemote(ctx, *req.State.Delete, req.State.RemoteInputs, &req.State.Streams)
	}
	return infer.DeleteResponse{}, err
}

// runRemote is runLocal on another machine.
func runRemote(ctx context.Context, command string, in RemoteInputs, result *Streams) error {
	ctx, finished := untilStopped(ctx)
	defer finished()

	client, closeAll, err := in.Connection.dial(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	session, err := client.NewSession()
	if err != nil {
		return fmt.Errorf("opening a session on %s: %w", in.Connection.address(), err)
	}
	defer func() { _ = session.Close() }()
	if err := setEnvironment(ctx, session, in, result); err != nil {
		return err
	}
	if in.Stdin != nil {
		session.Stdin = strings.NewReader(*in.Stdin)
	}

	var printed output
	stdout, flushStdout := printed.stream(ctx, &printed.stdout, in.Logging.shows(logStdout))
	stderr, flushStderr := printed.stream(ctx, &printed.stderr, in.Logging.shows(logStderr))
	session.Stdout, session.Stderr = stdout, stderr
	err = runSession(ctx, client, session, command)
	flushStdout()
	flushStderr()
	if err != nil {
		return printed.failure(err, command)
	}
	*result = Streams{Stdout: text(&printed.stdout), Stderr: text(&printed.stderr)}
	return nil
}

// setEnvironment fails for what the program asked for and warns for what it did not: an SSH server takes only the
// variables that its AcceptEnv names.
func setEnvironment(ctx context.Context, session *ssh.Session, in RemoteInputs, result *Streams) error {
	for _, name := range slices.Sorted(maps.Keys(in.Environment)) {
		if err := session.Setenv(name, in.Environment[name]); err != nil {
			return fmt.Errorf("environment variable %s was refused by %s (%w): add it to the server's AcceptEnv, "+
				"or set it in the command", name, in.Connection.address(), err)
		}
	}
	previous := result.previous(in.AddPreviousOutputInEnv)
	for _, name := range slices.Sorted(maps.Keys(previous)) {
		if err := session.Setenv(name, previous[name]); err != nil {
			p.GetLogger(ctx).Warningf("%s was refused by %s: set addPreviousOutputInEnv to false, or add it to the "+
				"server's AcceptEnv", name, in.Connection.address())
		}
	}
	return nil
}

// runSession runs the command until it ends or ctx does: then it gets SIGTERM, and the connection is closed when it
// does not end by that.
func runSession(ctx context.Context, client *ssh.Client, session *ssh.Session, command string) error {
	if err := session.Start(command); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	_ = session.Signal(ssh.SIGTERM)
	select {
	case <-ended:
	case <-time.After(stopGrace):
		_ = client.Close()
		<-ended
	}
	return fmt.Errorf("stopped (%w)", ctx.Err())
}
