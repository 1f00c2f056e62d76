package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// runLocal runs one command here and puts its streams into result. result holds the streams of the run before, which
// the command may see in its environment.
func runLocal(ctx context.Context, command string, in LocalInputs, result *Streams) error {
	if err := in.unsupported(); err != nil {
		return err
	}
	ctx, finished := untilStopped(ctx)
	defer finished()

	interpreter := []string{"/bin/sh", "-c"}
	if in.Interpreter != nil && len(*in.Interpreter) > 0 {
		interpreter = *in.Interpreter
	}
	arguments := append(slices.Clone(interpreter), command)
	cmd := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	cmd.Env = append(os.Environ(), assignments(in.Environment)...)
	cmd.Env = append(cmd.Env, assignments(result.previous(in.AddPreviousOutputInEnv))...)
	if in.Dir != nil {
		cmd.Dir = *in.Dir
	}
	if in.Stdin != nil {
		cmd.Stdin = strings.NewReader(*in.Stdin)
	}
	ended := inOwnGroup(cmd)

	var printed output
	stdout, flushStdout := printed.stream(ctx, &printed.stdout, in.Logging.shows(logStdout))
	stderr, flushStderr := printed.stream(ctx, &printed.stderr, in.Logging.shows(logStderr))
	cmd.Stdout, cmd.Stderr = stdout, stderr

	err := cmd.Run()
	ended()
	flushStdout()
	flushStderr()
	if ctx.Err() != nil {
		endGroup(cmd)
		err = fmt.Errorf("stopped (%w)", ctx.Err())
	}
	if err != nil {
		return printed.failure(err, command)
	}
	*result = Streams{Stdout: text(&printed.stdout), Stderr: text(&printed.stderr)}
	return nil
}

// inOwnGroup makes cancelling end the command's children too: SIGTERM to all, SIGKILL to who is left. The function
// returned must be called when the command is over.
func inOwnGroup(cmd *exec.Cmd) func() {
	over := make(chan struct{})
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		go func() {
			select {
			case <-over:
			case <-time.After(stopGrace):
				endGroup(cmd)
			}
		}()
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	// A child that left the group and holds the streams must not keep the engine waiting.
	cmd.WaitDelay = 2 * stopGrace
	return func() { close(over) }
}

func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

// assignments lists variables as exec wants them, in a stable order.
func assignments(variables map[string]string) []string {
	list := make([]string, 0, len(variables))
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}
