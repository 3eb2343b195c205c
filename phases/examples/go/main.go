//go:debug httpmuxgo121=0

// The peer of phase 1: the same signup, as one would write it in Go. net/http and a pool of pgx, one
// INSERT a signup, answered after the commit. It answers what a rush asks, keeps its rows in phase 1's
// table, and says on its operations port what the lab wants to know; the rest of the contract (closed
// events, lists, the page, a share a client) it does not keep.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const (
	// As many as phase 1 has.
	connections = 16
	deadline    = 2 * time.Second
	maxBody     = 4096
)

const schema = `
CREATE TABLE IF NOT EXISTS signups (
    event_id      uuid NOT NULL,
    id            uuid NOT NULL,
    email         text NOT NULL,
    name          text NOT NULL,
    signed_up_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, id)
);
GRANT SELECT, INSERT ON signups TO signup_server`

const insert = `
INSERT INTO signups (event_id, id, email, name) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING signed_up_at`

const find = `SELECT signed_up_at FROM signups WHERE event_id = $1 AND id = $2`

type participant struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

type signup struct {
	Receipt    string    `json:"receipt"`
	Event      string    `json:"event"`
	Status     string    `json:"status"`
	SignedUpAt time.Time `json:"signed_up_at"`
}

type server struct {
	pool *pgxpool.Pool
	key  []byte
	// Signups by what became of them: 2xx, 4xx, 5xx.
	answered [6]atomic.Uint64
}

func main() {
	ctx := context.Background()
	must(migrate(ctx))
	pool, err := connect(ctx)
	must(err)
	s := &server{pool: pool, key: secret("RECEIPT_KEY_FILE")}
	operations := http.NewServeMux()
	operations.HandleFunc("GET /readyz", s.ready)
	operations.HandleFunc("GET /metrics", s.metrics)
	go func() { log.Fatal(http.ListenAndServe(os.Getenv("OPERATIONS_LISTEN"), operations)) }()
	public := http.NewServeMux()
	public.HandleFunc("POST /v1/events/{event}/signups", s.signUp)
	public.HandleFunc("GET /v1/events/{event}", s.event)
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), public))
}

func (s *server) signUp(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	var p participant
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	if err := body.Decode(&p); err != nil || p.Name == "" || !strings.Contains(p.Email, "@") {
		s.answer(w, http.StatusBadRequest, nil)
		return
	}
	event, err := uuid.Parse(r.PathValue("event"))
	if err != nil {
		s.answer(w, http.StatusNotFound, nil)
		return
	}
	email := strings.ToLower(strings.TrimSpace(p.Email))
	id, receipt := s.seal(event, email)
	code, at := http.StatusCreated, time.Time{}
	err = s.pool.QueryRow(ctx, insert, event, id, email, p.Name).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		code = http.StatusOK
		err = s.pool.QueryRow(ctx, find, event, id).Scan(&at)
	}
	if err != nil {
		// Whether it was stored is not known.
		s.answer(w, http.StatusGatewayTimeout, nil)
		return
	}
	s.answer(w, code, signup{receipt, r.PathValue("event"), "recorded", at})
}

// The id of who has this address, and the receipt: the id, and a tag that only this service can make.
func (s *server) seal(event uuid.UUID, email string) (uuid.UUID, string) {
	digest := sha256.Sum256(append(event[:], email...))
	id := uuid.UUID(digest[:16])
	tag := hmac.New(sha256.New, s.key)
	tag.Write(event[:])
	tag.Write(id[:])
	receipt := append(id[:], tag.Sum(nil)[:16]...)
	return id, base64.RawURLEncoding.EncodeToString(receipt)
}

func (s *server) answer(w http.ResponseWriter, code int, body any) {
	s.answered[code/100].Add(1)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(body)
}

func (s *server) event(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"id\":%q}\n", r.PathValue("event"))
}

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.pool.Ping(r.Context()); err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
	}
}

func (s *server) metrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "# TYPE http_requests_total counter")
	for _, class := range []int{2, 4, 5} {
		const line = "http_requests_total{route=\"/v1/events/{event}/signups\",method=\"POST\",class=\"%dxx\"} %d\n"
		fmt.Fprintf(w, line, class, s.answered[class].Load())
	}
}

// As phase 1: the role that owns the schema makes it, another serves.
func migrate(ctx context.Context) error {
	config, err := pgx.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	config.User, config.Password = os.Getenv("SCHEMA_USER"), string(secret("SCHEMA_PASSWORD_FILE"))
	for {
		connection, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			_, err = connection.Exec(ctx, schema)
			connection.Close(ctx)
			return err
		}
		log.Print("no database yet: ", err)
		time.Sleep(500 * time.Millisecond)
	}
}

func connect(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	config.ConnConfig.Password = string(secret("DATABASE_PASSWORD_FILE"))
	config.MaxConns = connections
	return pgxpool.ConnectConfig(ctx, config)
}

func secret(variable string) []byte {
	content, err := os.ReadFile(os.Getenv(variable))
	must(err)
	return content
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
