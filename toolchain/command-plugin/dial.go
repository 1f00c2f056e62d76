package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

const (
	firstPause  = 100 * time.Millisecond
	longerPause = 1.5
	maxPause    = 5 * time.Second
)

// dial connects, through the proxy if there is one. It forgives as many failed attempts as the host's setting says; a
// wrong host key is never tried again. The function returned closes all that was opened.
func (c *Connection) dial(ctx context.Context) (*ssh.Client, func(), error) {
	pause := firstPause
	for failures := 1; ; failures++ {
		client, done, err := c.attempt(ctx)
		if err == nil {
			return client, done, nil
		}
		limit := c.dialErrorLimit()
		if errors.Is(err, errHostKey) || (limit >= 0 && failures > limit) || ctx.Err() != nil {
			return nil, nil, fmt.Errorf("connecting to %s, attempt %d: %w", c.address(), failures, err)
		}
		p.GetLogger(ctx).InfoStatusf("%s does not answer yet (attempt %d): %v", c.address(), failures, err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(time.Duration(float64(pause)*longerPause), maxPause)
	}
}

func (c *Connection) attempt(ctx context.Context) (*ssh.Client, func(), error) {
	direct := (&net.Dialer{}).DialContext
	if c.Proxy == nil {
		return dialOnce(ctx, &c.Endpoint, direct)
	}
	proxy, closeProxy, err := dialOnce(ctx, &c.Proxy.Endpoint, direct)
	if err != nil {
		return nil, nil, fmt.Errorf("proxy %s: %w", c.Proxy.address(), err)
	}
	client, closeClient, err := dialOnce(ctx, &c.Endpoint, proxy.DialContext)
	if err != nil {
		closeProxy()
		return nil, nil, err
	}
	return client, func() { closeClient(); closeProxy() }, nil
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// dialOnce makes one connection. The endpoint's time limit covers the handshake too.
func dialOnce(ctx context.Context, to *Endpoint, through dialer) (*ssh.Client, func(), error) {
	config, done, err := to.clientConfig()
	if err != nil {
		return nil, nil, err
	}
	client, err := handshake(ctx, to, through, config)
	if err != nil {
		done()
		return nil, nil, err
	}
	return client, func() { _ = client.Close(); done() }, nil
}

func handshake(ctx context.Context, to *Endpoint, through dialer, config *ssh.ClientConfig) (*ssh.Client, error) {
	if limit := to.dialTimeout(); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	conn, err := through(ctx, "tcp", to.address())
	if err != nil {
		return nil, err
	}
	// The handshake knows no context: closing the connection ends it.
	detach := context.AfterFunc(ctx, func() { _ = conn.Close() })
	sshConn, channels, requests, err := ssh.NewClientConn(conn, to.address(), config)
	if !detach() && err == nil {
		_ = sshConn.Close()
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w during the handshake", ctx.Err())
		}
		return nil, err
	}
	return ssh.NewClient(sshConn, channels, requests), nil
}
