package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Endpoint is one SSH server and how to sign in to it.
type Endpoint struct {
	Host               string   `pulumi:"host"`
	Port               *float64 `pulumi:"port,optional"`
	User               *string  `pulumi:"user,optional"`
	Password           *string  `pulumi:"password,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	HostKey            *string  `pulumi:"hostKey,optional"`
	DialErrorLimit     *float64 `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *float64 `pulumi:"perDialTimeout,optional"`
}

// ProxyConnection is a server on the way.
type ProxyConnection struct {
	Endpoint
}

// Connection is how a command reaches its host.
type Connection struct {
	Endpoint
	Proxy *ProxyConnection `pulumi:"proxy,optional"`
}

// Annotate sets the SDK's defaults.
func (c *Connection) Annotate(a infer.Annotator) {
	a.SetToken("remote", "Connection")
	c.Endpoint.defaults(a)
}

// Annotate sets the SDK's defaults.
func (c *ProxyConnection) Annotate(a infer.Annotator) {
	a.SetToken("remote", "ProxyConnection")
	c.Endpoint.defaults(a)
}

func (e *Endpoint) defaults(a infer.Annotator) {
	a.SetDefault(&e.Port, 22)
	a.SetDefault(&e.User, "root")
	a.SetDefault(&e.DialErrorLimit, 10)
	a.SetDefault(&e.PerDialTimeout, 15)
}

func (e *Endpoint) address() string {
	return net.JoinHostPort(e.Host, strconv.Itoa(int(valueOr(e.Port, 22))))
}

// dialErrorLimit is how many failed dials are forgiven; negative is without end.
func (e *Endpoint) dialErrorLimit() int { return int(valueOr(e.DialErrorLimit, 10)) }

// dialTimeout covers connection and handshake; 0 is no limit.
func (e *Endpoint) dialTimeout() time.Duration {
	return time.Duration(valueOr(e.PerDialTimeout, 15) * float64(time.Second))
}

// clientConfig gives the SSH settings, and what closes the agent's socket.
func (e *Endpoint) clientConfig() (*ssh.ClientConfig, func(), error) {
	config := &ssh.ClientConfig{User: valueOr(e.User, "root"), HostKeyCallback: ssh.InsecureIgnoreHostKey()}
	done := func() {}
	if e.HostKey != nil {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*e.HostKey))
		if err != nil {
			return nil, done, fmt.Errorf("hostKey of %s is not a line like \"ssh-ed25519 AAAA…\": %w", e.address(), err)
		}
		config.HostKeyAlgorithms = algorithmsOf(key)
		config.HostKeyCallback = expect(key)
	}
	if e.PrivateKey != nil {
		signer, err := e.signer()
		if err != nil {
			return nil, done, fmt.Errorf("privateKey for %s: %w", e.address(), err)
		}
		config.Auth = append(config.Auth, ssh.PublicKeys(signer))
	}
	if e.Password != nil {
		config.Auth = append(config.Auth, ssh.Password(*e.Password), ssh.KeyboardInteractive(e.answer))
	}
	if socket := valueOr(e.AgentSocketPath, os.Getenv("SSH_AUTH_SOCK")); socket != "" {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return nil, done, fmt.Errorf("ssh agent: %w", err)
		}
		done = func() { _ = conn.Close() }
		config.Auth = append(config.Auth, ssh.PublicKeysCallback(agent.NewClient(conn).Signers))
	}
	return config, done, nil
}

func (e *Endpoint) signer() (ssh.Signer, error) {
	if e.PrivateKeyPassword != nil {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(*e.PrivateKey), []byte(*e.PrivateKeyPassword))
	}
	return ssh.ParsePrivateKey([]byte(*e.PrivateKey))
}

// answer gives the password to every question of a server that asks by keyboard-interactive.
func (e *Endpoint) answer(_, _ string, questions []string, _ []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i := range answers {
		answers[i] = *e.Password
	}
	return answers, nil
}

var errHostKey = errors.New("host key mismatch")

// expect accepts exactly one host key.
func expect(key ssh.PublicKey) ssh.HostKeyCallback {
	return func(host string, _ net.Addr, got ssh.PublicKey) error {
		if string(got.Marshal()) == string(key.Marshal()) {
			return nil
		}
		return fmt.Errorf("%w: %s answers with %s %s, expected is %s %s", errHostKey, host,
			got.Type(), ssh.FingerprintSHA256(got), key.Type(), ssh.FingerprintSHA256(key))
	}
}

// algorithmsOf makes the server present the key that is expected, not another of its own. An RSA key is proven with
// SHA-2 signatures, which have names of their own.
func algorithmsOf(key ssh.PublicKey) []string {
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{key.Type()}
}

func valueOr[T any](value *T, fallback T) T {
	if value != nil {
		return *value
	}
	return fallback
}
