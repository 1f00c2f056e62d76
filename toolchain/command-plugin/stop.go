package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// stopGrace is what a command gets between SIGTERM and SIGKILL when it is cancelled or runs out of time.
const stopGrace = 2 * time.Second

var (
	stopping, stop = context.WithCancel(context.Background())
	running        sync.WaitGroup
)

// stopOnSignal ends the plugin on SIGTERM and SIGINT, the commands it runs first: they have process groups of their
// own, so nobody else would end them.
func stopOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		received := <-signals
		stop()
		done := make(chan struct{})
		go func() { running.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(2 * stopGrace):
		}
		code := 1
		if number, ok := received.(syscall.Signal); ok {
			code = 128 + int(number)
		}
		os.Exit(code)
	}()
}

// untilStopped is ctx, cancelled also when the plugin is told to end. The function returned must be called when the
// work is over.
func untilStopped(ctx context.Context) (context.Context, func()) {
	running.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	detach := context.AfterFunc(stopping, cancel)
	return ctx, func() {
		detach()
		cancel()
		running.Done()
	}
}
